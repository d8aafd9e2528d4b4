"""The run sheets: their clocks, and all that they name, exist."""

import json
import re

import pytest

from tests.support.processes import ROOT
from workshop.exercises.catalogue import exercises

TEXT = (ROOT / "TEACHING.md").read_text("utf-8")
NOTEBOOKS = {
    path.stem[:2]: json.loads(path.read_text("utf-8"))
    for path in sorted((ROOT / "notebooks").glob("*.ipynb"), reverse=True)
}


def rows_below(heading: str) -> list[list[str]]:
    """The cells of the table below a heading, without its head."""
    part = TEXT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def minutes_of(clock: str) -> int:
    hours, minutes = clock.split(":")
    return 60 * int(hours) + int(minutes)


@pytest.mark.parametrize(
    ("heading", "length"),
    [
        ("Half a day: from await to a websocket in Django", 180),
        ("A full day", 480),
    ],
)
def test_each_row_of_a_sheet_begins_when_the_one_before_ends(
    heading: str, length: int
) -> None:
    rows = rows_below(heading)
    start = minutes_of(rows[0][0])
    now = start
    for row in rows:
        assert minutes_of(row[0]) == now, row
        now += int(row[1])
    assert now - start == length


def test_half_a_day_has_a_break_within_each_70_minutes() -> None:
    work = 0
    for row in rows_below("Half a day: from await to a websocket in Django"):
        work = 0 if "*break*" in row[2] else work + int(row[1])
        assert work <= 70, row


def test_each_exercise_that_a_sheet_names_exists() -> None:
    known = {exercise.number for exercise in exercises()}
    named = set(re.findall(r"\b[1-4]\.[1-8]\b", TEXT))
    assert named
    assert named <= known


def test_each_section_that_a_sheet_names_is_in_its_notebook() -> None:
    named = re.findall(
        r"(?:slides|notebook) (0[1-4]), sections? (\d+)(?: (?:to|and) (\d+))?", TEXT
    )
    named += [
        (notebook, first, last)
        for first, last, notebook in re.findall(
            r"[Ss]ections? (\d+)(?: (?:to|and) (\d+))? of notebook (0[1-4])", TEXT
        )
    ]
    assert len(named) > 20
    for notebook, first, last in named:
        cells = NOTEBOOKS[notebook]["cells"]
        text = "\n".join("".join(cell["source"]) for cell in cells)
        for number in range(int(first), int(last or first) + 1):
            assert re.search(rf"^## {number}\. ", text, re.M), (notebook, number)


def test_each_link_of_a_sheet_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)]+)\)", TEXT)
    headings = re.findall(r"^## (.+)$", TEXT, re.M)
    anchors = {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings}
    for link in links:
        if link.startswith("#"):
            assert link[1:] in anchors, link
        else:
            assert (ROOT / link).exists(), link
