"""Standard output while recordings run: what is printed is also noted."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

from workshop.pictures.recorder.record import current


class _Printed:
    """Passes what is printed to the records of the context, and on."""

    def __init__(self, out: TextIO) -> None:
        self.out = out
        # A program may keep a reference to this object, for example as the stream of a
        # logger. After the last recording has ended, it only passes the text on.
        self.noting = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self.out, name)

    def write(self, text: str) -> int:
        records = current.get() if self.noting else ()
        for record in records:
            record.add_text(text)
        if all(record.echo for record in records):
            self.out.write(text)
        return len(text)


# Guards the two names below: recordings may run in several threads at once.
_lock = threading.Lock()
_users = 0
_printed: _Printed | None = None


@contextmanager
def printing() -> Iterator[None]:
    """Note what is printed, while at least one recording runs in this process."""
    global _users, _printed
    with _lock:
        _users += 1
        if _printed is None:
            _printed = _Printed(sys.stdout)
            sys.stdout = cast(TextIO, _printed)
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if not _users and _printed:
                _printed.noting = False
                # If somebody redirects the output just now, it is theirs to put back.
                if sys.stdout is _printed:
                    sys.stdout = _printed.out
                _printed = None
