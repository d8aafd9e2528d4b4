"""Change a learner's file so that nothing of theirs is lost."""

from pathlib import Path

from workshop.command.errors import UserError
from workshop.exercises.catalogue import Exercise
from workshop.exercises.marks import Parts, same


def reset(exercise: Exercise) -> str:
    """Bring the whole file back to the start.

    Returns:
        A sentence on what was done.

    Raises:
        UserError: the file cannot be written.
    """
    if _text(exercise.path) == exercise.start:
        return f"{exercise.path.name} is at its start already."
    kept = replace(exercise, exercise.start)
    return f"{exercise.path.name} is back at its start.{_where(kept)}"


def put(exercise: Exercise) -> str:
    """Write the solution between the marks.

    Returns:
        A sentence on what was done.

    Raises:
        UserError: the file cannot be written.
    """
    try:
        parts: Parts = exercise.parts()
    except UserError:  # no marks to write between
        parts = exercise.start_parts
    if same(parts.part, exercise.solution):
        return f"The solution stands in {exercise.path.name} already."
    kept = replace(exercise, parts.with_part(exercise.solution))
    return f"The solution stands in {exercise.path.name} now.{_where(kept)}"


def replace(exercise: Exercise, text: str, *, keep_old: bool = True) -> Path | None:
    """Write the whole file; what was there is kept beside it, unless it is the start.

    Args:
        exercise: whose file.
        text: what is written.
        keep_old: ``False`` where what is there need not be kept.

    Returns:
        Where the old text is kept.

    Raises:
        UserError: the file cannot be written; then it is as it was.
    """
    path = exercise.path
    try:
        kept = keep(exercise) if keep_old else None
        beside = path.with_name(f"{path.name}.new")
        # As bytes: a name in the folder never has half of the text.
        beside.write_bytes(text.encode())
        beside.replace(path)
    except OSError as error:
        raise UserError(
            f"{path} cannot be written ({error.strerror}), and is as it was. May you "
            "write into that folder?"
        ) from None
    return kept


def keep(exercise: Exercise) -> Path | None:
    """Copy the file beside itself, unless it is missing, empty, or the start."""
    path = exercise.path
    if not path.is_file():
        return None
    content = path.read_bytes()
    if not content.strip() or _text(path) == exercise.start:
        return None
    number = 1
    while True:
        kept = path.with_name(f"{path.name}.kept-{number}")
        try:
            with kept.open("xb") as copy:  # x: never over one that is there
                copy.write(content)
            return kept
        except FileExistsError:
            if kept.read_bytes() == content:
                return kept
            number += 1


def _text(path: Path) -> str:
    """The text of a file; ``""`` where it is missing or no text."""
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _where(kept: Path | None) -> str:
    return f" What was there is kept as {kept.name}." if kept else ""
