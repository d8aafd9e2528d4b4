"""The notebooks, run on this machine: the site, the slides and the edition show these.

One run serves all of them, so that they cannot tell different things.
"""

import asyncio
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from workshop.command.errors import UserError
from workshop.command.places import ROOT
from workshop.site.first_program import first_program_kept

NOTEBOOKS = ROOT / "notebooks"
SECONDS = 120  # for one cell
# A cell mostly waits, so that two kernels share a processor well.
AT_A_TIME = 2 * (os.cpu_count() or 1)
# Each kernel would warn that it talks to this process without encryption.
QUIET = "--IPKernelApp.log_level=ERROR"
NO_INFLUENCE = re.compile(r"tests/|workshop/site/|\.ci/|\.github/|.*\.md$")


def notebooks() -> list[Path]:
    """All notebooks, in the order of the course."""
    return sorted(NOTEBOOKS.glob("*.ipynb"))


def run_all(kept: Path, say: Callable[[str], None]) -> dict[str, nbformat.NotebookNode]:
    """All notebooks with their outputs, by name.

    Args:
        kept: a folder for runs. A run is used again while no file has changed that it
            could depend on.
        say: is called with a sentence about each notebook that is run.

    Raises:
        UserError: a cell fails.
    """
    kept.mkdir(parents=True, exist_ok=True)
    results = {path: kept / f"{path.stem}-{_state(path)}.ipynb" for path in notebooks()}
    stale = {path: result for path, result in results.items() if not result.exists()}
    if stale:
        with first_program_kept(NOTEBOOKS):
            asyncio.run(_run_stale(stale, say))
    return {
        path.stem: without_this_machine(nbformat.read(result, as_version=4))
        for path, result in results.items()
    }


async def _run_stale(stale: dict[Path, Path], say: Callable[[str], None]) -> None:
    """Run notebooks side by side, each in a kernel, which is a process of its own."""
    place = asyncio.Semaphore(AT_A_TIME)

    async def run(path: Path, result: Path) -> None:
        async with place:
            say(f"running {path.name}")
            notebook = await _execute(path)
        for old in result.parent.glob(f"{path.stem}-????????????????.ipynb"):
            old.unlink()
        nbformat.write(notebook, result)
        say(f"{path.name} has run")

    # The first failure ends this; then asyncio.run cancels the others, and each ends
    # its kernel.
    await asyncio.gather(*(run(path, result) for path, result in stale.items()))


async def _execute(path: Path) -> nbformat.NotebookNode:
    notebook: nbformat.NotebookNode = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=SECONDS,
        resources={"metadata": {"path": str(NOTEBOOKS)}},
        extra_arguments=[QUIET],
    )
    try:
        await client.async_execute()
    except CellExecutionError as error:
        raise UserError(f"{path.name} does not run to its end:\n{error}") from None
    return notebook


def without_this_machine(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook with the folders of a learner in place of this machine's."""
    text = nbformat.writes(notebook)
    for folder, put in ((str(ROOT), "/home/you/course"), (sys.base_prefix, "/usr")):
        text = text.replace(json.dumps(folder)[1:-1], put)
    result: nbformat.NotebookNode = nbformat.reads(text, as_version=4)
    return result


def _state(notebook: Path) -> str:
    """A name for all that the run of a notebook could depend on."""
    others = {path for path in notebooks() if path != notebook}
    return _named(name for name in tracked() if ROOT / name not in others)


def state_of_the_repository() -> str:
    """A name for all that any run could depend on."""
    return _named(tracked())


def _named(names: Iterable[str]) -> str:
    digest = hashlib.sha256(sys.version.encode())
    for name in names:
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
