"""Whatever a learner's program does: a sentence with its line, no traceback of ours."""

import os
import signal
from pathlib import Path

import pytest

from tests.exercises.conftest import wait_until_nobody_has
from workshop.exercises.catalogue import find
from workshop.exercises.check import check, check_all
from workshop.exercises.verdict import State, Verdict

EXERCISE = find("1.5")
DEF = "async def crawl(site, pages):\n"
SHORT = 1.0  # seconds in place of ten
FIRST = EXERCISE.start_parts.first_line  # the line of the part's first line

# Each part ends by itself. The sentence names the line in the file: {2} is the second
# line of the part.
SURVIVED = {
    "a syntax error": (
        f"{DEF}    return [await site.download(page for page in pages\n",
        ["line {2} is no Python yet: '(' was never closed.", "^"],
    ),
    "a renamed function": (
        "async def crawler(site, pages):\n    return []\n",
        ["There is no crawl any more; between the marks stands crawler."],
    ),
    "async forgotten": (
        "def crawl(site, pages):\n    return []\n",
        ["crawl is a plain function", "`async def crawl` is wanted"],
    ),
    "a value in place of the function": (
        "crawl = 7\n",
        ["crawl is no function any more"],
    ),
    "a coroutine lost in a circle": (
        f"{DEF}    page = [site.download('/')]\n    page.append(page)\n    return []\n",
        ["  | RuntimeWarning: coroutine 'CountingSite.download' was never awaited"],
    ),
    "a megabyte in one line": (
        f"{DEF}    print('x' * 1_000_000)\n    return []\n",
        ["more than 20,000 characters were printed at line {2}"],
    ),
    "lines without end": (
        f"{DEF}    while True:\n        print('x')\n",
        ["more than 20,000 characters were printed at line {3}", "lines more"],
    ),
    "sys.exit": (
        f"import sys\n{DEF}    sys.exit(3)\n",
        ["the program asked Python to end (SystemExit) at line {3}"],
    ),
    "sys.exit outside": (
        f"import sys\nsys.exit()\n{DEF}    return []\n",
        ["the program asked Python to end (SystemExit) at line {2}"],
    ),
    "an error": (
        f"{DEF}    return [await site.load(page) for page in pages]\n",
        ["AttributeError was raised at line {2}", "has no attribute 'load'"],
    ),
    "a name without its module": (
        f"{DEF}    async with Semaphore(3):\n        return []\n",
        ["NameError was raised at line {2}", "Do you mean `asyncio.Semaphore`?"],
    ),
    "a name that stands nowhere": (
        f"{DEF}    return await gahter(site)\n",
        ["NameError was raised at line {2}"],
    ),
    "an error in a group": (
        f"{DEF}    async with asyncio.TaskGroup() as group:\n"
        "        group.create_task(site.load('/'))\n",
        ["ExceptionGroup (AttributeError) was raised at line {3}"],
    ),
    "an error of the thing itself": (
        f"raise OSError('no network')\n{DEF}    return []\n",
        ["OSError was raised at line {1}", "no network"],
    ),
    "a wait for nothing": (
        f"{DEF}    await asyncio.Event().wait()\n",
        ["all wait, and nobody can wake them, at line {2}: `await asyncio.Event()"],
    ),
    "a question to the keyboard": (
        f"{DEF}    return input('?')\n",
        ["EOFError was raised at line {2}"],
    ),
    "a call of itself": (
        f"{DEF}    return await crawl(site, pages)\n",
        ["RecursionError was raised at line {2}"],
    ),
    "a task that swallows every cancellation": (
        f"{DEF}    async def stays():\n"
        "        while True:\n"
        "            try:\n"
        "                await asyncio.sleep(1)\n"
        "            except asyncio.CancelledError:\n"
        "                pass\n"
        "    asyncio.create_task(stays())\n"
        "    return []\n",
        ["crawl gave []"],
    ),
    "a gather without await": (
        f"{DEF}    return list(asyncio.gather(site.download(pages[0])))\n",
        ["RuntimeError was raised at line {2}", "Which word is missing"],
    ),
    "a task that fails and that nobody asks": (
        f"{DEF}    async def fails():\n        raise ValueError('a leaf')\n"
        "    asyncio.create_task(fails())\n"
        "    await asyncio.sleep(1)\n    return []\n",
        ["  | Task exception was never retrieved", "  | ValueError: a leaf"],
    ),
    "a thread of its own": (
        f"import time\n{DEF}    await asyncio.to_thread(time.sleep, 5)\n"
        "    return []\n",
        ["crawl gave []"],
    ),
}
if hasattr(os, "fork"):
    SURVIVED["a fork"] = (
        f"import os\n{DEF}    os.fork()\n    return []\n",
        ["the program splits its process with os.fork at line {3}"],
    )


