"""The stages' READMEs: one form, true minutes, answers that are folded."""

import json
import re
from itertools import pairwise

import pytest

from tests.support.processes import ROOT
from workshop.exercises.catalogue import exercises
from workshop.minutes import notebooks, time_line

STAGES = ["01_asyncio_basics", "02_coroutines", "03_asgi_raw", "04_django_wrapper"]
NEXT = dict(pairwise(STAGES))  # the last one has none
SECTIONS = ["The short way", "Further", "Key points", "Check yourself"]

each_stage = pytest.mark.parametrize("stage", STAGES)


def readme(stage: str) -> str:
    return (ROOT / stage / "README.md").read_text("utf-8")


def section(stage: str, heading: str) -> str:
    return readme(stage).split(f"\n## {heading}\n")[1].split("\n## ")[0]


@each_stage
def test_a_readme_has_its_objectives_its_prerequisites_and_its_sections_in_order(
    stage: str,
) -> None:
    text = readme(stage)
    opening = text.partition("\n## ")[0]
    objectives = opening.partition("**After this you can**")[2].partition(
        "**You need**"
    )
    assert len(re.findall("^- ", objectives[0], re.M)) >= 3
    assert objectives[2]
    headings = re.findall(r"^## (.+)$", text, re.M)
    assert [heading for heading in headings if heading in SECTIONS] == SECTIONS
    assert headings[0] == SECTIONS[0] and headings[-1].startswith(SECTIONS[-1])


@each_stage
def test_a_readme_has_the_objectives_and_the_key_points_of_its_notebook(
    stage: str,
) -> None:
    notebook = json.loads((ROOT / f"notebooks/{stage}.ipynb").read_text("utf-8"))
    cells = ["".join(cell["source"]) for cell in notebook["cells"]]
    [end] = [cell for cell in cells if cell.startswith("## Key points\n")]
    wanted = listed(cells[0].partition("**You need**")[0])
    assert listed(readme(stage).partition("**You need**")[0]) == wanted
    assert listed(section(stage, "Key points")) == listed(end)
    assert f"](../{stage}/README.md#check-yourself)" in end
    assert len(wanted) >= 3


def listed(text: str) -> list[str]:
    """The entries of a list, each on one line."""
    entries = re.findall(r"^(?:[*-]|\d\.) ((?:.+\n?)(?:  +.+\n?)*)", text, re.M)
    return [" ".join(entry.split()) for entry in entries]


@pytest.mark.parametrize("name", sorted(notebooks()))
def test_the_pages_say_the_minutes_that_a_notebook_took(name: str) -> None:
    took = notebooks()[name]
    notebook = json.loads((ROOT / f"notebooks/{name}.ipynb").read_text("utf-8"))
    assert time_line(took) in "".join(notebook["cells"][0]["source"])

    course = (ROOT / "README.md").read_text("utf-8")
    row = re.search(rf"notebooks/{name}.ipynb\) \| (\d+) \|", course)
    assert row and int(row[1]) == took.whole

    [stage] = [stage for stage in STAGES if name.startswith(stage)]
    row = re.search(rf"notebooks/{name}.ipynb\).*\| (\d+) \|", readme(stage))
    assert row and int(row[1]) == took.whole


@pytest.mark.parametrize("stage", ["01_asyncio_basics", "02_coroutines"])
def test_a_readme_says_the_minutes_of_each_half(stage: str) -> None:
    text = " ".join(section(stage, "The short way").split())
    for words, minutes in notebooks()[stage].parts.items():
        assert re.search(rf"{words} take {minutes}( minutes)? and", text, re.I)


def test_a_notebook_that_nobody_has_walked_says_no_minutes() -> None:
    names = {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert names == set(notebooks())


@each_stage
def test_a_readme_says_the_minutes_of_its_exercises(stage: str) -> None:
    minutes = sum(
        exercise.minutes for exercise in exercises() if exercise.stage.name == stage
    )
    row = re.search(r"\(exercises\).*\| (\d+) \|", readme(stage))
    assert (int(row[1]) if row else 0) == minutes


@each_stage
def test_a_readme_has_five_key_points_and_five_questions_with_folded_answers(
    stage: str,
) -> None:
    points = re.findall(r"^\d\. .+$", section(stage, "Key points"), re.M)
    assert len(points) == 5
    asks_five_questions(section(stage, "Check yourself"))


def test_the_second_notebook_of_stage_04_has_five_questions_of_its_own() -> None:
    asks_five_questions(section("04_django_wrapper", "Check yourself, in earnest"))


def asks_five_questions(words: str) -> None:
    questions = re.split(r"^\d\. ", words, flags=re.M)[1:]
    assert len(questions) == 5
    for question in questions:
        asked, _, answer = question.partition("<details>")
        assert asked.rstrip().endswith("?")
        assert "</details>" in answer


@pytest.mark.parametrize("stage", NEXT)
def test_a_readme_leads_to_the_next_stage_at_its_beginning_and_at_its_end(
    stage: str,
) -> None:
    link = f"](../{NEXT[stage]}/README.md)"
    assert link in section(stage, "The short way")
    assert link in readme(stage).rstrip().splitlines()[-1]


@each_stage
def test_every_file_that_a_readme_links_to_is_there(stage: str) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", readme(stage)):
        assert (ROOT / stage / target).exists(), target
