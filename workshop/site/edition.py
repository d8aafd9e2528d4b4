"""The edition that runs in a browser tab: JupyterLite, Pyodide, and the repository.

1. `jupyter lite build` makes JupyterLab's files.
2. Python and its packages come from `page_python`. Nothing is fetched from elsewhere
   while the page is open.
3. The repository's files are one zip, which the first cell unpacks.
4. The notebooks are *copies*. The first cell of each prepares the page (`page/course`).
   A cell with the tag ``needs-machine`` becomes text: its code, and what a machine
   printed.

Built with JupyterLite 0.8 and Pyodide 314 (CPython 3.14).
"""

import itertools
import json
import posixpath
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from html import escape
from pathlib import Path

import nbformat

from workshop.command.errors import UserError
from workshop.command.places import ROOT
from workshop.site.page_python import Python, put_python
from workshop.site.pages import LINK, OUTSIDE, page_of
from workshop.site.runs import tracked

SERVICE_WORKER = "@jupyterlite/application-extension:service-worker-manager"

LINKS = Path(__file__).parent / "page" / "links.js"
NEEDS_MACHINE = "needs-machine"
MACHINE_ONLY = (
    "*This cell was run on a machine. A page cannot start a process or a thread, open "
    "a socket of the operating system, keep a file, or run a second event loop.*"
)
ABOUT_THE_PAGE = """

*You run this notebook in a page of your browser. Its first code cell prepares the
page: Python needs some 15 s until a number stands beside that cell. Your cells are kept
in this browser. Python itself begins anew with each load of the page: then run the
first cells again, before others. A file that a cell has written is gone.*

*What the text asks for in a terminal or in the file browser needs a machine.*

*A cell that computes for ever is ended by **Kernel → Restart Kernel…** only: here
neither ■ nor `record` can interrupt it. In an exercise the check ends a loop of yours
after 10 s.*"""
EXERCISE = "exercise"
EXERCISE_ON_MACHINE = (
    "*Do this exercise on a machine. Its check needs a Django of its own, so a process "
    "of its own, and a page has only one. Below is what the check says at the start.*"
)
FIRST_LINES = """\
import course  # only in a page: it fetches the files, and makes a network in the page

await course.prepare()

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
    for page in ("notebooks", "lab"):
        add_links(out / page / "index.html")
    pack_repository(out / "repository.zip")
    configure(out, packages)
    return out


def for_a_page(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A copy of a notebook that runs in a browser."""
    copy: nbformat.NotebookNode
    copy = nbformat.reads(nbformat.writes(notebook), as_version=4)
    names = tracked()
    for number, cell in enumerate(copy.cells):
        if cell.cell_type == "markdown":
            cell.source = led_to_the_site(cell.source, names)
        elif NEEDS_MACHINE in cell.metadata.get("tags", []):
            copy.cells[number] = as_text(cell)
        else:
            cell.outputs = []
            cell.execution_count = None
    copy.cells[0].source += ABOUT_THE_PAGE
    first = next(cell for cell in copy.cells if cell.cell_type == "code")
    first.source = FIRST_LINES + first.source
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
    if cell.outputs:
        # Folded: a question may stand above the cell.
        parts += ["<details><summary>What it showed</summary>", *shown(cell.outputs)]
        parts.append("</details>")
    text: nbformat.NotebookNode
    text = nbformat.v4.new_markdown_cell("\n\n".join(parts), id=cell.id)
    return text


def shown(outputs: list[nbformat.NotebookNode]) -> Iterator[str]:
    """Each output as Markdown; what was printed in pieces is one text."""
    for is_text, group in itertools.groupby(outputs, key=lambda one: "text" in one):
        if is_text:
            printed = "".join(output.text for output in group)
            yield f"```\n{printed.rstrip()}\n```"
            continue
        for output in group:
            if "text/html" in output.get("data", {}):
                yield output.data["text/html"]
            elif "text/plain" in output.get("data", {}):
                yield f"<pre>{escape(output.data['text/plain'])}</pre>"


def led_to_the_site(text: str, names: list[str]) -> str:
    """A notebook's text, with links that `page/links.js` makes links to the site.

    Args:
        text: Markdown.
        names: the repository's files.
    """

    def lead(match: re.Match[str]) -> str:
        before, target, anchor, after = match.groups("")
        path = posixpath.normpath(f"notebooks/{target}")
        page = page_of(path, names, set())
        if OUTSIDE.match(target) or page is None:
            return match[0]
        if page.endswith(".ipynb"):
            return f"{before}#site/run/notebooks/index.html?path={page}{after}"
        if page != path:
            anchor = ""  # a line number, which a page of code does not have
        return f"{before}#site/{page.removesuffix('.md')}.html{anchor}{after}"

    return LINK.sub(lead, text)


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


def add_links(page: Path) -> None:
    """Let a page of JupyterLab find the pages of the site."""
    script = f"<script>\n{LINKS.read_text('utf-8')}</script>\n</head>"
    html = page.read_text("utf-8")
    page.write_text(html.replace("</head>", script, 1), "utf-8")


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
