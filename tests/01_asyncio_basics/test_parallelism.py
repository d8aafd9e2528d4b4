"""Heavy computations as coroutines, in threads, in processes."""

import asyncio
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.context import BaseContext
from pathlib import Path

import parallelism
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def test_a_heavy_computation_gives_the_same_result_every_time() -> None:
    """What the three ways share is the work."""
    assert parallelism.heavy(10) == 0 + 1 + 2 + 3 + 0 + 1 + 2 + 3 + 0 + 1


def test_every_way_says_how_long_it_took(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Coroutines, threads and spawned processes all finish their four pieces."""
    monkeypatch.setattr(parallelism, "ROUNDS", 1000)
    for way in ("as_coroutines", "in_worker_threads", "in_processes"):
        assert asyncio.run(getattr(parallelism, way)()) > 0
    said = capsys.readouterr().out
    for words in ("4 pieces as coroutines", "4 pieces in threads", "4 pieces in proc"):
        assert words in said


def test_processes_are_spawned_on_every_platform(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A fork of a process with threads, as a page is, may hang."""
    contexts: list[str | None] = []

    class Pool(ProcessPoolExecutor):
        def __init__(self, workers: int, mp_context: BaseContext) -> None:
            contexts.append(mp_context.get_start_method())
            super().__init__(workers, mp_context)

    monkeypatch.setattr(parallelism, "ProcessPoolExecutor", Pool)
    monkeypatch.setattr(parallelism, "ROUNDS", 1000)
    monkeypatch.setattr(parallelism, "processors", lambda: 1)
    asyncio.run(parallelism.in_processes())
    assert contexts == ["spawn"]


def test_processes_work_where_the_main_module_is_not_this_file() -> None:
    """As in Jupyter: the worker function is found by its module's name."""
    code = (
        "import asyncio, sys; sys.path.append('01_asyncio_basics');"
        "import parallelism; parallelism.ROUNDS = 1000;"
        "asyncio.run(parallelism.in_processes())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert "4 pieces in processes" in done.stdout, done.stderr


def test_the_number_of_processors_is_that_of_this_process() -> None:
    """Where the system tells which ones we may use, the others do not count."""
    assert 1 <= parallelism.processors() <= (os.cpu_count() or 1)
    if hasattr(os, "sched_getaffinity"):
        assert parallelism.processors() <= len(os.sched_getaffinity(0))


@pytest.mark.parametrize("processors", [1, 4])
def test_the_summary_is_honest_about_the_machine(
    processors: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """On one processor nothing can be faster, and main says so."""

    async def took() -> float:
        return 1.0

    monkeypatch.setattr(parallelism, "processors", lambda: processors)
    for way in ("one_piece", "as_coroutines", "in_worker_threads", "in_processes"):
        monkeypatch.setattr(parallelism, way, took)
    asyncio.run(parallelism.main())
    said = capsys.readouterr().out
    assert ("nothing can be faster here" in said) is (processors == 1)
    assert ("4 processors" in said) is (processors == 4)


def test_a_spawned_process_does_not_run_the_program() -> None:
    """Importing the module starts nothing."""
    done = subprocess.run(
        [sys.executable, "-c", "import parallelism"],
        cwd=ROOT / "01_asyncio_basics",
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    assert done.stdout == ""
