"""The notebooks, run on this machine: the site, the slides and the edition show these.

One run serves all of them, so that they cannot tell different things.
"""

import hashlib
import re
import subprocess
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from workshop.command.environment import ROOT
from workshop.command.errors import UserError

NOTEBOOKS = ROOT / "notebooks"
SECONDS = 120  # for one cell
NO_INFLUENCE = re.compile(r"tests/|workshop/site/|.*\.md$")  # on what a cell prints


def notebooks() -> list[Path]:
    """All notebooks, in the order of the course."""
    return sorted(NOTEBOOKS.glob("*.ipynb"))


def run(path: Path, kept: Path) -> nbformat.NotebookNode:
    """A notebook with its outputs.

    Args:
        path: the notebook.
        kept: a folder for runs. A run is used again while no file that Git tracks has
            changed.

    Raises:
        UserError: a cell fails.
    """
    kept.mkdir(parents=True, exist_ok=True)
    result = kept / f"{path.stem}-{state_of_the_repository()}.ipynb"
    if not result.exists():
        for old in kept.glob(f"{path.stem}-*.ipynb"):
            old.unlink()
        nbformat.write(_execute(path), result)
    notebook: nbformat.NotebookNode = nbformat.read(result, as_version=4)
    return notebook


def _execute(path: Path) -> nbformat.NotebookNode:
    notebook: nbformat.NotebookNode = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=SECONDS, resources={"metadata": {"path": str(NOTEBOOKS)}}
    )
    try:
        client.execute()
    except CellExecutionError as error:
        raise UserError(f"{path.name} does not run to its end:\n{error}") from None
    return notebook


def state_of_the_repository() -> str:
    """A name for all that a run could depend on."""
    digest = hashlib.sha256()
    for name in tracked():
        if NO_INFLUENCE.match(name):
            continue
        digest.update(name.encode())
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()[:16]


def tracked() -> list[str]:
    """The repository's files, as paths below its top; without what Git ignores.

    Raises:
        UserError: this folder is no clone, or Git is not installed.
    """
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise UserError(
            f"The site needs Git, to know which files belong to it: {error}"
        ) from None
    names = listed.stdout.decode().split("\0")
    return sorted(name for name in names if name and (ROOT / name).is_file())
