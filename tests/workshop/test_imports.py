"""The tools import each other in one direction only: read from their sources."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.support.processes import ROOT

ROOMS = ("workshop", "benchmarks")


def name_of(path: Path) -> str:
    """The module's name: ``workshop.command`` for ``workshop/command/__init__.py``."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def modules() -> dict[str, Path]:
    paths = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    return {name_of(path): path for path in paths}


def imports(source: str, known: set[str], *, later: bool) -> set[str]:
    """The modules, of those that are known, that a source imports.

    ``later``: also those that a function imports when it is called.
    """
    tree = ast.parse(source)
    found = set()
    for node in ast.walk(tree) if later else tree.body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute here"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in known else str(node.module))
    return found & known


def arrows(*, later: bool) -> dict[str, set[str]]:
    every = modules()
    return {
        name: imports(path.read_text("utf-8"), set(every), later=later)
        for name, path in every.items()
    }


def test_no_import_of_the_tools_runs_in_a_circle() -> None:
    graph = arrows(later=False)
    assert graph["workshop.command.cli"] >= {"workshop.command.environment"}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle: {' → '.join(error.args[1])}")


def test_the_tools_do_not_know_the_benchmarks() -> None:
    """The benchmarks register their command; so no arrow runs back."""
    for name, found in arrows(later=True).items():
        if name.startswith("workshop"):
            assert not [other for other in found if other.startswith("benchmarks")]
    for path in (ROOT / "workshop").rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        texts = [
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)
        ]
        assert not [text for text in texts if text == "benchmarks.command"]


def test_what_runs_before_the_set_up_needs_the_standard_library_only() -> None:
    graph = arrows(later=True)
    reached = set()
    waiting = ["workshop.__main__"]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += graph[name]
    assert "workshop.command.environment" in reached
    assert not [name for name in reached if name.startswith("workshop.pages")]
    assert not [name for name in reached if name.startswith("workshop.pictures")]
