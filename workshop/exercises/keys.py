"""Keys of a terminal, one at a time, while something else goes on.

A thread reads; the program takes what it read from a queue, and can wait for the next
key with a time-out. In a terminal a key counts at once. If the input is no terminal
(a pipe, the console of an editor), a line counts: its first letter.
"""

import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

if sys.platform == "win32":
    import msvcrt
else:
    import termios
    import tty

ENTER = "\n"


class Keys:
    """The keys that were pressed and not yet taken."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[str] = queue.SimpleQueue()

    def next(self, seconds: float) -> str:
        """The next key, in lower case; ``""`` if none comes within ``seconds``."""
        try:
            return self._queue.get(timeout=seconds)
        except queue.Empty:
            return ""

    def press(self, key: str) -> None:
        """Add a key, as the reading thread does."""
        self._queue.put(ENTER if key in "\r\n" else key.lower())


@contextmanager
def listening() -> Iterator[Keys]:
    """Read the keys of standard input in the body; the terminal is then as before."""
    keys = Keys()
    terminal = sys.stdin is not None and sys.stdin.isatty()
    if not terminal:
        _start(_read_lines, keys)
        yield keys
    elif sys.platform == "win32":
        _start(_read_console, keys)
        yield keys
    else:
        descriptor = sys.stdin.fileno()
        before = termios.tcgetattr(descriptor)
        # Keys come at once and are not shown; Ctrl-C is a signal as ever.
        tty.setcbreak(descriptor)
        _start(_read_terminal, keys)
        try:
            yield keys
        finally:
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _start(read: Callable[[Keys], None], keys: Keys) -> None:
    # A daemon: it stands in a read that nothing can end.
    threading.Thread(target=read, args=(keys,), name="keys", daemon=True).start()


def _read_lines(keys: Keys) -> None:
    if sys.stdin is None:
        return
    for line in sys.stdin:
        keys.press(line.strip()[:1] or ENTER)


def _read_terminal(keys: Keys) -> None:
    while True:
        byte = os.read(sys.stdin.fileno(), 1)
        if not byte:
            return
        keys.press(byte.decode("latin-1"))


def _read_console(keys: Keys) -> None:
    if sys.platform == "win32":
        while True:
            keys.press(msvcrt.getwch())
