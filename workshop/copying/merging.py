"""The plan of an update: a decision for each file, and the merge of its lines."""

from dataclasses import dataclass
from enum import Enum

from merge3 import Merge3

from workshop.command.errors import UserError
from workshop.copying.copied import BASE, Copied
from workshop.copying.layer import Layer, digest, plain

YOURS = b"<<<<<<< yours"
BETWEEN = b"======="
NEW = b">>>>>>> new"


class Outcome(Enum):
    """The end of one file's update. The value is the word that the user reads."""

    KEPT = "kept"  # nothing has changed here, or both sides are the same by now
    ADDED = "added"
    UPDATED = "updated"
    DELETED = "deleted"
    MERGED = "merged"
    CONFLICT = "conflict"


@dataclass(frozen=True)
class Change:
    """One file of an update.

    Attributes:
        name: its path in the copy.
        outcome: the decision.
        writes: whether the file on the disk changes.
        content: what is written; ``None`` deletes the file.
        words: a sentence for the user, or ``""``.
    """

    name: str
    outcome: Outcome
    writes: bool = False
    content: bytes | None = None
    words: str = ""


def plan(copied: Copied, layer: Layer) -> list[Change]:
    """Decide for each file how ``copied`` becomes ``layer``. Nothing is written yet.

    Raises:
        UserError: marks of an earlier conflict are left, the layer here is older than
            the copy, or a merge needs a base that is lost.
    """
    _refuse_older(copied, layer)
    _refuse_marks(copied)
    changes, lost = _decide(copied, layer)
    if lost:
        raise UserError(
            f"Changed there and here: {', '.join(lost)}. To merge them, the files as "
            f"they were copied are needed, and {copied.folder / BASE} is lost or "
            "damaged. Nothing was changed. Bring it back from your version control or "
            f"a backup. Or take these files from {layer.folder}, write your changes "
            "into them by hand, and run this again."
        )
    return changes


def conflicts(copied: Copied, layer: Layer) -> list[Change]:
    """The files that an update of ``copied`` to ``layer`` cannot merge by itself."""
    if _is_older(layer, copied):
        return []  # there will be no such update
    changes, _ = _decide(copied, layer)
    return [change for change in changes if change.outcome is Outcome.CONFLICT]


def _decide(copied: Copied, layer: Layer) -> tuple[list[Change], list[str]]:
    """The decision for each file, and the names of those whose base is lost."""
    changes = []
    lost = []
    for name in sorted({*copied.hashes, *layer.files}):
        change = _change(name, copied, layer)
        if change is None:
            lost.append(name)
        else:
            changes.append(change)
    return changes, lost


def _change(name: str, copied: Copied, layer: Layer) -> Change | None:
    """The decision for one file; ``None`` where the base that it needs is lost."""
    base = copied.hashes.get(name, "")
    yours = copied.yours.get(name)
    new = layer.files.get(name)
    if digest(new) in (base, digest(yours)):
        return Change(name, Outcome.KEPT)
    if digest(yours) == base:
        if new is None:
            return Change(name, Outcome.DELETED, True)
        outcome = Outcome.UPDATED if base else Outcome.ADDED
        return Change(name, outcome, True, _with_ends_of(yours, new))

    # From here on both sides have changed the file.
    if yours is None:
        place = layer.folder / name
        words = f"deleted there, changed here: it stays deleted. The new one: {place}"
        return Change(name, Outcome.CONFLICT, words=words)
    if new is None:
        words = "changed there, deleted here: yours stays, and nothing here uses it"
        return Change(name, Outcome.CONFLICT, words=words)
    # A file that both sides have added has no base.
    common = copied.base(name) if base else b""
    if common is None:
        return None
    merged, places = merge(common, plain(yours), new)
    content = _with_ends_of(yours, merged)
    if places:
        words = f"{places} {'place' if places == 1 else 'places'}, marked <<<<<<<"
        if not base:
            words = f"added there and here: {words}"
        return Change(name, Outcome.CONFLICT, True, content, words)
    return Change(name, Outcome.MERGED, True, content)


def merge(base: bytes, yours: bytes, new: bytes) -> tuple[bytes, int]:
    """Merge two texts that both come from ``base``, line by line.

    Args:
        base, yours, new: three texts whose lines end in ``\\n``.

    Returns:
        The merged text, and the number of places that both sides have changed
        differently. There both versions stand between marks.
    """
    three = Merge3(_lines(base), _lines(yours), _lines(new))
    # reprocess: lines that both sides have written stand outside of the marks.
    merged = three.merge_lines(
        start_marker=YOURS, mid_marker=BETWEEN, end_marker=NEW, reprocess=True
    )
    lines = list(merged)
    return b"".join(lines), lines.count(YOURS + b"\n")


def _lines(text: bytes) -> list[bytes]:
    # Without a \n at the end of the last line, a mark would stand in that line.
    if text and not text.endswith(b"\n"):
        text += b"\n"
    return text.splitlines(keepends=True)


def _with_ends_of(yours: bytes | None, text: bytes) -> bytes:
    """``text`` with ``\\r\\n`` at the ends of its lines, if your file has them."""
    if yours is not None and b"\r\n" in yours:
        return text.replace(b"\n", b"\r\n")
    return text


def marks_left(copied: Copied) -> str:
    """A sentence about the marks of an earlier conflict, or ``""`` if none are left."""
    marked = []
    for name in copied.hashes:
        lines = plain(copied.yours.get(name, b"")).split(b"\n")
        if YOURS in lines or NEW in lines:
            marked.append(name)
    if not marked:
        return ""
    return (
        f"Marks of the last update are left in {', '.join(marked)}. Choose between the "
        "lines of each conflict, and delete the marks "
        f"({YOURS.decode()}, {BETWEEN.decode()}, {NEW.decode()})."
    )


def _refuse_marks(copied: Copied) -> None:
    left = marks_left(copied)
    if left:
        raise UserError(f"{left} Then run this again. Nothing was changed.")


def _refuse_older(copied: Copied, layer: Layer) -> None:
    if _is_older(layer, copied):
        raise UserError(
            f"The copy is of {copied.version}, and this repository has "
            f"{layer.version}, which is older. Nothing was changed. Get a newer "
            "repository: git pull, or the zip file of today."
        )


def _is_older(layer: Layer, copied: Copied) -> bool:
    return _numbers(layer.version) < _numbers(copied.version)


def _numbers(version: str) -> list[int]:
    """``[2, 0, 0]`` of ``"2.0.0"``."""
    return [int(part) for part in version.split(".") if part.isdecimal()]
