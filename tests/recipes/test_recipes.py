"""The recipes of stage 04 in a new project, each with the test that it brings."""

import os
import re
import subprocess
import sys

import pytest

from tests.support.recipes import (
    NAMES,
    RECIPES,
    blocks_of,
    lift,
    needs_packages,
    require_packages,
)
from workshop.command import installed

CHECK_AND_TEST = """
import django
from django.core.management import call_command
django.setup()
call_command("check", fail_level="WARNING")
call_command("test", verbosity=2)
"""
# Recipes that can live in one project: each project costs seconds of CPU. Two that
# change the same setting are apart.
PROJECTS = (
    ["periodic", "presence", "receivers", "rooms", "upload"],
    ["tokens", "with_fastapi"],
    ["rest", "watched", "side_by_side"],
)


def test_each_recipe_that_brings_a_test_is_in_one_project():
    files = [*RECIPES.glob("test_*.py"), *RECIPES.glob("*/tests.py")]
    brought = [
        file.stem.removeprefix("test_") if file.parent == RECIPES else file.parent.name
        for file in files
    ]
    assert sorted(brought) == sorted(name for names in PROJECTS for name in names)


@pytest.mark.parametrize("names", PROJECTS, ids="-".join)
def test_recipes_pass_their_tests_in_a_new_project(names, tmp_path):
    if any(needs_packages(name) for name in names):
        require_packages()
    tested = subprocess.run(
        [sys.executable, "-c", CHECK_AND_TEST],
        cwd=lift(names, tmp_path),
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "mysite.settings",
            "PYTHONPATH": os.fspath(tmp_path),
        },
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert tested.returncode == 0, tested.stdout + tested.stderr
    for name in names:
        ran = re.search(rf"\((mysite\.test_{name}|{name}\.tests)\.", tested.stderr)
        assert ran, f"{name} has no test:\n{tested.stderr}"


@pytest.mark.parametrize("name", NAMES)
def test_a_page_shows_the_whole_code_of_its_recipe(name):
    shown = {}
    for block in blocks_of(name):
        if not block["added"]:
            shown[block["file"]] = shown.get(block["file"], "") + block["code"]
    assert shown
    for file, code in shown.items():
        text = (RECIPES / file.removeprefix("mysite/")).read_text("utf-8")
        assert lines_of(code) == lines_of(without_docstring(text)), file


def test_the_table_has_each_page_and_no_other_one():
    table = (RECIPES / "README.md").read_text("utf-8")
    assert sorted(re.findall(r"^\| [^|]+ \| \[[^]]+\]\((\w+)\.md\)", table, re.M)) == (
        NAMES
    )


@pytest.mark.parametrize(
    ("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)]
)
def test_missing_packages_skip_a_test_here_and_fail_it_in_ci(monkeypatch, ci, outcome):
    monkeypatch.setattr(installed, "missing", lambda lock: ["celery==5"])
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match=r"`python3 -m workshop recipes` .*celery==5"):
        require_packages()


def without_docstring(text):
    return re.sub(r'\A""".*?"""\n', "", text, flags=re.DOTALL)


def lines_of(code):
    """All lines but the blank ones: a page may cut a file between paragraphs."""
    return [line for line in code.splitlines() if line.strip()]
