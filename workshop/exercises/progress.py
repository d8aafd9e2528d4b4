"""The learner's progress, solved, skipped and asked for: ``.workshop/exercises.json``.

The file is read, changed and written whole while a lock of the operating system is
held, so that two terminals at once lose nothing. It is written beside its place and
then renamed: a reader meets the old file or the new one, and never a half.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from workshop.command.file_lock import try_lock
from workshop.command.places import ROOT

FILE = Path(".workshop") / "exercises.json"


@dataclass
class Entry:
    """The progress in one exercise.

    Args:
        state: ``"solved"``, ``"skipped"`` or ``""``.
        hints: how many hints have been shown.
    """

    state: str = ""
    hints: int = 0


@dataclass
class Progress:
    """All that is kept: the current exercise, and an entry for each number."""

    current: str = ""
    entries: dict[str, Entry] = field(default_factory=dict)

    def entry(self, number: str) -> Entry:
        return self.entries.setdefault(number, Entry())

    def is_solved(self, number: str) -> bool:
        return number in self.entries and self.entries[number].state == "solved"

    def is_skipped(self, number: str) -> bool:
        return number in self.entries and self.entries[number].state == "skipped"


class Store:
    """The file of the progress.

    Args:
        root: the folder in which ``.workshop`` is.
        tell: takes a sentence that the learner should read.
    """

    def __init__(self, root: Path = ROOT, tell: Callable[[str], None] = print) -> None:
        self._file = root / FILE
        self._tell = tell
        self._told_of_failure = False

    def read(self) -> Progress:
        """The progress; a file that holds none is kept beside a new one."""
        try:
            text = self._file.read_text("utf-8")
        except FileNotFoundError:
            return Progress()
        except (OSError, UnicodeDecodeError):
            return self._begin_anew()
        try:
            return _understood(json.loads(text))
        except (ValueError, TypeError, KeyError, AttributeError):
            return self._begin_anew()

    @contextmanager
    def changing(self) -> Iterator[Progress]:
        """Read the progress, let the body change it, and write it.

        If it cannot be written, a sentence says so, and all else goes on.
        """
        try:
            self._file.parent.mkdir(exist_ok=True)
            lock = self._file.with_suffix(".lock").open("ab")
        except OSError as error:
            self._not_kept(error)
            yield self.read()
            return
        with lock:
            _take(lock)
            progress = self.read()
            yield progress
            self._write(progress)

    def _write(self, progress: Progress) -> None:
        text = json.dumps(asdict(progress), indent=1) + "\n"
        beside = self._file.with_suffix(f".{os.getpid()}.new")
        try:
            beside.write_text(text, "utf-8")
            beside.replace(self._file)
        except OSError as error:
            self._not_kept(error)
            with suppress(OSError):
                beside.unlink(missing_ok=True)

    def _not_kept(self, error: OSError) -> None:
        if not self._told_of_failure:
            self._told_of_failure = True
            self._tell(
                f"Your progress is not kept: {self._file.parent} cannot be written "
                f"({error.strerror}). The checks work as ever."
            )

    def _begin_anew(self) -> Progress:
        broken = self._file.with_suffix(".broken")
        words = f"{self._file} is damaged"
        try:
            self._file.replace(broken)
            words += f" and is kept as {broken.name}"
        except OSError:
            words += " and cannot be replaced"
        self._tell(f"{words}. The list of what is solved begins anew.")
        return Progress()


def _take(lock: BinaryIO) -> None:
    """Wait until nobody else holds the lock; others hold it for milliseconds."""
    while not try_lock(lock):
        time.sleep(0.01)


def _understood(data: Any) -> Progress:
    """The progress that was written as ``data``.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: it is something else.
    """
    progress = Progress(current=str(data["current"]))
    for number, entry in data["entries"].items():
        state = str(entry["state"])
        progress.entries[str(number)] = Entry(state, int(entry["hints"]))
    return progress
