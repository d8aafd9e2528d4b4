"""The texts for the user: both halves of ``--diff``, and the report of an update."""

import difflib

from workshop.copying.copied import Copied
from workshop.copying.layer import Layer, digest, plain
from workshop.copying.merging import Change, Outcome, conflicts, marks_left


def differences(copied: Copied, layer: Layer) -> tuple[str, bool]:
    """All changes since the copy was made, there and here: two lists, then the lines.

    Before them stands what needs the user's hand: marks that are left of the last
    update, or the files that the next one cannot merge.

    Returns:
        The text, and whether anything has changed on either side.
    """
    there = _changed(copied, copied.yours)
    here = _changed(copied, layer.files)
    lines = [f"{copied.folder}: a copy of {copied.version}. Here is {layer.version}."]
    lines += _by_hand(copied, layer)
    lines += _listed("Changed there since it was copied", there)
    lines += _listed("Changed here since", here)
    for name in there:
        lines += _difference(name, copied, copied.yours.get(name), "yours")
    for name in here:
        lines += _difference(name, copied, layer.files.get(name), layer.version)
    return "\n".join(lines), bool(there or here)


def _by_hand(copied: Copied, layer: Layer) -> list[str]:
    left = marks_left(copied)
    if left:
        # An update refuses such a copy, and never comes to a merge.
        return ["", left]
    found = conflicts(copied, layer)
    if not found:
        return []
    lines = [f"  {change.name}: {change.words}" for change in found]
    return ["", "Conflicts that an update will meet:", *lines]


def _changed(copied: Copied, now: dict[str, bytes]) -> dict[str, str]:
    """Each file that one side has touched: "added", "changed" or "deleted"."""
    done = {}
    for name in sorted({*copied.hashes, *now}):
        if name not in copied.hashes:
            done[name] = "added"
        elif name not in now:
            done[name] = "deleted"
        elif digest(now[name]) != copied.hashes[name]:
            done[name] = "changed"
    return done


def _listed(words: str, done: dict[str, str]) -> list[str]:
    if not done:
        return ["", f"{words}: nothing."]
    return ["", f"{words}:", *(f"  {word:<8} {name}" for name, word in done.items())]


def _difference(name: str, copied: Copied, now: bytes | None, label: str) -> list[str]:
    """One file as it was copied, compared with what is there ``now``."""
    if now is None:
        return []  # the list says it; a whole file of minus signs tells no more
    base: bytes | None = b""
    if name in copied.hashes:
        base = copied.base(name)
    if base is None:
        return ["", f"{name}: how it was copied is lost: its lines cannot be compared"]
    compared = difflib.unified_diff(
        _lines(base),
        _lines(now),
        f"{name} ({copied.version})",
        f"{name} ({label})",
        lineterm="",
    )
    return ["", *compared]


def _lines(content: bytes) -> list[str]:
    return plain(content).decode("utf-8", errors="replace").splitlines()


def told(copied: Copied, layer: Layer, changes: list[Change]) -> str:
    """The report of an update: a line for each file that it concerns."""
    lines = [f"{copied.folder}: {copied.version} → {layer.version}"]
    for change in changes:
        if change.outcome is Outcome.KEPT:
            continue
        line = f"  {change.outcome.value:<9} {change.name}"
        if change.words:
            line += f": {change.words}"
        lines.append(line)
    return "\n".join(lines)
