"""The one file that a run of the notebooks writes into the repository.

Notebook 01 lets a learner write a program, ``first.py``. Whoever runs the notebook for
the site or for a test must not write over the program of the learner. Two such runs
take turns: the second one would take the first one's program for the learner's.
"""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from workshop.command.file_lock import try_lock


@contextlib.contextmanager
def first_program_kept(notebooks: Path) -> Iterator[None]:
    """Leave ``first.py`` as it was, or absent.

    Args:
        notebooks: the folder of the notebooks.
    """
    path = notebooks / "first.py"
    with Path(__file__).open("rb") as turn:
        while not try_lock(turn):
            time.sleep(0.2)
        before = path.read_bytes() if path.exists() else None
        try:
            yield
        finally:
            if before is None:
                path.unlink(missing_ok=True)
            else:
                path.write_bytes(before)
