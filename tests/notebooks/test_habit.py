"""The habit of the notebooks: a question, the code, and then the folded answer.

A learner who can see the answer does not guess, and a guess that was wrong is how this
course is learned. So nothing that follows a question gives its answer away before the
code has run.
"""

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.later import nbformat

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
QUESTION = re.compile(r"\*\*Before [^*]*:\*\*")
ANSWER = "<details><summary><b>What happened</b></summary>\n\n"
# What a browser page cannot do: other processes, threads, the kernel's own sockets.
MACHINE = re.compile(
    r"^[!%]|\bsubprocess\b|create_subprocess|ProcessPool|psutil|threading|asyncio\.run\("
    r"|socket\.create_connection|WSGIServer|urlopen|under_wsgi|nobody_asks|switch_cost\.measure"
    r"|record_tiny|websockets\.sync|HTTPConnection",
    re.MULTILINE,
)

each = pytest.mark.parametrize(
    "path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem
)


def cells_of(path: Path) -> list[Any]:
    """The notebook's cells, in their order."""
    return list(nbformat.read(path, as_version=4).cells)


def questions(cells: list[Any]) -> list[tuple[str, list[str], str]]:
    """Each question: its cell, the code that answers it, and the cell that follows."""
    found = []
    for number, cell in enumerate(cells):
        if cell.cell_type == "markdown" and QUESTION.search(cell.source):
            code = []
            after = number + 1
            while cells[after].cell_type == "code":
                code.append(cells[after].source)
                after += 1
            found.append((cell.source, code, cells[after].source))
    return found


def shows_source(source: str) -> bool:
    return bool(re.search(r"^show\(|inspect\.getsource", source, re.MULTILINE))


@each
def test_a_question_stands_at_the_end_of_its_cell(path: Path) -> None:
    asked = questions(cells_of(path))
    assert len(asked) >= 8
    for question, _, _ in asked:
        words = QUESTION.split(question)
        assert len(words) == 2, f"two questions in one cell: {question}"
        assert "\n\n" not in words[1].strip(), f"more after the question: {question}"


@each
def test_a_question_is_answered_by_code_and_then_by_a_folded_text(path: Path) -> None:
    for question, code, after in questions(cells_of(path)):
        assert code, f"no code follows: {question}"
        assert after.startswith(ANSWER), f"{question}\n\nis followed by\n\n{after}"
        assert "</details>" in after


@each
def test_code_to_be_read_is_shown_before_it_is_asked_about(path: Path) -> None:
    cells = cells_of(path)
    for question, code, _ in questions(cells):
        for source in code:
            assert not shows_source(source), f"{question}\n\n{source}"
    for cell in cells:
        if cell.cell_type == "code" and shows_source(cell.source):
            for statement in ast.parse(cell.source).body:
                words = ast.unparse(statement)
                reads = words.startswith(("import ", "from ", "print(", "show("))
                assert reads, f"cell {cell.id} shows a source and runs {words}"


@each
def test_the_code_that_answers_has_no_comment_that_could_tell_the_answer(
    path: Path,
) -> None:
    for question, code, _ in questions(cells_of(path)):
        for source in code:
            assert "  # " not in source, f"{question}\n\n{source}"


@each
def test_a_fold_is_closed_and_can_be_found(path: Path) -> None:
    for cell in cells_of(path):
        if cell.cell_type == "markdown":
            opened = cell.source.count("<details>")
            assert cell.source.count("</details>") == opened
            assert cell.source.count("</summary>\n\n") == opened, cell.source


@each
def test_a_cell_that_needs_more_than_a_browser_page_says_so_in_its_tags(
    path: Path,
) -> None:
    for cell in cells_of(path):
        if cell.cell_type == "markdown" or shows_source(cell.source):
            continue
        tags = cell.metadata.get("tags", [])
        # A page can check most exercises: workshop.exercises.views knows which.
        if MACHINE.search(cell.source) and "exercise" not in tags:
            assert "needs-machine" in tags, cell.source
