"""Which packages are installed, and which of them are damaged.

Read from the folder names of the "Recording installed projects" specification
(NAME-VERSION.dist-info), which takes less time than to import them.

Standard library only: this module runs before anything is installed.
"""

import re
import sys
import tomllib
from pathlib import Path

from workshop.command.places import LOCK, OPTIONAL, ROOT, VENV


def packages_in(lock: str) -> dict[str, str]:
    """Name and version of each package that every platform needs.

    A line with a marker (``; sys_platform == "win32"``) is for the installer to judge.
    """
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)\s*\\?$", lock, re.MULTILINE))


def missing(lock: Path = LOCK) -> list[str]:
    """The packages that the running Python lacks, of those that it should have.

    Those are the lock's, in its versions; but uv chooses versions itself, within
    ``pyproject.toml``, so that where uv has installed only the names there count.

    Pip writes RECORD last: without it the package is half there. A package whose folder
    was deleted counts as missing, too.
    """
    installed: dict[str, str] = {}
    for folder in sys.path:
        broken = damaged(Path(folder))
        for record in Path(folder).glob("*.dist-info/RECORD"):
            name, version = name_and_version(record.parent)
            if record.parent not in broken:
                # Of two versions on the path, Python imports the first one.
                installed.setdefault(name, version)
    if made_by_uv(Path(sys.prefix)):
        return [name for name in _direct(lock) if _canonical(name) not in installed]
    wanted = packages_in(lock.read_text("utf-8")).items()
    return [f"{n}=={v}" for n, v in wanted if installed.get(_canonical(n)) != v]


def name_and_version(metadata: Path) -> tuple[str, str]:
    """Of a package, from the name of its metadata folder."""
    name, _, version = metadata.name.removesuffix(".dist-info").partition("-")
    return _canonical(name), version


def damaged(folder: Path) -> list[Path]:
    """Packages whose files were deleted while their metadata was left.

    Pip takes such a package for an installed one, and would not repair it.

    Args:
        folder: where packages are: ``.venv/lib/python3.11/site-packages``.

    Returns:
        Their metadata folders. Only what lies at the top of ``folder`` is looked at:
        that takes less than 0.1 s.
    """
    if not folder.is_dir():
        return []
    there = {path.name for path in folder.iterdir()}
    found = []
    for record in folder.glob("*.dist-info/RECORD"):
        text = record.read_text("utf-8", errors="replace")
        tops = set(re.findall(r'^"?([^/,\n"]+)', text, re.MULTILINE))
        # Scripts lie outside of the folder, and Python makes __pycache__ when it likes.
        if not tops - {"..", "__pycache__"} <= there:
            found.append(record.parent)
    return found


def folders_of_venv() -> list[Path]:
    """The folders in which the packages of ``.venv`` are."""
    posix = VENV.glob("lib/python*/site-packages")
    return [*posix, VENV / "Lib" / "site-packages"]


def _direct(lock: Path) -> list[str]:
    """The names in ``pyproject.toml`` of the packages that are meant by ``lock``."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    groups = dict(project.get("dependency-groups", {}))
    for group, own_lock in OPTIONAL.items():
        if lock != own_lock:
            groups.pop(group, None)
    lines = list(project["project"]["dependencies"])
    for group in groups.values():
        lines += group
    return [re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in lines]


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def made_by_uv(prefix: Path = VENV) -> bool:
    """Whether an environment is uv's work, which uv also repairs."""
    return "\nuv = " in configuration(prefix)


def configuration(prefix: Path = VENV) -> str:
    """What ``pyvenv.cfg`` says; empty if there is none."""
    path = prefix / "pyvenv.cfg"
    if not path.is_file():
        return ""
    return path.read_text("utf-8")