def written(part: str, path: Path) -> Path:
    path.write_text(EXERCISE.start_parts.with_part(part), "utf-8")
    return path


def require(verdict: Verdict, sentences: list[str]) -> None:
    text = verdict.text()
    lines = [str(FIRST + n) for n in range(10)]
    assert verdict.state is State.NOT_YET
    for sentence in sentences:
        expected = sentence
        for n, line in enumerate(lines, 1):
            expected = expected.replace(f"{{{n}}}", line)
        assert expected in text, text
    assert f"workshop{os.sep}" not in text, "no line of ours is shown"


@pytest.fixture(scope="module")
def survived(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Verdict]:
    """All of them, one after the other in one child process."""
    folder = tmp_path_factory.mktemp("programs")
    parts = [part for part, _ in SURVIVED.values()]
    paths = [written(part, folder / f"e5_{n}.py") for n, part in enumerate(parts)]
    return dict(zip(SURVIVED, check_all(EXERCISE, paths), strict=True))


@pytest.mark.parametrize("name", SURVIVED)
def test_a_bad_program_gets_its_sentence(
    name: str, survived: dict[str, Verdict]
) -> None:
    require(survived[name], SURVIVED[name][1])


def test_what_is_printed_is_shown_in_part(survived: dict[str, Verdict]) -> None:
    for name in ("a megabyte in one line", "lines without end"):
        assert len(survived[name].text()) < 4_000


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (f"{DEF}    while True:\n        pass\n", "at line {2}: `while True:`"),
        (f"{DEF}    return sum(range(10**11))\n", "at line {2}: `return sum(range("),
        (
            f"{DEF}    while site.asking == 0: await asyncio.sleep(0)\n",  # one line
            "at line {2}: `while site.asking == 0: await asyncio.sleep(0)`.\n"
            "Ask yourself: It looks again and",
        ),
    ],
    ids=["in Python", "in C", "giving control back each time"],
)
def test_a_program_that_never_ends_gets_its_line(
    part: str, words: str, tmp_path: Path
) -> None:
    verdict = check(EXERCISE, written(part, tmp_path / "e5.py"), SHORT)
    require(verdict, [f"still running after 1 s, {words}"])


def test_a_program_that_ends_its_process_gets_the_exit_code(tmp_path: Path) -> None:
    part = f"import os\n{DEF}    os._exit(7)\n"
    verdict = check(EXERCISE, written(part, tmp_path / "e5.py"))
    require(verdict, ["the program ended its own process, with exit code 7"])


@pytest.mark.skipif(os.name == "nt", reason="Windows ends processes without signals")
def test_a_program_that_ends_its_process_by_a_signal_gets_its_name(
    tmp_path: Path,
) -> None:
    part = f"import os, signal\n{DEF}    os.kill(os.getpid(), signal.SIGKILL)\n"
    verdict = check(EXERCISE, written(part, tmp_path / "e5.py"))
    require(verdict, [f"with signal {signal.SIGKILL:d} (SIGKILL)"])


@pytest.mark.skipif(os.name == "nt", reason="Windows has no groups of processes")
def test_what_a_program_has_started_ends_with_its_check(tmp_path: Path) -> None:
    """A process of its own that would sleep for an hour."""
    token = f"sleeper of {tmp_path}"
    part = (
        "import subprocess\n"
        "import sys\n"
        f"{DEF}    sleep = 'import time; print(1, flush=True); time.sleep(3600)'\n"
        f"    command = [sys.executable, '-c', sleep, {token!r}]\n"
        "    child = subprocess.Popen(command, stdout=subprocess.PIPE)\n"
        "    child.stdout.readline()\n"
        "    return ['it sleeps']\n"
    )
    verdict = check(EXERCISE, written(part, tmp_path / "e5.py"))
    require(verdict, ["crawl gave ['it sleeps']"])
    wait_until_nobody_has(token)
