"""The layer as it is in this repository: its version and its files."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from workshop.command.places import ROOT

LAYER = ROOT / "04_django_wrapper" / "sockets"


@dataclass(frozen=True)
class Layer:
    """The files that a copy gets, and their version.

    Attributes:
        folder: where it lies.
        version: its ``__version__``: ``"2.0.0"``.
        files: the content of each file, by its path in the folder:
            ``"steps/live.py"``. The lines end in ``\\n``.
    """

    folder: Path
    version: str
    files: dict[str, bytes]


def read_layer(folder: Path) -> Layer:
    """Read the layer in ``folder``."""
    files = {}
    for name in names_in(folder):
        files[name] = plain((folder / name).read_bytes())
    found = re.search(rb'^__version__ = "(.+)"', files["__init__.py"], re.MULTILINE)
    assert found is not None, "the layer has no __version__"
    return Layer(folder, found[1].decode(), files)


def names_in(folder: Path) -> list[str]:
    """The files of a folder, without what Python or an editor makes for itself."""
    names = []
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        made = any(part.startswith(".") or part == "__pycache__" for part in parts)
        if not made and path.is_file():
            names.append("/".join(parts))
    return names


def plain(content: bytes) -> bytes:
    """The same text with ``\\n`` at the ends of its lines, as git stores it."""
    return content.replace(b"\r\n", b"\n")


def digest(content: bytes | None) -> str:
    """The SHA-256 of a text, however its lines end; ``""`` where there is no file."""
    if content is None:
        return ""
    return hashlib.sha256(plain(content)).hexdigest()
