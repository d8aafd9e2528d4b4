"""Each notebook is run as a learner runs it: every cell, in order, in a new kernel."""

import json
import re
import threading
from pathlib import Path

import pytest

from tests.support.later import nbclient, nbformat
from workshop.site.first_program import first_program_kept

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))
NAMES = [
    "01_asyncio_basics",
    "02_coroutines",
    "03_asgi_raw",
    "04_django_wrapper",
    "04_django_wrapper_in_earnest",
]
ANSI = re.compile(r"\x1b\[[0-9;]*m")

each = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def test_every_stage_has_its_notebook() -> None:
    assert [path.stem for path in PATHS] == NAMES


async def run(path: Path, times: int = 1) -> list[str]:
    """Run all cells ``times`` over in one kernel; what each printed the last time."""
    notebook = nbformat.read(path, as_version=4)
    cells = notebook.cells
    notebook.cells = cells * times
    client = nbclient.NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": str(NOTEBOOKS)}}
    )
    try:
        await client.async_execute()
    except nbclient.exceptions.CellExecutionError as error:
        last = [cell for cell in notebook.cells if cell.get("execution_count")][-1]
        pytest.fail(
            f"{path.name}, cell {last['id']}:\n\n{last['source']}\n\n"
            f"{ANSI.sub('', error.traceback)}",
            pytrace=False,
        )
    return [
        "".join(
            output.get("text", "") or output.get("data", {}).get("text/plain", "")
            for output in cell.get("outputs", [])
        )
        for cell in notebook.cells[-len(cells) :]
    ]


@each
async def test_a_notebook_runs_from_its_first_cell_to_its_last_twice_in_a_row(
    path: Path,
) -> None:
    with first_program_kept(NOTEBOOKS):
        await run(path, times=2)


@pytest.mark.parametrize("before", ["mine", None], ids=["written", "not written"])
def test_a_learners_first_program_is_as_before_after_a_run(
    before: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "first.py"
    if before is not None:
        path.write_text(before)
    with pytest.raises(ZeroDivisionError), first_program_kept(tmp_path):
        path.write_text("the notebook's")
        raise ZeroDivisionError("a cell has failed")
    assert (path.read_text() if path.exists() else None) == before


def test_two_runs_of_the_notebooks_take_turns_with_the_first_program(
    tmp_path: Path,
) -> None:
    path = tmp_path / "first.py"
    entered = threading.Event()
    found: list[bool] = []

    def second() -> None:
        with first_program_kept(tmp_path):
            found.append(path.exists())
            entered.set()

    thread = threading.Thread(target=second)
    with first_program_kept(tmp_path):
        path.write_text("print('of the first run')\n", "utf-8")
        thread.start()
        assert not entered.wait(0.5)
    thread.join()
    assert found == [False]
    assert not path.exists()


@each
def test_a_notebook_is_stored_without_outputs_and_with_stable_ids(path: Path) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert not any(cell["outputs"] or cell["execution_count"] for cell in code)
    ids = [cell["id"] for cell in cells]
    assert len(set(ids)) == len(ids)
    assert all(identifier.startswith(path.stem[:2]) for identifier in ids)


@each
def test_a_code_cell_has_at_most_fifteen_lines_and_an_exercise_twenty(
    path: Path,
) -> None:
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            longest = 15
            if cell.source.startswith("%%exercise"):
                longest = 20  # a learner's part of a file stands in one cell
            assert len(cell.source.splitlines()) <= longest, cell.source


@each
def test_a_notebook_opens_with_what_one_will_be_able_to_do_and_ends_with_key_points(
    path: Path,
) -> None:
    notebook = nbformat.read(path, as_version=4)
    words = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    assert "After this you can" in words[0]
    assert "You need" in words[0] and "minutes" in words[0]
    points = words[-1].split("## Key points")[1]
    assert re.findall(r"^\d(?=\. )", points, re.MULTILINE) == list("12345")


async def test_a_failing_cell_is_shown_as_the_cell_and_its_error(
    tmp_path: Path,
) -> None:
    cell = nbformat.v4.new_code_cell("ping = 'pong!'\nping.upside_down()")
    path = tmp_path / "broken.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    with pytest.raises(pytest.fail.Exception) as failure:
        await run(path)
    assert "ping.upside_down()" in str(failure.value)
    assert "AttributeError" in str(failure.value)
    assert "nbclient" not in str(failure.value)


async def test_workers_that_cannot_load_the_learners_site_say_why(
    tmp_path: Path,
) -> None:
    notebook = nbformat.read(PATHS[-1], as_version=4)
    needed = ["04-167", "04-168", "04-180", "04-221", "04-112", "04-113"]
    cells = {cell.id: cell for cell in notebook.cells}
    notebook.cells = [cells[identifier] for identifier in needed]
    broken = nbformat.v4.new_code_cell("site = 'import a_module_of_nobody'")
    serve = nbformat.v4.new_code_cell("async with two_workers():\n    pass")
    notebook.cells.insert(3, broken)
    notebook.cells.append(serve)
    path = tmp_path / "broken.ipynb"
    nbformat.write(notebook, path)
    with pytest.raises(pytest.fail.Exception) as failure:
        await run(path)
    assert "No module named 'a_module_of_nobody'" in str(failure.value)
