"""The edition that runs in a browser tab: JupyterLite, Pyodide, and the repository.

1. `jupyter lite build` makes JupyterLab's files.
2. Python and its packages come from `page_python`. Nothing is fetched from elsewhere
   while the page is open.
3. The repository's files are one zip, which the first cell unpacks.
4. The notebooks are *copies*. Each begins with a cell that prepares the page (`boot`).
   A cell with the tag ``needs-machine`` becomes text: its code, and what a machine
   printed.

Built with JupyterLite 0.8 and Pyodide 314 (CPython 3.14).
"""

import json
import re
import shutil
import subprocess
import sys
import zipfile
from html import escape
from pathlib import Path

import nbformat

from workshop.command.errors import UserError
from workshop.command.places import ROOT
from workshop.site.page_python import Python, put_python
from workshop.site.runs import tracked

SERVICE_WORKER = "@jupyterlite/application-extension:service-worker-manager"

NEEDS_MACHINE = "needs-machine"
MACHINE_ONLY = (
    "*A page has no processes, threads or kernel sockets: this cell ran on a machine.*"
)
ABOUT_THE_PAGE = """

*You run this notebook in a page of your browser. Run the first code cell before any
other: it prepares the page. Your cells are kept in this browser. The files that they
write are gone when the page is closed. A cell that computes for ever keeps the page
busy, and only a reload ends it. In an exercise, the check ends a loop of yours after
10 s.*"""
EXERCISE = "exercise"
EXERCISE_ON_MACHINE = (
    "*Do this exercise on a machine. Its check needs a Django of its own, so a process "
    "of its own, and a page has only one. Below is what the check says at the start.*"
)
BOOT = """\
# This cell prepares the browser tab: the course's files, and a network inside the page.
# On a machine none of this is needed.
import io, os, sys, zipfile
import js
from pyodide.http import pyfetch

site = js.location.href.split("/extensions/")[0]
archive = await (await pyfetch(f"{site}/repository.zip")).bytes()
zipfile.ZipFile(io.BytesIO(archive)).extractall("/course")
os.chdir("/course/notebooks")
sys.path[:0] = ["/course"]

from workshop.site import boot
boot.start()
"""


def build(runs: dict[str, nbformat.NotebookNode], python: Python, work: Path) -> Path:
    """Build the edition.

    Args:
        runs: for each notebook's name, the notebook with the outputs of a machine.
        python: what `fetch` gave.
        work: a folder for the copies of the notebooks, and for the result.

    Returns:
        The folder of the edition, in `work`.

    Raises:
        UserError: JupyterLite cannot be built.
    """
    out = work / "run"
    contents = work / "contents"
    shutil.rmtree(contents, ignore_errors=True)
    (contents / "notebooks").mkdir(parents=True)
    for name, notebook in runs.items():
        nbformat.write(for_a_page(notebook), contents / "notebooks" / f"{name}.ipynb")
    build_lite(contents, out, work)
    packages = put_python(python, out)
    pack_repository(out / "repository.zip")
    configure(out, packages)
    return out


def for_a_page(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A copy of a notebook that runs in a browser."""
    copy: nbformat.NotebookNode
    copy = nbformat.reads(nbformat.writes(notebook), as_version=4)
    for number, cell in enumerate(copy.cells):
        if cell.cell_type != "code":
            continue
        if NEEDS_MACHINE in cell.metadata.get("tags", []):
            copy.cells[number] = as_text(cell)
        else:
            cell.outputs = []
            cell.execution_count = None
    copy.cells[0].source += ABOUT_THE_PAGE
    boot = nbformat.v4.new_code_cell(BOOT, id="boot")
    boot.metadata["jupyter"] = {"source_hidden": True}
    copy.cells.insert(1, boot)
    # Named, so that no browser asks which kernel is meant.
    copy.metadata["kernelspec"] = {
        "display_name": "Python (Pyodide)",
        "language": "python",
        "name": "python",
    }
    return copy


def as_text(cell: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A code cell as a text cell: code, one line that says why, and the output."""
    exercise = EXERCISE in cell.metadata.get("tags", [])
    why = EXERCISE_ON_MACHINE if exercise else MACHINE_ONLY
    parts = [f"```python\n{cell.source}\n```", why]
    for output in cell.outputs:
        if "text" in output:
            parts.append(f"```\n{output.text.rstrip()}\n```")
        elif "text/html" in output.get("data", {}):
            parts.append(output.data["text/html"])
        elif "text/plain" in output.get("data", {}):
            parts.append(f"<pre>{escape(output.data['text/plain'])}</pre>")
    text: nbformat.NotebookNode
    text = nbformat.v4.new_markdown_cell("\n\n".join(parts), id=cell.id)
    return text


def build_lite(contents: Path, out: Path, work: Path) -> None:
    """JupyterLite's own files."""
    shutil.rmtree(out, ignore_errors=True)
    options = {
        "contents": [str(contents)],
        "output_dir": str(out),
        "apps": ["notebooks", "lab"],
        "no_sourcemaps": True,
        "no_unused_shared_packages": True,
    }
    folder = work / "lite"
    folder.mkdir(exist_ok=True)
    config = json.dumps({"LiteBuildConfig": options})
    (folder / "jupyter_lite_config.json").write_text(config, "utf-8")
    built = subprocess.run(
        [sys.executable, "-m", "jupyter", "lite", "build"],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    if built.returncode:
        raise UserError(f"JupyterLite was not built:\n{built.stdout}{built.stderr}")


def pack_repository(archive: Path) -> None:
    """The files of the lessons as one zip; tests and locks stay at home."""
    wanted = re.compile(r"(0[1-4]_|notebooks/|workshop/|benchmarks/)")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as pack:
        for name in tracked():
            if wanted.match(name):
                pack.write(ROOT / name, name)


def configure(out: Path, packages: list[str]) -> None:
    """Tell JupyterLab and its kernel what this edition has, and what it does without.

    Args:
        out: the folder of the edition.
        packages: the names of those that are loaded while Python starts.
    """
    path = out / "jupyter-lite.json"
    site = json.loads(path.read_text("utf-8"))
    config = site["jupyter-config-data"]
    settings = config.setdefault("litePluginSettings", {})
    kernel = settings.setdefault("@jupyterlite/pyodide-kernel-extension:kernel", {})
    kernel["pyodideUrl"] = "./static/pyodide/pyodide.mjs"
    kernel["disablePyPIFallback"] = True
    kernel["loadPyodideOptions"] = {"packages": packages}
    config["exposeAppInBrowser"] = True
    # It would show the notebooks' folder to Python as a disk. Each import would look
    # there first, by requests to the page: some 200, for three seconds.
    config.setdefault("disabledExtensions", []).append(SERVICE_WORKER)
    path.write_text(json.dumps(site, indent=2), "utf-8")
