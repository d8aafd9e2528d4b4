"""What the user reads: the two halves of ``--diff``, and what an update has done."""

import difflib

from workshop.copying.copied import Copied
from workshop.copying.layer import Layer, digest, plain
from workshop.copying.merging import Change, Outcome


def differences(copied: Copied, layer: Layer) -> tuple[str, bool]:
    """What has changed since the copy was made: there, and here.

    Returns:
        The text, and whether anything has changed on either side.
    """
    there = [
        name
        for name in sorted({*copied.hashes, *copied.yours})
        if digest(copied.yours.get(name)) != copied.hashes.get(name, "")
    ]
    here = [
        name
        for name in sorted({*copied.hashes, *layer.files})
        if digest(layer.files.get(name)) != copied.hashes.get(name, "")
    ]
    lines = [f"{copied.folder}: a copy of {copied.version}. Here is {layer.version}."]
    lines.append(_headline("Changed there since it was copied", there))
    for name in there:
        lines += _difference(name, copied, copied.yours.get(name), "yours")
    lines.append(_headline("Changed here since", here))
    for name in here:
        lines += _difference(name, copied, layer.files.get(name), layer.version)
    return "\n".join(lines), bool(there or here)


def _headline(words: str, names: list[str]) -> str:
    count = f"{len(names)} {'file' if len(names) == 1 else 'files'}"
    if not names:
        return f"\n{words}: nothing."
    return f"\n{words}: {count}: {', '.join(names)}."


def _difference(name: str, copied: Copied, now: bytes | None, label: str) -> list[str]:
    """One file as it was copied, compared with what is there ``now``."""
    base: bytes | None = b""
    if name in copied.hashes:
        base = copied.base(name)
    if base is None:
        return [f"{name}: how it was copied is lost, so its lines cannot be compared"]
    title = f"{name} ({label})"
    if now is None:
        title = f"{name} ({label}: deleted)"
    elif name not in copied.hashes:
        title = f"{name} ({label}: added)"
    compared = difflib.unified_diff(
        _lines(base),
        _lines(now or b""),
        f"{name} ({copied.version})",
        title,
        lineterm="",
    )
    # An empty file has no lines to compare.
    return list(compared) or [f"+++ {title}"]


def _lines(content: bytes) -> list[str]:
    return plain(content).decode("utf-8", errors="replace").splitlines()


def told(copied: Copied, layer: Layer, changes: list[Change]) -> str:
    """What an update has done, in a line for each file that it concerns."""
    lines = [f"{copied.folder}: {copied.version} → {layer.version}"]
    for change in changes:
        if change.outcome is Outcome.KEPT:
            continue
        line = f"  {change.outcome.value:<9} {change.name}"
        if change.words:
            line += f": {change.words}"
        lines.append(line)
    return "\n".join(lines)
