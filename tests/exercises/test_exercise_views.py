"""The README's table and the notebook's cells say what the exercise's file says."""

import json
from pathlib import Path

import pytest

from workshop.exercises.catalogue import Exercise, exercises
from workshop.exercises.views import (
    TABLE_BEGINS,
    TABLE_ENDS,
    as_text,
    cells,
    notebooks_of,
    readme_of,
    table,
    with_cells,
    with_table,
)

EXERCISES = exercises()
STAGES = sorted({exercise.stage for exercise in EXERCISES})

each_stage = pytest.mark.parametrize("stage", STAGES, ids=[s.name for s in STAGES])


def exercises_of(stage: Path) -> list[Exercise]:
    return [exercise for exercise in EXERCISES if exercise.stage == stage]


@each_stage
def test_a_readme_lists_its_exercises_with_their_minutes(stage: Path) -> None:
    readme = readme_of(stage).read_text("utf-8")
    some = exercises_of(stage)
    assert f"{TABLE_BEGINS}\n{table(some)}\n{TABLE_ENDS}" in readme
    assert with_table(readme, some) == readme


@each_stage
def test_a_notebook_holds_its_exercises_as_their_files_are(stage: Path) -> None:
    """Run ``python -m workshop.exercises.starts`` after a change."""
    for path in notebooks_of(stage):
        text = path.read_text("utf-8")
        notebook = json.loads(text)
        assert as_text(with_cells(notebook, exercises_of(stage))) == text


@each_stage
def test_the_cells_of_an_exercise_that_is_gone_are_taken_away(stage: Path) -> None:
    """Also the cell that loads the magics, where no exercise is left."""
    for path in notebooks_of(stage):
        notebook = json.loads(path.read_text("utf-8"))
        without = with_cells(notebook, [])
        text = as_text(without)
        assert "%%exercise" not in text
        assert "%hint" not in text
        assert "%load_ext workshop.exercises" not in text
        assert with_cells(without, exercises_of(stage)) == notebook


@each_stage
def test_an_exercise_stands_at_the_end_of_its_section(stage: Path) -> None:
    """Behind the heading with its number, and before the next heading."""
    stored = []
    for path in notebooks_of(stage):
        stored += json.loads(path.read_text("utf-8"))["cells"]
    section = ""
    found = {}
    for cell in stored:
        first = "".join(cell["source"]).partition("\n")[0]
        if cell["cell_type"] == "markdown" and first.startswith("## "):
            section = first.removeprefix("## ").partition(".")[0]
        found[cell["id"]] = section
    for exercise in exercises_of(stage):
        for cell in cells(exercise):
            assert found[cell["id"]] == str(exercise.section)


def test_minutes_are_the_same_wherever_they_stand() -> None:
    for exercise in EXERCISES:
        [text, *_] = cells(exercise)
        assert f"*About {exercise.minutes} minutes.*" in "".join(text["source"])
        assert f" | {exercise.minutes} |" in table([exercise])


def test_numbers_follow_the_sections() -> None:
    """So nobody meets an exercise before what it needs."""
    for stage in STAGES:
        sections = [exercise.section for exercise in exercises_of(stage)]
        assert sections == sorted(sections)
