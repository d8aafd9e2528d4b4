"""A copy of the tools and of two stages, which a test may solve, break and reset."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from workshop.command.environment import ROOT
from workshop.exercises.catalogue import Exercise, exercises

COPIED = ("workshop", "01_asyncio_basics", "02_coroutines")
FILES = ("pyproject.toml", "requirements.lock", "requirements-bench.lock")


class House:
    """The copy: its exercises, and the command in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environment = os.environ | {"PYTHONPATH": str(root), "PYTHONUTF8": "1"}

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", "workshop", "exercise"]

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
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


@pytest.fixture
def house(tmp_path: Path) -> House:
    """All exercises are at their start: the learner's own work is not copied."""
    root = tmp_path / "house"
    leave = shutil.ignore_patterns("__pycache__", "*.kept-*")
    for name in COPIED:
        shutil.copytree(ROOT / name, root / name, ignore=leave)
    for name in FILES:
        shutil.copy(ROOT / name, root / name)
    for exercise in exercises(root):
        exercise.path.write_text(exercise.start, "utf-8")
    return House(root)
