"""The watch in a real terminal (a pty): save, keys, Ctrl-C."""

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.exercises.conftest import ALL, House, wait_until_nobody_has

if sys.platform == "win32":
    pytest.skip("a pty is needed", allow_module_level=True)

import pty
import termios

PATIENCE = 300.0  # seconds; only a failure takes so long


class Terminal:
    """A program that believes to be in a terminal."""

    def __init__(self, process: "subprocess.Popen[bytes]", screen: int) -> None:
        self.process = process
        self.seen = ""
        self._screen = screen
        self._read_up_to = 0

    def press(self, keys: str) -> None:
        os.write(self._screen, keys.encode())

    def wait_for(self, words: str) -> str:
        """Read on until ``words`` appear; what came since the last time, with them."""
        deadline = time.monotonic() + PATIENCE
        while words not in self.seen[self._read_up_to :]:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self._screen], [], [], max(left, 0))
            assert ready, f"{words!r} did not come:\n{self.seen}"
            try:
                piece = os.read(self._screen, 65536)
            except OSError:  # Linux: the program has ended
                piece = b""
            assert piece, f"{words!r} did not come, and the program ended:\n{self.seen}"
            self.seen += piece.decode("utf-8", "replace").replace("\r\n", "\n")
        end = self.seen.index(words, self._read_up_to) + len(words)
        new = self.seen[self._read_up_to : end]
        self._read_up_to = end
        return new


@contextmanager
def watching(house: House) -> Iterator[Terminal]:
    """``python3 -m workshop exercise`` in a pty, ended with the body."""
    screen, keyboard = pty.openpty()
    before = termios.tcgetattr(keyboard)
    process = subprocess.Popen(
        house.command,
        cwd=house.root,
        env=house.environment,
        stdin=keyboard,
        stdout=keyboard,
        stderr=keyboard,
        start_new_session=True,
        preexec_fn=take_the_terminal,
    )
    try:
        yield Terminal(process, screen)
        process.wait(PATIENCE)
        assert termios.tcgetattr(keyboard) == before, "the terminal is as it was"
    finally:
        process.kill()
        process.wait()
        os.close(keyboard)
        os.close(screen)


def take_the_terminal() -> None:
    """Let Ctrl-C in the pty be a signal for the program."""
    import fcntl

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


READY = "Enter checks again)"


def test_saving_the_current_file_brings_a_verdict(house: House) -> None:
    with watching(house) as terminal:
        first = terminal.wait_for(READY)
        assert "1.1 · Two at once" in first
        assert "Not begun" in first

        house.write("1.1", "async def load_page():\n    return []")
        assert "Not yet: load_page gave []" in terminal.wait_for(READY)

        house.solve("1.1")
        assert "Right: both were asked at once" in terminal.wait_for(READY)

        terminal.press("n")
        assert "1.2 · The letter that was never sent" in terminal.wait_for(READY)
        terminal.press("q")
        terminal.wait_for("Watching has ended")
    assert terminal.process.returncode == 0
    assert f"1 of {ALL} solved" in house.run("list").stdout


def test_a_file_that_an_editor_replaces_is_seen_too(house: House) -> None:
    """Many editors write a new file and rename it."""
    with watching(house) as terminal:
        terminal.wait_for(READY)
        path = house.exercise("1.1").path
        beside = path.with_name("editor.tmp")
        exercise = house.exercise("1.1")
        text = exercise.start_parts.with_part(exercise.solution)
        beside.write_text(text, "utf-8")
        path.unlink()
        beside.rename(path)
        assert "Right:" in terminal.wait_for(READY)
        terminal.press("q")


def test_another_file_that_is_saved_becomes_the_current_one(house: House) -> None:
    with watching(house) as terminal:
        terminal.wait_for(READY)
        house.solve("1.2")
        new = terminal.wait_for(READY)
        assert "e2_letter.py was saved: it is the current one now." in new
        assert "Right: the letter had been sent" in new
        terminal.press("q")


def test_the_keys_do_what_the_last_line_says(house: House) -> None:
    with watching(house) as terminal:
        terminal.wait_for(READY)
        exercise = house.exercise("1.1")

        terminal.press("h")
        terminal.wait_for(f"Hint 1 of 3: {exercise.hints[0]}")
        terminal.press("l")
        assert "> 1.1" in terminal.wait_for("minutes left")
        terminal.press("?")
        terminal.wait_for(READY)
        terminal.press("\r")
        assert "Not begun" in terminal.wait_for(READY)
        terminal.press("s")
        assert "1.2 · The letter that was never sent" in terminal.wait_for(READY)
        terminal.press("l")
        assert "skipped" in terminal.wait_for("minutes left")
        terminal.press("q")
        terminal.wait_for("Watching has ended")


def test_a_reset_asks_first_and_keeps_what_was_there(house: House) -> None:
    with watching(house) as terminal:
        terminal.wait_for(READY)
        path = house.write("1.1", "async def load_page():\n    return 1")
        mine = path.read_bytes()
        terminal.wait_for(READY)

        terminal.press("x")
        terminal.wait_for("y: yes; any other key: no")
        terminal.press("n")
        terminal.wait_for("Nothing was changed.")
        assert path.read_bytes() == mine

        terminal.press("x")
        terminal.wait_for("y: yes; any other key: no")
        terminal.press("y")
        terminal.wait_for("kept as e1_two_at_once.py.kept-1")
        assert path.read_text("utf-8") == house.exercise("1.1").start
        assert path.with_name(f"{path.name}.kept-1").read_bytes() == mine
        terminal.press("q")


def test_ctrl_c_ends_the_watch_with_a_sentence(house: House) -> None:
    with watching(house) as terminal:
        terminal.wait_for(READY)
        terminal.press("\x03")
        terminal.wait_for("Watching has ended. Your files and your progress are kept.")
    assert terminal.process.returncode == 0
    assert "Traceback" not in terminal.seen


def test_ctrl_c_ends_a_check_that_goes_on(house: House) -> None:
    """The child process with the endless program ends with it."""
    with watching(house) as terminal:
        terminal.wait_for(READY)
        note = house.root / "running"
        house.write(
            "1.1",
            f"open({str(note)!r}, 'w').close()\n"
            "while True:\n    pass\nasync def load_page():\n    pass\n",
        )
        wait_until(note.is_file)
        terminal.press("\x03")
        terminal.wait_for("Watching has ended")
    wait_until_nobody_has(str(house.exercise("1.1").path))


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_lines_with_enter_work_where_there_is_no_terminal(house: House) -> None:
    """As in the console of an editor, or through a pipe."""
    done = subprocess.run(
        house.command,
        cwd=house.root,
        env=house.environment,
        input="h\nl\nq\n",
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    assert "Hint 1 of 3" in done.stdout
    assert "minutes left" in done.stdout
    assert "Watching has ended" in done.stdout
