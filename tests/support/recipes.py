"""The recipes of stage 04: what their pages show, and each in a project of its own."""

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.support.processes import ROOT
from tests.support.readmes import python_of
from workshop.command import installed, places

RECIPES = ROOT / "04_django_wrapper" / "recipes"
NAMES = sorted(page.stem for page in RECIPES.glob("*.md") if page.stem != "README")
# A block of a page begins with the name of its file. "At its end" means that the reader
# has this file already.
BLOCK = re.compile(
    r"^```(?:python|html)\n"
    r"(?:# |\{# )(?P<file>[\w./]+)(?P<added>, at its end)?(?: #\})?\n"
    r"(?P<code>.*?)^```",
    re.MULTILINE | re.DOTALL,
)


def page_of(name: str) -> str:
    """The text of a recipe's page."""
    return (RECIPES / f"{name}.md").read_text("utf-8")


def needs_packages(name: str) -> bool:
    """Whether a recipe uses packages that the learner does not have."""
    return "pip install" in page_of(name)


def require_packages() -> None:
    """Skip the test if the packages of the recipes are not installed; in CI, fail."""
    lacking = installed.missing(places.RECIPES_LOCK)
    if lacking:
        words = f"`python3 -m workshop recipes` installs what is missing: {lacking}"
        if os.environ.get("CI") == "true":
            pytest.fail(words)
        pytest.skip(words)


def blocks_of(name: str) -> list[re.Match[str]]:
    """All blocks of a recipe's page that belong to a file, in their order."""
    return list(BLOCK.finditer(page_of(name)))


def lift(names: list[str], folder: Path) -> Path:
    """Do what the recipes' README says: put recipes into a new project.

    Args:
        names: of their pages.
        folder: an empty one, for the project.

    Returns:
        The folder, in which ``manage.py`` is.
    """
    made = [sys.executable, "-m", "django", "startproject", "mysite", "."]
    subprocess.run(made, cwd=folder, check=True)
    _copy(RECIPES.parent / "sockets", folder)
    for block in python_of("04_django_wrapper", "Copy it into your project"):
        found = re.match(r"# (mysite/\w+\.py)(, at its end)?\n", block)
        if found is not None and found[1] != "mysite/tests.py":
            _write(folder / found[1], block, added=bool(found[2]))
    for name in names:
        _lift_one(name, folder)
    return folder


def _lift_one(name: str, folder: Path) -> None:
    """A recipe's file or its folder, its test, its template, and its routes."""
    if (RECIPES / name).is_dir():
        _copy(RECIPES / name, folder)
        module = f"from {name} import handlers as {name}"
    else:
        for file in (f"{name}.py", f"test_{name}.py", f"templates/{name}.html"):
            if (RECIPES / file).exists():
                _copy(RECIPES / file, folder / "mysite" / Path(file).parent)
        module = f"from mysite import {name}"
    for block in blocks_of(name):
        if block["added"]:
            _write(folder / block["file"], block["code"], added=True)

    # The README's two blocks for routes, with this recipe in place of its example.
    readme = page_of("README")
    for file, kind in (("urls.py", "pages"), ("websocket_urls.py", "websockets")):
        title = rf"# mysite/{file}, at its end\n(.*?) *```"
        found = re.search(title, readme, re.DOTALL)
        assert found is not None
        code = textwrap.dedent(found[1]).replace("from mysite import tokens", module)
        if f"{kind} = " in page_of(name):
            code = code.replace("tokens", name)
            _write(folder / "mysite" / file, code, added=True)


def _copy(what: Path, where: Path) -> None:
    """Copy a file or a folder, with what is compiled: that is good there, too."""
    if what.is_dir():
        shutil.copytree(what, where / what.name)
    else:
        where.mkdir(exist_ok=True)
        shutil.copy2(what, where)


def _write(file: Path, code: str, *, added: bool) -> None:
    before = ""
    if added and file.exists():
        before = file.read_text("utf-8") + "\n"
    file.write_text(before + code, "utf-8")
