"""Every entry of ERRORS.md is run, and says what its title says."""

import importlib
import re
import subprocess
import sys

import pytest

from tests.support.error_index import Entry, entries_of
from tests.support.processes import ROOT

FOLDER = ROOT / "01_asyncio_basics"
ENTRIES = entries_of("01_asyncio_basics")


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_an_entry_s_program_produces_its_message(entry: Entry) -> None:
    """The title is what this Python really says."""
    (program,) = entry.blocks("python")
    done = subprocess.run(
        [sys.executable, "-W", "default", "-c", program],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if entry.message:
        assert entry.message.search(done.stderr), done.stderr
    else:
        assert [done.stdout, done.stderr] == [*entry.blocks("text"), ""]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_an_entry_names_programs_that_exist_and_a_fix(entry: Entry) -> None:
    """``see_it.py``, ``program``: a module of this stage and a function of it."""
    assert "The fix" in entry.body
    prose = re.sub(r"^```.*?^```$", "", entry.body, flags=re.M | re.S)
    seen = re.findall(r"`[^`]*?(\w+)\.py`,\s`(\w+)`", prose)
    assert len(seen) == len(re.findall(r"\w+\.py`", prose))
    for module, program in seen:
        assert hasattr(importlib.import_module(module), program)


@pytest.mark.parametrize(
    "message",
    [
        "asyncio.run() cannot be called from a running event loop",
        "coroutine 'fetch' was never awaited",
        "Task exception was never retrieved",
        "Task was destroyed but it is pending!",
        "Executing <Task pending name='Task-1'> took 0.203 seconds",
        "There is no current event loop in thread 'MainThread'.",
        "no running event loop",
        "got Future <Future pending> attached to a different loop",
        "cannot reuse already awaited coroutine",
        "object int can't be used in 'await' expression",
        "'int' object can't be awaited",
        "a coroutine was expected, got <function fetch at 0x7f>",
        "unsupported operand type(s) for +: 'coroutine' and 'int'",
        "'TaskGroup' object does not support the context manager protocol",
    ],
)
def test_a_message_that_learners_meet_has_its_entry(message: str) -> None:
    """The places where learners get stuck are all in the index, once."""
    found = [e for e in ENTRIES if e.message and e.message.fullmatch(message)]
    assert len(found) == 1


def test_what_goes_wrong_without_a_message_has_its_entry() -> None:
    """Nothing is told, so the title says that."""
    assert [entry.title for entry in ENTRIES if not entry.message] == [
        "No message: the clean-up was not done",
        "No message: everything stands still",
    ]
