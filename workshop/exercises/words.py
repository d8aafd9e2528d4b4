"""The words of the terminal and of the notebook: a verdict, a hint, the list.

(The file is not called ``shown``: ``workshop.exercises.shown`` is the function that an
answer imports, and an imported module of that name would take its place.)
"""

from collections.abc import Callable

from workshop.command.errors import COMMAND
from workshop.exercises.catalogue import Exercise
from workshop.exercises.progress import Progress, Store
from workshop.exercises.verdict import Verdict

# How a learner asks for more: in the terminal, and in a cell of a notebook.
TERMINAL = f"{COMMAND} exercise {{what}} {{number}}"
NOTEBOOK = "%{what} {number}"


def show(
    exercise: Exercise,
    verdict: Verdict,
    store: Store,
    say: Callable[[str], None] = print,
    how: str = TERMINAL,
) -> None:
    """Say a verdict, and remember a right answer.

    Args:
        exercise: what was checked.
        verdict: what the check has found.
        store: keeps the progress.
        say: takes each sentence.
        how: a learner asks for a solution; one of `TERMINAL` and `NOTEBOOK`.
    """
    say(verdict.text())
    if verdict.right:
        with store.changing() as progress:
            progress.entry(exercise.number).state = "solved"
        say(f"To compare: {how.format(what='solution', number=exercise.number)}")


def next_hint(exercise: Exercise, store: Store, how: str = TERMINAL) -> str:
    """The next hint, and how many there are; after the last one, all of them."""
    total = len(exercise.hints)
    with store.changing() as progress:
        entry = progress.entry(exercise.number)
        every = entry.hints >= total
        entry.hints = min(entry.hints + 1, total)
        shown = entry.hints
    numbers = range(1, total + 1) if every else [shown]
    rows = [f"Hint {n} of {total}: {exercise.hints[n - 1]}" for n in numbers]
    if shown == total:
        more = how.format(what="solution", number=exercise.number)
        rows.append(f"That was the last one. A solution: {more}")
    return "\n".join(rows)


def hints_left(exercise: Exercise, store: Store) -> int:
    """How many hints come before the solution; 0 for who has solved it."""
    entry = store.read().entry(exercise.number)
    if entry.state == "solved":
        return 0
    return len(exercise.hints) - entry.hints


def listing(
    exercises: list[Exercise], progress: Progress, current: Exercise | None = None
) -> str:
    """All exercises with their state, and the minutes that are left."""
    rows = []
    left = 0
    solved = 0
    stage = None
    for exercise in exercises:
        if exercise.stage != stage:
            stage = exercise.stage
            rows.append(stage.name)
        state = _state(exercise, progress)
        solved += state == "solved"
        if state != "solved":
            left += exercise.minutes
        arrow = ">" if exercise == current else " "
        rows.append(
            f"{arrow} {exercise.number:5} {exercise.title:36} "
            f"{exercise.minutes:3} min  {state}"
        )
    rows.append(f"{solved} of {len(exercises)} solved, {left} minutes left")
    return "\n".join(rows)


def _state(exercise: Exercise, progress: Progress) -> str:
    if progress.is_solved(exercise.number):
        return "solved"
    if progress.is_skipped(exercise.number):
        return "skipped"
    return "begun" if exercise.begun() else "untouched"
