"""A copy of the tools and of all stages, which a test may solve, break and reset."""

import contextlib
import io
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from workshop.command.errors import UserError
from workshop.command.places import ROOT
from workshop.exercises import command
from workshop.exercises.catalogue import Exercise, exercises

ALL = len(exercises())
STAGES = sorted(ROOT.glob("0?_*"))
FILES = ("pyproject.toml", "requirements.lock", "requirements-bench.lock")


class Done(NamedTuple):
    """What a call of the command has come to."""

    returncode: int
    stdout: str
    stderr: str


class House:
    """The copy: its exercises, and the command in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environment = os.environ | {"PYTHONPATH": str(root), "PYTHONUTF8": "1"}

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", "workshop", "exercise"]

    def run(self, *arguments: str) -> "Done":
        """Do what ``python3 -m workshop exercise`` does with these arguments.

        In this process, since each start of Python costs a quarter of a second. The
        check itself is a process of its own all the same.
        """
        out = io.StringIO()
        err = io.StringIO()
        with contextlib.redirect_stdout(out):
            try:
                code = command.main(list(arguments), self.root)
            except UserError as error:
                print(error, file=err)
                code = 2
        return Done(code, out.getvalue(), err.getvalue())

    def start(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run ``python3 -m workshop exercise`` with arguments to its end."""
        return subprocess.run(
            [*self.command, *arguments],
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
        )

    def exercise(self, number: str) -> Exercise:
        """An exercise of the copy."""
        every = exercises(self.root)
        return next(exercise for exercise in every if exercise.number == number)

    def write(self, number: str, part: str) -> Path:
        """Put a part between the marks of a learner's file."""
        exercise = self.exercise(number)
        text = exercise.start_parts.with_part(part)
        exercise.path.write_text(text, "utf-8")
        return exercise.path

    def solve(self, number: str) -> Path:
        return self.write(number, self.exercise(number).solution)


def wait_until_nobody_has(words: str) -> None:
    """Wait until no living process has ``words`` in its command line.

    A number of a process would not do: the next process may get it.
    """
    while any(words in " ".join(command_line) for command_line in _command_lines()):
        time.sleep(0.05)


def _command_lines() -> list[list[str]]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.cmdline())
    return found


@pytest.fixture
def house(tmp_path: Path) -> House:
    """All exercises are at their start: the learner's own work is not copied."""
    root = tmp_path / "house"
    leave = shutil.ignore_patterns("__pycache__", "*.kept-*")
    shutil.copytree(ROOT / "workshop", root / "workshop", ignore=leave)
    for stage in STAGES:
        # Not the site of stage 04, which no test needs here: a fifth of a second each.
        here = root / stage.name
        shutil.copytree(stage / "exercises", here / "exercises", ignore=leave)
        for lesson in stage.glob("*.py"):
            shutil.copy2(lesson, here)
    for name in FILES:
        shutil.copy(ROOT / name, root / name)
    for exercise in exercises(root):
        exercise.path.write_text(exercise.start, "utf-8")
    return House(root)
