"""The program that runs the suite again and again: ``tests/again.py``."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from tests import again
from tests.support.peers import until
from tests.support.processes import ROOT, alive
from workshop.site.first_program import first_program_kept


def test_each_seed_gives_an_order_of_all_files_and_always_the_same() -> None:
    order = again.in_some_order(1)
    files = [
        path.relative_to(ROOT).as_posix() for path in ROOT.glob("tests/*/test_*.py")
    ]
    assert sorted(order) == sorted(files)
    assert again.in_some_order(1) == order != again.in_some_order(2)


def test_the_processes_that_compute_end_with_the_block() -> None:
    with again.busy(2):
        started = psutil.Process().children()
        # For a moment a process that has just begun has no command line yet.
        until(lambda: all(child.cmdline() for child in started))
        computing = [child for child in started if again.COMPUTE in child.cmdline()]
        assert len(computing) == 2
    assert not alive(computing)


def test_a_process_that_a_run_has_left_behind_is_named(tmp_path: Path) -> None:
    mark = str(tmp_path)
    waits = "import sys; print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", waits],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, again.MARK: mark},
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()  # before that, it may have no environment yet
        [found] = again.processes(mark)
        assert found.startswith(f"{process.pid} ")
    assert again.processes(mark) == []


@pytest.fixture
def clone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A repository of its own: tests beside these have files in the real one."""
    path = tmp_path / "clone"
    subprocess.run(["git", "init", "-q", path], check=True)
    (path / ".gitignore").write_text("*.sqlite3\n__pycache__/\n")
    monkeypatch.setattr(again, "ROOT", path)
    return path


def test_a_file_that_a_run_has_left_behind_is_named(clone: Path) -> None:
    before = again.files()
    (clone / "left.sqlite3").touch()
    (clone / "left.txt").touch()
    (clone / "__pycache__").mkdir()
    (clone / "__pycache__" / "kept.pyc").touch()
    assert again.files() - before == {"!! left.sqlite3", "?? left.txt"}


def test_a_file_that_a_run_beside_uses_is_not_left_behind(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = again.files()
    program = clone / "notebooks" / "first.py"
    program.parent.mkdir()
    used, seen = threading.Event(), threading.Event()

    def beside() -> None:
        with first_program_kept(program.parent):
            program.touch()
            used.set()
            seen.wait()

    def files() -> set[str]:
        found = look()
        seen.set()
        return found

    look = again.files
    monkeypatch.setattr(again, "files", files)
    thread = threading.Thread(target=beside)
    thread.start()
    used.wait()
    assert again.left_behind(before) == set()
    thread.join()


def test_a_run_tells_how_it_ended_and_gives_its_seed(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    clone: Path,
    tmp_path: Path,
) -> None:
    scratch = clone / "test_scratch.py"
    scratch.write_text("def test_first(): pass\ndef test_second(): assert False\n")
    monkeypatch.setattr(again, "in_some_order", lambda seed: [str(scratch)])
    arguments = ["-n0", "-p", "no:cacheprovider"]
    assert not again.run(7, 0, arguments, tmp_path / "log")
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("seed 7, 0 processes beside, ")
    assert "1 failed, 1 passed" in said[0]
    assert said[1:] == [f"    {tmp_path / 'log'}"]
    assert again.run(7, 0, [*arguments, "-k", "first"], tmp_path / "log")
