"""What a learner sees in a notebook's cell when the program is wrong: a real kernel."""

import re
import sys

import pytest

from tests.support.later import nbclient, nbformat
from tests.support.processes import ROOT

ANSI = re.compile(r"\x1b\[[0-9;]*m")
FIRST = """\
import sys
sys.path[:0] = ['..', '../02_coroutines']
from workshop.notebook import record
import asyncio
"""


async def outputs(*cells: str) -> list[nbformat.NotebookNode]:
    """Run the cells in a new kernel; the outputs of the last one."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in (FIRST, *cells)]
    )
    client = nbclient.NotebookClient(
        notebook,
        allow_errors=True,
        timeout=300,
        resources={"metadata": {"path": str(ROOT / "notebooks")}},
    )
    await client.async_execute()
    return list(notebook.cells[-1].outputs)


async def below_the_picture(*cells: str) -> str:
    """The text that the last cell shows below its picture."""
    [output] = [o for o in await outputs(*cells) if "data" in o]
    html = output["data"]["text/html"]
    picture, _, text = html.partition("<pre>")
    assert picture.startswith("<img ")
    last = plain(text).splitlines()[-1]
    assert output["data"]["text/plain"].replace("\n", "").endswith(last)
    return plain(text)


def plain(html: str) -> str:
    for mark, sign in (("&lt;", "<"), ("&gt;", ">"), ("&#x27;", "'"), ("&quot;", '"')):
        html = html.replace(mark, sign)
    return html.removesuffix("</pre>").replace("&amp;", "&").rstrip()


async def shown_error(*cells: str) -> str:
    """The error that the last cell raises, as the notebook shows it."""
    [error] = [o for o in await outputs(*cells) if o.output_type == "error"]
    return ANSI.sub("", "\n".join(error.traceback))


WRONG = {
    "await 5": (
        "async def main():\n    await 5\n\n\nawait record(main())",
        "    await 5",
        "TypeError: object int can't be used in 'await' expression",
        "TypeError: 'int' object can't be awaited",
    ),
    "create_task without parentheses": (
        "async def fetch(): ...\n"
        "async def main():\n    asyncio.create_task(fetch)\nawait record(main())",
        "    asyncio.create_task(fetch)",
        "TypeError: a coroutine was expected, got <function fetch at 0x",
    ),
    "with for async with": (
        "async def main():\n    with asyncio.Lock():\n        pass\n"
        "await record(main())",
        "    with asyncio.Lock():",
        "TypeError: 'Lock' object does not support the context manager protocol",
        "TypeError: 'asyncio.locks.Lock' object does not support the context manager",
    ),
    "a coroutine that is not awaited": (
        "async def one():\n    return 1\nasync def main():\n    return one() + 1\n"
        "await record(main())",
        "    return one() + 1",
        "TypeError: unsupported operand type(s) for +: 'coroutine' and 'int'",
    ),
}


@pytest.mark.parametrize("mistake", WRONG)
async def test_a_mistake_in_a_recorded_program_is_text_from_the_learner_s_first_line_on(
    mistake: str,
) -> None:
    cell, line, *words = WRONG[mistake]
    lines = (await below_the_picture(cell)).splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert re.fullmatch(r"  Cell In\[2\], line \d, in main", lines[1])
    assert line in lines
    assert any(lines[-1].startswith(start) for start in words), lines[-1]
    assert not [line for line in lines if "workshop" in line or "ipykernel" in line]


async def test_a_program_that_is_no_coroutine_is_refused_in_asyncio_s_words() -> None:
    shown = await shown_error("def plain(): ...\nawait record(plain())")
    assert "TypeError: a coroutine was expected, got None" in shown
    assert "Cell In[2], line 2" in shown and "await record(plain())" in shown
    assert "record.py" not in shown and "timeline.py" not in shown


async def test_a_step_that_never_gives_control_back_is_ended_and_told() -> None:
    shown = await below_the_picture(
        "async def spin():\n    while True:\n        pass\n",
        "await record(spin(), patience=0.5)",
    )
    lines = shown.splitlines()
    assert re.fullmatch(r"  Cell In\[2\], line [23], in spin", lines[1])
    assert "ControlNotGivenBack: spin has run for 0.5 s" in lines[-1]
    # No frame of the recorder. A newer Python marks a part of the line.
    assert not [line for line in lines[2:] if line.startswith(("  Cell ", "  File "))]


@pytest.mark.skipif(sys.platform == "win32", reason="no signal ends a sleep there")
async def test_a_blocking_call_is_ended_as_well_and_the_kernel_lives_on() -> None:
    [output] = await outputs(
        "import time\n"
        "async def blocks():\n    time.sleep(1000)\n"
        "async def main():\n    await asyncio.gather(blocks(), asyncio.sleep(0))\n"
        "picture = await record(main(), patience=0.5)",
        "await asyncio.sleep(0)\n"
        "print(picture.error.splitlines()[-1])\n"
        "print(await record(asyncio.sleep(0, 'alive')))",
    )
    assert "ControlNotGivenBack: blocks has run for 0.5 s" in output.text
    assert "returned" in output.text


STEPPED = """\
import tiny_loop
from stepping import Stepper


async def main():
    await {awaited}


loop = Stepper(main)
loop.run()
loop
"""


async def test_asyncio_s_sleep_on_the_tiny_loop_is_told_below_the_stepper() -> None:
    shown = await below_the_picture(STEPPED.format(awaited="asyncio.sleep(1)"))
    lines = shown.splitlines()
    assert lines[1:3] == ["  Cell In[2], line 6, in main", "    await asyncio.sleep(1)"]
    assert "RuntimeError: the tiny loop can wait for its own futures" in lines[-1]
    assert "use tiny_loop.sleep" in lines[-1]


async def test_a_mistake_in_a_stepped_program_is_text_below_the_stepper() -> None:
    lines = (await below_the_picture(STEPPED.format(awaited="5"))).splitlines()
    assert lines[:3] == [
        "Traceback (most recent call last):",
        "  Cell In[2], line 6, in main",
        "    await 5",
    ]
    assert lines[-1].startswith("TypeError: ")
    assert not [line for line in lines if "tiny_loop.py" in line]
