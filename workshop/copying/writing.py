"""Change many files of a folder, or none of them.

1. The old content of all these files is stored first, in one archive in the folder.
2. Each file is written beside its place and then put there, so that a name never has
   half a text.
3. The archive is deleted last.

An error in between puts everything back. After a kill the archive is still there: then
the next command puts everything back.
"""

import contextlib
import io
import json
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from workshop.command.errors import UserError
from workshop.copying.layer import digest

UNDO = "copied.undo.zip"
TABLE = "after.json"  # in the archive: the hash of each file after the change
BESIDE = ".copying"  # the end of a file's name while it is being written


def make_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Make a folder with these files, complete from its first moment.

    Args:
        folder: is not there yet, or empty.
        files: the content of each file, by its path in the folder.

    Raises:
        UserError: it cannot be made; then nothing is left of it.
    """
    try:
        with tempfile.TemporaryDirectory(prefix=BESIDE, dir=folder.parent) as scratch:
            made = Path(scratch, folder.name)
            made.mkdir()
            for name, content in files.items():
                _put(made / name, content)
            if folder.is_dir():
                folder.rmdir()
            made.rename(folder)
    except OSError as error:
        raise UserError(
            f"{folder} cannot be made ({error.strerror}). Nothing was changed. May you "
            f"write into {folder.parent}?"
        ) from None


def change_files(folder: Path, changes: Mapping[str, bytes | None]) -> None:
    """Write or delete files of a folder: all of them, or none.

    Args:
        folder: where they are.
        changes: the new content of each file, by its path; ``None`` deletes it.

    Raises:
        UserError: the folder cannot be written; then it is as it was.
    """
    try:
        _store(folder, changes)
        try:
            for name, content in changes.items():
                _put(folder / name, content)
        except BaseException:
            # Ctrl-C, too: half an update is worth nothing.
            undo(folder)
            raise
        (folder / UNDO).unlink()
    except OSError as error:
        raise UserError(
            f"{error.filename or folder} cannot be written ({error.strerror}), and the "
            f"folder is as it was. May you write into {folder}?"
        ) from None


def interrupted(folder: Path) -> bool:
    """Whether a change of this folder was cut off."""
    return (folder / UNDO).exists()


def undo(folder: Path) -> None:
    """Put everything back as it was before a change that was cut off.

    Raises:
        UserError: the archive is damaged, or a file was changed since.
    """
    path = folder / UNDO
    try:
        with zipfile.ZipFile(path) as archive:
            after: dict[str, str] = json.loads(archive.read(TABLE))
            stored = set(archive.namelist())
            before = {
                name: archive.read(f"files/{name}")
                if f"files/{name}" in stored
                else None
                for name in after
            }
    except (zipfile.BadZipFile, zlib.error, KeyError, ValueError):
        raise UserError(
            f"An update of {folder} was cut off, and {path} is damaged. Bring the "
            "folder back from your version control or a backup."
        ) from None

    changed = []
    for name, content in before.items():
        if digest(_read(folder / name)) not in (digest(content), after[name]):
            changed.append(name)
    if changed:
        raise UserError(
            f"An update of {folder} was cut off, and since then these files were "
            f"changed: {', '.join(changed)}. Nothing was changed. Keep them elsewhere, "
            "delete them in the folder, and run this again: it brings back what was "
            "there before that update."
        )
    for left in folder.rglob(f"*{BESIDE}"):
        left.unlink()
    for name, content in before.items():
        _put(folder / name, content)
    path.unlink()


def _store(folder: Path, changes: Mapping[str, bytes | None]) -> None:
    """Store what ``changes`` will overwrite, and the hashes of what will be there."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        after = {name: digest(content) for name, content in changes.items()}
        archive.writestr(TABLE, json.dumps(after))
        for name in changes:
            content = _read(folder / name)
            if content is not None:
                archive.writestr(f"files/{name}", content)
    _put(folder / UNDO, packed.getvalue())


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _put(path: Path, content: bytes | None) -> None:
    """Give a file this content, or delete it."""
    if content is None:
        path.unlink(missing_ok=True)
        # The folder may hold something else, Python's __pycache__ for example.
        with contextlib.suppress(OSError):
            path.parent.rmdir()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}{BESIDE}")
    try:
        beside.write_bytes(content)
        if path.exists():
            shutil.copymode(path, beside)
        beside.replace(path)
    finally:
        # It is still there only if something has failed.
        beside.unlink(missing_ok=True)
