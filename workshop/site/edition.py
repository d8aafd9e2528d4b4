"""The edition that runs in a browser tab: JupyterLite, Pyodide, and the repository.

1. `jupyter lite build` makes JupyterLab's files.
2. Pyodide, the Python for browsers, comes from its npm package. Its hash is kept here.
3. The packages have the versions and hashes of the learner's lock. They are wheels
   that need no compiler. Nothing is fetched from elsewhere while the page is open.
4. The repository's files are one zip, which the first cell unpacks.
5. The notebooks are *copies*. Each begins with a cell that prepares the page (`boot`).
   A cell with the tag ``needs-machine`` becomes text: its code, and what a machine
   printed.

Built with JupyterLite 0.8 and Pyodide 314 (CPython 3.14).
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import nbformat

from workshop.command.environment import LOCK, ROOT
from workshop.command.errors import UserError
from workshop.site.runs import tracked

PYODIDE = "314.0.7"
PYODIDE_SHA256 = "66b7949e5a0cba2250b586d7e368bf12fb482800748d182c4618254b685ffaa0"

# The packages that the notebooks and IPython import. Pyodide has the rest.
PACKAGES = {
    "asgiref": [],
    "asttokens": [],
    "click": [],
    "comm": [],
    "django": ["asgiref", "sqlparse", "tzdata"],
    "executing": [],
    "h11": [],
    "ipython": [
        "ipython-pygments-lexers",
        "jedi",
        "matplotlib-inline",
        "prompt-toolkit",
        "pygments",
        "stack-data",
        "traitlets",
    ],
    "ipython-pygments-lexers": ["pygments"],
    "jedi": ["parso"],
    "matplotlib-inline": ["traitlets"],
    "packaging": [],
    "parso": [],
    "prompt-toolkit": ["wcwidth"],
    "pure-eval": [],
    "pygments": [],
    "sqlparse": [],
    "stack-data": ["executing", "asttokens", "pure-eval"],
    "traitlets": [],
    "tzdata": [],
    "uvicorn": ["click", "h11"],
    "wcwidth": [],
    "websockets": [],
}
# Pyodide's own package manager, of which JupyterLite asks; not in the learner's lock.
EXTRA = {"micropip": "0.11.1"}

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
# This cell prepares the browser tab: the course's files, its packages, a network inside
# this page. On a machine none of this is needed.
import io, os, sys, zipfile
import js, pyodide_js
from pyodide.http import pyfetch

site = js.location.href.split("/extensions/")[0]
archive = await (await pyfetch(f"{site}/repository.zip")).bytes()
zipfile.ZipFile(io.BytesIO(archive)).extractall("/course")
os.chdir("/course/notebooks")
await pyodide_js.loadPackage(["django", "uvicorn", "websockets", "pygments"])
sys.path[:0] = ["/course"]

from workshop.site import boot
boot.start()
"""


@dataclass(frozen=True)
class Python:
    """What a page's Python is made of, as it was fetched."""

    runtime: Path  # Pyodide's npm package
    wheels: Path  # a folder of the packages


def fetch(work: Path) -> Python:
    """Fetch what is not in `work` yet.

    Raises:
        UserError: npm or a network is missing.
    """
    return Python(fetch_pyodide(work), fetch_wheels(work))


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
    put_python(python, out / "static" / "pyodide")
    pack_repository(out / "repository.zip")
    configure(out)
    return out


def fetch_pyodide(work: Path) -> Path:
    """Pyodide's npm package, unpacked.

    Raises:
        UserError: there is no npm, no network, or the package is another one.
    """
    folder = work / f"pyodide-{PYODIDE}"
    if folder.is_dir():
        return folder
    npm = shutil.which("npm")
    if npm is None:
        raise UserError(
            "The edition in the browser needs npm, to fetch Pyodide: install Node.js."
        )
    work.mkdir(parents=True, exist_ok=True)
    command = [npm, "pack", "--silent", f"pyodide@{PYODIDE}"]
    fetched = subprocess.run(command, cwd=work, capture_output=True, text=True)
    archive = work / f"pyodide-{PYODIDE}.tgz"
    if fetched.returncode or not archive.exists():
        raise UserError(f"npm could not fetch Pyodide: {fetched.stderr.strip()}")
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != PYODIDE_SHA256:
        archive.unlink()
        raise UserError(
            f"npm's pyodide@{PYODIDE} has the SHA-256 {found}, "
            f"and {PYODIDE_SHA256} is expected: it is not used."
        )
    with tarfile.open(archive) as tar:
        tar.extractall(work / "unpacking", filter="data")
    (work / "unpacking" / "package").rename(folder)
    archive.unlink()
    return folder


