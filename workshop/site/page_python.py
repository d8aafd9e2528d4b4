"""The Python of a page: Pyodide, and the packages that the lessons import.

1. Pyodide, which is CPython compiled for browsers, comes from its npm package. The hash
   of this package is kept here.
2. Its standard library is compiled beforehand, by Pyodide itself in Node.js. A page has
   no disk that would keep compiled modules: it would compile them at each start, for
   four seconds.
3. The packages have the versions and hashes of the learner's lock. They are wheels
   that need no compiler. Those of JupyterLite's kernel come with JupyterLite.
4. All of them are loaded while Python starts. So the kernel needs no search for them.
5. Four of five files are left out: Django's other languages, and what jedi knows about
   packages that are not here. A page would unpack them at each start.

Sources: pyodide.org/en/stable/usage/api/js-api.html (loadPyodide, mountNodeFS);
PEP 552, compiled files that are not compared with their sources.
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
from pathlib import Path
from typing import Any

from workshop.command.errors import UserError
from workshop.command.places import LOCK

PYODIDE = "314.0.7"
PYODIDE_SHA256 = "66b7949e5a0cba2250b586d7e368bf12fb482800748d182c4618254b685ffaa0"

# The packages that the notebooks and IPython import, and what these need. Pyodide has
# the rest.
PACKAGES = (
    "asgiref",
    "asttokens",
    "click",
    "comm",
    "django",
    "executing",
    "h11",
    "ipython",
    "ipython-pygments-lexers",
    "jedi",
    "matplotlib-inline",
    "packaging",
    "parso",
    "prompt-toolkit",
    "pure-eval",
    "pygments",
    "sqlparse",
    "stack-data",
    "traitlets",
    "tzdata",
    "uvicorn",
    "wcwidth",
    "websockets",
)
# Pyodide's own package manager, of which JupyterLite asks; not in the learner's lock.
EXTRA = {"micropip": "0.11.1"}
# JupyterLite brings these wheels, for its kernel.
OF_THE_KERNEL = ("ipykernel", "piplite", "pyodide_kernel")
LEFT_OUT = re.compile(
    r"django/.*/locale/(?!en/)\w+/|jedi/third_party/(typeshed/stubs|django-stubs)/"
)
COURSE = Path(__file__).parent / "page" / "course.py"
COMPILE = Path(__file__).parent / "page" / "compile_library.mjs"


@dataclass(frozen=True)
class Python:
    """What a page's Python is made of, as it was fetched."""

    runtime: Path  # Pyodide's npm package, with a compiled standard library
    wheels: Path  # a folder of the packages


def fetch(work: Path) -> Python:
    """Fetch what is not in `work` yet.

    Raises:
        UserError: npm or a network is missing.
    """
    return Python(fetch_pyodide(work), fetch_wheels(work))


def fetch_pyodide(work: Path) -> Path:
    """Pyodide's npm package, unpacked, with its standard library compiled.

    Raises:
        UserError: npm, Node.js or a network is missing, or the package is another.
    """
    folder = work / f"pyodide-{PYODIDE}-compiled"
    if folder.is_dir():
        return folder
    npm = shutil.which("npm")
    node = shutil.which("node")
    if npm is None or node is None:
        raise UserError(
            "The edition in the browser needs npm and Node.js, to fetch and compile "
            "Pyodide: install Node.js."
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
    unpacked = work / "unpacking" / "package"
    shutil.rmtree(unpacked, ignore_errors=True)
    with tarfile.open(archive) as tar:
        tar.extractall(unpacked.parent, filter="data")
    compile_library(node, unpacked)
    unpacked.rename(folder)
    archive.unlink()
    return folder


def compile_library(node: str, pyodide: Path) -> None:
    """Put a compiled file beside each module of Pyodide's standard library.

    Args:
        node: the program Node.js.
        pyodide: the folder of Pyodide; the library is a zip there.

    Raises:
        UserError: Node.js cannot run Pyodide.
    """
    command = [node, str(COMPILE), str(pyodide)]
    compiled = subprocess.run(command, capture_output=True, text=True)
    if compiled.returncode:
        # Node.js prints the line that failed; one line of Pyodide has a megabyte.
        lines = [line for line in compiled.stderr.splitlines() if len(line) < 300]
        said = "\n".join(lines)
        raise UserError(f"Node.js could not run Pyodide; version 20 does.\n{said}")


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


def put_python(python: Python, out: Path) -> list[str]:
    """Pyodide and the wheels, with a list of packages that names only these.

    Args:
        python: what was fetched.
        out: the folder of the edition, with JupyterLite's own files.

    Returns:
        The names of all packages.
    """
    folder = out / "static" / "pyodide"
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
    wheels = [lighter(w, folder) for w in python.wheels.glob("*.whl")]
    wheels += [lighter(w, folder) for w in kernel_wheels(out)]
    for wheel in [*wheels, course_wheel(folder)]:
        entry = package(wheel)
        lock["packages"][entry["name"]] = entry
    (folder / "pyodide-lock.json").write_text(json.dumps(lock), "utf-8")
    return sorted(lock["packages"])


def kernel_wheels(out: Path) -> list[Path]:
    """The wheels of JupyterLite's kernel, as they lie in the edition's folder."""
    [pypi] = (out / "extensions" / "@jupyterlite").glob("*/static/pypi")
    wheels: list[Path] = []
    for name in OF_THE_KERNEL:
        wheels += pypi.glob(f"{name}-*.whl")
    if len(wheels) != len(OF_THE_KERNEL):
        raise UserError(f"JupyterLite brought other wheels than expected: {wheels}")
    return wheels


def lighter(wheel: Path, folder: Path) -> Path:
    """A copy of a wheel in another folder, without the files of `LEFT_OUT`."""
    copy = folder / wheel.name
    with zipfile.ZipFile(wheel) as source:
        kept = [name for name in source.namelist() if not LEFT_OUT.match(name)]
        if len(kept) == len(source.namelist()):
            shutil.copy(wheel, copy)
            return copy
        with zipfile.ZipFile(copy, "w", zipfile.ZIP_DEFLATED) as target:
            for name in kept:
                target.writestr(name, source.read(name))
    return copy


def course_wheel(folder: Path) -> Path:
    """The module ``course`` as a package, which a page loads like the others."""
    wheel = folder / "course-1-py3-none-any.whl"
    about = "course-1.dist-info"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(COURSE, "course.py")
        archive.writestr(f"{about}/METADATA", "Name: course\nVersion: 1\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
    return wheel


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
        "depends": [],  # all packages are loaded, so none asks for another
        "unvendored_tests": False,
    }
