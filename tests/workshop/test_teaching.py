"""The run sheets: their clocks, and all that they name, exist."""

import json
import math
import re

import pytest

from tests.support.processes import ROOT
from workshop.exercises.catalogue import exercises

HALF = "Half a day: from await to a websocket in Django"
FULL = "A full day"
EVENINGS = "Four evenings"
SECTIONS = re.compile(
    r"(?:slides|notebook) (0[1-4]), sections? (\d+)(?: (?:to|and) (\d+))?"
)
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
        (HALF, 180),
        (FULL, 480),
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


@pytest.mark.parametrize("heading", [HALF, FULL])
def test_a_day_has_a_break_within_each_70_minutes(heading: str) -> None:
    work = 0
    for row in rows_below(heading):
        pause = "*break*" in row[2] or "*lunch*" in row[2]
        work = 0 if pause else work + int(row[1])
        assert work <= 70, row


def test_each_evening_has_a_break() -> None:
    rows = rows_below(EVENINGS)
    assert len(rows) == 4
    for row in rows:
        assert int(row[4].partition(",")[0]) >= 10, row


def minutes_in_a_room(numbers: list[str]) -> int:
    """An exercise takes its own minutes and a third more."""
    known = {exercise.number: exercise.minutes for exercise in exercises()}
    return sum(math.ceil(known[number] * 4 / 3) for number in numbers)


def votes_in(what: str) -> int:
    """The questions of the sections that a row names."""
    votes = 0
    for notebook, first, last in SECTIONS.findall(what):
        cells = NOTEBOOKS[notebook]["cells"]
        text = "\n".join("".join(cell["source"]) for cell in cells)
        for number in range(int(first), int(last or first) + 1):
            section = text.split(f"\n## {number}. ")[1].split("\n## ")[0]
            votes += len(re.findall(r"^\*\*Before (?:you|each)", section, re.M))
    return votes


def test_a_row_of_half_a_day_has_the_minutes_of_its_votes_and_its_exercise() -> None:
    counted = 0
    for row in rows_below(HALF):
        votes = re.search(r"(\d) votes?", row[5])
        wanted = 2 * int(votes[1]) if votes else 0
        wanted += minutes_in_a_room(re.findall(r"exercise (\d\.\d)", row[2]))
        assert wanted <= int(row[1]), row
        counted += wanted
    assert counted > 60


@pytest.mark.parametrize(("heading", "pause"), [(FULL, 0), (EVENINGS, 10)])
def test_a_row_with_notebooks_has_the_minutes_of_its_questions_and_exercises(
    heading: str, pause: int
) -> None:
    counted = 0
    for row in rows_below(heading):
        own = re.sub(r"\(.*?\)", "", row[3])  # in brackets: what is for home
        wanted = 2 * votes_in(row[2])
        wanted += minutes_in_a_room(re.findall(r"\d\.\d", own))
        assert wanted + pause <= int(row[1]), (row, wanted)
        counted += wanted
    assert counted > 150


def test_each_exercise_of_a_sheet_is_in_the_table_of_wrong_answers() -> None:
    table = rows_below("Exercises: wrong answers, and the question that helps")
    told = {row[0] for row in table}
    named = {
        number
        for heading in (HALF, FULL, EVENINGS)
        for row in rows_below(heading)
        for number in re.findall(r"(?<![\d.])[1-4]\.[1-8]\b", " ".join(row))
    }
    assert len(named) > 8
    assert named <= told


def test_each_exercise_that_a_sheet_names_exists() -> None:
    known = {exercise.number for exercise in exercises()}
    named = set(re.findall(r"\b[1-4]\.[1-8]\b", TEXT))
    assert named
    assert named <= known


def test_each_section_that_a_sheet_names_is_in_its_notebook() -> None:
    named = SECTIONS.findall(TEXT)
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
