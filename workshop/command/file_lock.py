"""One set-up at a time: the lock of the operating system on a file.

Standard library only: this module runs before anything is installed.
"""

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import BinaryIO

from workshop.command.places import LOCK

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


@contextlib.contextmanager
def one_at_a_time() -> Iterator[BinaryIO]:
    """Hold the lock file; wait for it first if another set-up holds it."""
    with LOCK.open("rb") as lock:
        if not try_lock(lock):
            print("Another set-up of this folder runs: waiting for it.", flush=True)
            while not try_lock(lock):
                time.sleep(0.2)
        yield lock


def try_lock(lock: BinaryIO) -> bool:
    """Take the lock of the operating system on an open file, unless it is taken."""
    if sys.platform == "win32":
        # Behind the content, which stays readable.
        lock.seek(2**30)
        try:
            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
    elif not hasattr(fcntl, "flock"):
        return True  # a browser's Python: nobody else can be there
    else:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            # The file system has no locks: there is nothing to wait for.
            return True
    return True
