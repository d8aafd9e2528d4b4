"""The arrows between the layer's files: from the story to its tools, and never back."""

import ast
from pathlib import Path

from tests.support.processes import ROOT

SOCKETS = ROOT / "04_django_wrapper" / "sockets"
STORY = {"dispatch", "runner", "connection", "inbox", "outbox", "handling"}
TOOLS = {
    "answers",
    "codes",
    "conf",
    "deadline",
    "eager",
    "hints",
    "jsontext",
    "request",
    "routing",
    "servers",
    "waiting",
}


def modules() -> dict[str, ast.Module]:
    """Each file's name, with dots and without the folder's, and what it says."""
    found = {}
    for file in sorted(SOCKETS.rglob("*.py")):
        parts = file.relative_to(SOCKETS).with_suffix("").parts
        found[".".join(parts)] = ast.parse(file.read_text("utf-8"))
    return found


def arrows() -> dict[str, set[str]]:
    """For each file those that it imports, wherever in the file it does so."""
    trees = modules()
    return {name: set(imported(name, tree, trees)) for name, tree in trees.items()}


def imported(name, tree, trees):
    folder = name.split(".")[:-1]
    for node in run(tree):
        if isinstance(node, ast.ImportFrom) and node.level > 0:
            start = folder[: len(folder) - node.level + 1]
            path = [*start, *(node.module or "").split(".")] if node.module else start
            for alias in node.names:
                module = ".".join([*path, alias.name])
                yield module if module in trees else ".".join(path)


def run(tree):
    """All that is run, and so not what stands there for a type checker alone."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from run(node)


def test_all_imports_inside_are_relative():
    """So the folder can have another name, or be inside another one."""
    absolute = [
        (name, module)
        for name, tree in modules().items()
        for node in ast.walk(tree)
        for module in absolute_names(node)
        if module.partition(".")[0] == "sockets"
    ]
    assert absolute == []


def absolute_names(node):
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        return [node.module]
    return []


def test_the_story_imports_the_story_and_its_tools_only():
    allowed = STORY | TOOLS
    found = arrows()
    extras = {(name, to) for name in STORY & set(found) for to in found[name] - allowed}
    assert extras == set()


def test_the_tools_import_no_extra():
    allowed = STORY | TOOLS
    found = arrows()
    extras = {(name, to) for name in TOOLS & set(found) for to in found[name] - allowed}
    assert extras == set()


def test_no_import_leads_back_to_where_it_began():
    found = arrows()

    def reached(name, seen):
        for to in found.get(name, ()):
            if to not in seen:
                seen.add(to)
                reached(to, seen)
        return seen

    assert [name for name in found if name in reached(name, set())] == []


def test_the_reader_of_arrows_sees_them():
    """Without this the tests above would pass on an empty folder."""
    found = arrows()
    assert "runner" in found["dispatch"]
    assert "steps.stats" in found["steps.journal"]
    assert Path(SOCKETS, "dispatch.py").is_file()
