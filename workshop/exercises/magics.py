"""``%%exercise 1.5``, ``%hint 1.5``, ``%solution 1.5``: an exercise in a notebook.

The file is the truth, and the cell is a view of the part between its marks. Running the
cell writes the file, checks it, says what the terminal says, and draws the run.
"""

import importlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from workshop.command.errors import UserError
from workshop.command.places import ROOT
from workshop.exercises import catalogue, files
from workshop.exercises.catalogue import Exercise
from workshop.exercises.check import check
from workshop.exercises.marks import BEGIN, END, same
from workshop.exercises.progress import Store
from workshop.exercises.words import NOTEBOOK, hints_left, next_hint, show


class NotebookExercises:
    """The magics of one notebook.

    Args:
        display: shows a MIME bundle.
        root: the folder of the stages, and of the progress.
    """

    def __init__(
        self, display: Callable[[dict[str, str]], None], root: Path = ROOT
    ) -> None:
        self._display = display
        self._root = root
        self._store = Store(root)
        # The text that this notebook wrote last, by number: no copy of it is kept.
        self._written: dict[str, str] = {}

    def exercise(self, line: str, cell: str) -> None:
        """``%%exercise 1.5``: write the cell into the file, and check that."""
        try:
            exercise = self._find(line)
            self._write(exercise, _without_marks(cell))
            print(f"{exercise.number} · {exercise.title}")
            verdict = check(exercise)
        except UserError as error:
            print(error)
            return
        show(exercise, verdict, self._store, how=NOTEBOOK)
        first = exercise.parts().first_line
        if verdict.line >= first:
            # The first line of the cell is the magic itself.
            print(
                f"(Line {verdict.line} of the file is line "
                f"{verdict.line - first + 2} of this cell.)"
            )
        if verdict.picture:
            self._display(verdict.picture)

    def hint(self, line: str) -> None:
        """``%hint 1.5``: the next hint."""
        if not line.strip():
            print("Which exercise? For example: %hint 1.5")
            return
        try:
            print(next_hint(self._find(line), self._store, NOTEBOOK))
        except UserError as error:
            print(error)

    def solution(self, line: str) -> None:
        """``%solution 1.5``: after passing, after the last hint, or with --anyway."""
        words = line.split()
        anyway = "--anyway" in words
        number = " ".join(word for word in words if word != "--anyway")
        if not number:
            print("Which exercise? For example: %solution 1.5")
            return
        try:
            exercise = self._find(number)
        except UserError as error:
            print(error)
            return
        left = hints_left(exercise, self._store)
        if left > 0 and not anyway:
            print(
                f"{left} hints are left: %hint {exercise.number}\n"
                f"To see a solution now: %solution {exercise.number} --anyway"
            )
            return
        print(exercise.solution)

    def _find(self, line: str) -> Exercise:
        return catalogue.find(line, catalogue.exercises(self._root))

    def _write(self, exercise: Exercise, part: str) -> None:
        parts = exercise.parts()
        if same(part, parts.part):
            return
        start = exercise.start_parts.part
        if same(part, start) and exercise.number not in self._written:
            print(
                f"This cell is as it was at the start, and {exercise.path.name} holds "
                "other work of yours. That is checked; nothing was written. To work on "
                "it here, copy it from the file into the cell."
            )
            return
        last = self._written.get(exercise.number, start)
        ours = same(parts.part, last) or same(parts.part, start)
        kept = files.replace(exercise, parts.with_part(part), keep_old=not ours)
        self._written[exercise.number] = part
        if kept:
            print(f"The file held other work: it is kept as {kept.name}.")


def _without_marks(cell: str) -> str:
    lines = cell.splitlines(keepends=True)
    return "".join(line for line in lines if line.strip() not in (BEGIN, END))


def register(ipython: Any) -> None:
    """Give the notebook these magics."""
    show_bundle: Any = importlib.import_module("IPython.display").display
    exercises = NotebookExercises(partial(show_bundle, raw=True))
    ipython.register_magic_function(exercises.exercise, "cell", "exercise")
    ipython.register_magic_function(exercises.hint, "line", "hint")
    ipython.register_magic_function(exercises.solution, "line", "solution")