def fetch_wheels(work: Path) -> Path:
    """The packages as wheels for any machine, in the lock's versions.

    Raises:
        UserError: pip cannot fetch them.
    """
    folder = work / "wheels"
    wanted = work / "wheels.txt"
    lines = "".join(locked(LOCK.read_text("utf-8")))
    if folder.is_dir() and wanted.exists() and wanted.read_text("utf-8") == lines:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    wanted.write_text(lines, "utf-8")
    choose = ["--only-binary=:all:", "--platform=any", "--python-version=3.14"]
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", *choose]
    try:
        subprocess.run(
            [*pip, "--require-hashes", "-r", str(wanted), "-d", str(folder)],
            check=True,
            capture_output=True,
            text=True,
        )
        extra = [f"{name}=={version}" for name, version in EXTRA.items()]
        subprocess.run(
            [*pip, *extra, "-d", str(folder)],
            check=True,
            capture_output=True,
            text=True,
        )
    except subprocess.CalledProcessError as error:
        wanted.unlink()
        raise UserError(f"pip could not fetch the packages: {error.stderr}") from None
    return folder


def locked(lock: str) -> Iterator[str]:
    """The lines of a lock, with their hashes, that `PACKAGES` are about."""
    for entry in re.findall(r"^\S.*(?:\n    .*)*\n", lock, re.MULTILINE):
        name = re.split(r"[=\s]", entry, maxsplit=1)[0]
        if name in PACKAGES and _is_for_python_3_14(entry):
            head, *hashes = re.sub(r"\n    #.*", "", entry).splitlines()
            yield "\n".join([head, *hashes]) + "\n"


def _is_for_python_3_14(entry: str) -> bool:
    """Of two versions of one package, is this the one for newer Pythons?"""
    first = entry.splitlines()[0]
    return "python_full_version <" not in first and "win32" not in first


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


def put_python(python: Python, folder: Path) -> None:
    """Pyodide and the wheels, with a list of packages that names only these."""
    folder.mkdir(parents=True)
    for name in (
        "pyodide.asm.mjs",
        "pyodide.asm.wasm",
        "pyodide.mjs",
        "python_stdlib.zip",
    ):
        shutil.copy(python.runtime / name, folder)
    lock = json.loads((python.runtime / "pyodide-lock.json").read_text("utf-8"))
    lock["packages"] = {}
    for wheel in sorted(python.wheels.glob("*.whl")):
        shutil.copy(wheel, folder)
        entry = package(wheel)
        lock["packages"][entry["name"]] = entry
    (folder / "pyodide-lock.json").write_text(json.dumps(lock), "utf-8")


def package(wheel: Path) -> dict[str, Any]:
    """A wheel's entry in Pyodide's list of packages."""
    name, version = wheel.name.split("-")[:2]
    name = re.sub(r"[-_.]+", "-", name).lower()
    tops = {Path(member).parts[0] for member in zipfile.ZipFile(wheel).namelist()}
    imports = {top.removesuffix(".py") for top in tops if not top.endswith("-info")}
    return {
        "name": name,
        "version": version,
        "file_name": wheel.name,
        "install_dir": "site",
        "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "package_type": "package",
        "imports": sorted(imports),
        "depends": PACKAGES.get(name, []),
        "unvendored_tests": False,
    }


def pack_repository(archive: Path) -> None:
    """The files of the lessons as one zip; tests and locks stay at home."""
    wanted = re.compile(r"(0[1-4]_|notebooks/|workshop/|benchmarks/)")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as pack:
        for name in tracked():
            if wanted.match(name):
                pack.write(ROOT / name, name)


def configure(out: Path) -> None:
    """Tell the kernel its Python, and that nobody else is asked for packages."""
    path = out / "jupyter-lite.json"
    site = json.loads(path.read_text("utf-8"))
    settings = site["jupyter-config-data"].setdefault("litePluginSettings", {})
    kernel = settings.setdefault("@jupyterlite/pyodide-kernel-extension:kernel", {})
    kernel["pyodideUrl"] = "./static/pyodide/pyodide.mjs"
    kernel["disablePyPIFallback"] = True
    site["jupyter-config-data"]["exposeAppInBrowser"] = True
    path.write_text(json.dumps(site, indent=2), "utf-8")
