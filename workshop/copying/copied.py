"""One copy in a project: where it is, what it notes, and its files as they are now.

Two files in the copied folder belong to this room. ``copied.toml`` is the note: the
version, and the SHA-256 of each file. ``copied.zip`` is the base: the same files as
they were copied.
"""

import io
import tomllib
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from workshop.command.errors import COMMAND, UserError
from workshop.copying.layer import Layer, digest, names_in, plain
from workshop.copying.writing import UNDO

NOTE = "copied.toml"
BASE = "copied.zip"
OWN = (NOTE, BASE, UNDO)
DEPTH = 3  # folders below the named one in which a copy is looked for

HEAD = f"""\
# Written by `python3 -m workshop copy`. Its --diff and --update need this file, and
# {BASE}, which holds these files as they were copied. Keep both, in git, too.
"""


@dataclass(frozen=True)
class Copied:
    """A copy.

    Attributes:
        folder: where it lies, whatever its name is by now.
        version: of the layer that was copied.
        hashes: the SHA-256 of each file as it was copied, by its path in the folder.
        archive: the content of each such file, as far as the archive is whole.
        yours: the content of each file that is there now, as it is on the disk.
    """

    folder: Path
    version: str
    hashes: dict[str, str]
    archive: dict[str, bytes]
    yours: dict[str, bytes]

    def base(self, name: str) -> bytes | None:
        """A file as it was copied; ``None`` where nothing has kept that."""
        wanted = self.hashes[name]
        for content in (self.archive.get(name), self.yours.get(name)):
            if content is not None and digest(content) == wanted:
                return plain(content)
        return None


def find(directory: Path) -> Path:
    """The copy that is ``directory``, or lies in it.

    Raises:
        UserError: there is none, or there are several.
    """
    if not directory.is_dir():
        raise UserError(f"There is no folder {directory}.")
    if (directory / NOTE).is_file():
        return directory
    found = []
    for depth in range(1, DEPTH + 1):
        found += [note.parent for note in directory.glob("*/" * depth + NOTE)]
    if len(found) > 1:
        folders = ", ".join(str(folder) for folder in sorted(found))
        raise UserError(f"{directory} has several copies. Name one of them: {folders}")
    if not found:
        raise UserError(
            f"{directory} is no copy, and has none: there is no {NOTE}, which "
            f"`{COMMAND} copy` writes. A folder that was copied by hand cannot be "
            "updated: rename it, copy the layer anew, and bring your changes over."
        )
    return found[0]


def read_copy(folder: Path) -> Copied:
    """Read the copy in ``folder``.

    Raises:
        UserError: its note is damaged, or a folder or a link is in the place of a file.
    """
    note = folder / NOTE
    try:
        entries = tomllib.loads(note.read_text("utf-8"))
        version = entries["version"]
        hashes = dict(entries["sha256"])
        if not all(isinstance(text, str) for text in (version, *hashes.values())):
            raise ValueError("version and the hashes must be texts")
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{note} is damaged ({error}). Nothing was changed. Bring the file back "
            "as it was, from your version control or a backup."
        ) from None

    yours = {}
    for name in names_in(folder):
        if name not in OWN:
            yours[name] = (folder / name).read_bytes()
    for name in hashes:
        path = folder / name
        if path.is_symlink() or path.is_dir():
            raise UserError(
                f"{path} was a file, and is a link or a folder now. Nothing was "
                "changed. Put a file there, or delete it."
            )
    return Copied(folder, version, hashes, _read_archive(folder / BASE), yours)


def _read_archive(path: Path) -> dict[str, bytes]:
    """The files in the archive; a damaged archive counts as an empty one."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except (OSError, zipfile.BadZipFile, zlib.error):
        return {}


def notes_of(layer: Layer) -> dict[str, bytes]:
    """The note and the archive of a copy of ``layer``, by their names."""
    lines = [f'version = "{layer.version}"', "", "[sha256]"]
    for name, content in layer.files.items():
        lines.append(f'"{name}" = "{digest(content)}"')
    note = HEAD + "\n".join(lines) + "\n"

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in layer.files.items():
            # ZipInfo has a constant date: the same files give the same archive.
            entry = zipfile.ZipInfo(name)
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return {NOTE: note.encode(), BASE: packed.getvalue()}


def notes_in(folder: Path) -> dict[str, bytes]:
    """The note and the archive that are there, by their names."""
    there = [name for name in (NOTE, BASE) if (folder / name).is_file()]
    return {name: (folder / name).read_bytes() for name in there}
