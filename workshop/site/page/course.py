"""In a page the first cell of a notebook says ``import course``: this module.

It is no part of ``workshop``, which is not there yet: it comes with the course's files.
"""

import io
import os
import sys
import zipfile
from pathlib import Path

FILES = Path("/course")
_prepared = False


async def prepare() -> None:
    """Fetch the course's files, and give the page a network and threads."""
    global _prepared
    if _prepared:
        return  # the cell is run again: what the learner has written stays
    import js
    from pyodide.http import pyfetch

    site = js.location.href.split("/extensions/")[0]
    answer = await pyfetch(f"{site}/repository.zip")
    archive = io.BytesIO(await answer.bytes())
    zipfile.ZipFile(archive).extractall(FILES)
    os.chdir(FILES / "notebooks")
    sys.path.insert(0, str(FILES))

    from workshop.site import boot

    boot.start()
    _prepared = True
