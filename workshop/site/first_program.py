"""The one file that a run of the notebooks writes into the repository.

Notebook 01 lets a learner write a program, ``first.py``. Whoever runs the notebook for
the site or for a test must not write over the program of the learner.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def first_program_kept(notebooks: Path) -> Iterator[None]:
    """Leave ``first.py`` as it was, or absent.

    Args:
        notebooks: the folder of the notebooks.
    """
    path = notebooks / "first.py"
    before = path.read_bytes() if path.exists() else None
    try:
        yield
    finally:
        if before is None:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(before)
