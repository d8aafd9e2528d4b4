"""Every exercise: the start and wrong parts do not pass, and the solution does."""

import ast
import subprocess
from pathlib import Path

import pytest

from workshop.command.places import ROOT
from workshop.exercises.catalogue import Exercise, exercises, find
from workshop.exercises.check import check_all
from workshop.exercises.marks import same, split
from workshop.exercises.verdict import State, Verdict

EXERCISES = exercises()
TIMES = 20  # how often the solution has to pass in a row

each_exercise = pytest.mark.parametrize(
    "exercise", EXERCISES, ids=[exercise.number for exercise in EXERCISES]
)


def verdicts_on(exercise: Exercise, parts: list[str], folder: Path) -> list[Verdict]:
    """Check several parts, each in the file as it was handed out."""
    paths = []
    for number, part in enumerate(parts):
        path = folder / f"{number}_{exercise.path.name}"
        path.write_text(exercise.start_parts.with_part(part), "utf-8")
        paths.append(path)
    return check_all(exercise, paths)


@each_exercise
def test_the_check_tells_right_from_wrong(exercise: Exercise, tmp_path: Path) -> None:
    """In one child process, since each start of Python costs a tenth of a second."""
    start = exercise.start_parts.part
    wrong = [part for part, _ in exercise.wrong]
    solutions = [exercise.solution] * TIMES
    parts = [start, "", *wrong, *solutions]

    found = verdicts_on(exercise, parts, tmp_path)

    assert len(found) == len(parts), found[-1].text()
    untouched, emptied = found[:2]
    assert untouched.state is State.NOT_BEGUN
    assert emptied.state is State.NOT_YET
    assert f"{exercise.name} is gone" in emptied.says
    caught = found[2:-TIMES]
    for (part, sentence), verdict in zip(exercise.wrong, caught, strict=True):
        assert verdict.state is State.NOT_YET, f"passes, and is wrong:\n{part}"
        assert sentence in verdict.text(), f"{part}\n\n{verdict.text()}"
    for verdict in found[-TIMES:]:
        assert verdict.state is State.RIGHT, verdict.text()
        assert verdict.text() == found[-1].text()


def test_a_poll_may_tell_zeros(tmp_path: Path) -> None:
    poll = find("4.6", EXERCISES)
    zeros = '{"tea": 0, "coffee": 0, **Counter(votes.values())}'
    part = poll.solution.replace("Counter(votes.values())", zeros)
    assert zeros in part
    [verdict] = verdicts_on(poll, [part], tmp_path)
    assert verdict.state is State.RIGHT, verdict.text()


@each_exercise
def test_an_exercise_has_hints_and_wrong_solutions(exercise: Exercise) -> None:
    """Two or three hints, at least six wrong solutions, each told why."""
    assert 2 <= len(exercise.hints) <= 3
    assert len(exercise.wrong) >= 6
    assert all(len(sentence) >= 12 for _, sentence in exercise.wrong)


@each_exercise
def test_a_hint_does_not_hold_the_solution(exercise: Exercise) -> None:
    """The last one may come near; those before have no line of it."""
    told = {line.strip() for line in exercise.start_parts.part.splitlines()}
    lines = {line.split("  #")[0].strip() for line in exercise.solution.splitlines()}
    telling = {line for line in lines - told if len(line) > 12}
    for hint in exercise.hints[:-1]:
        found = [line for line in telling if line in hint]
        assert not found, f"{hint!r} holds {found}"


@each_exercise
def test_an_exercise_and_its_solution_define_the_same_name(exercise: Exercise) -> None:
    """So only what stands between the marks differs, and its head stays as it was."""
    [solved] = ast.parse(exercise.solution).body
    assert type(solved) is type(exercise.target)
    if not isinstance(solved, ast.Assign | ast.AnnAssign):
        assert ast.get_docstring(solved) == ast.get_docstring(exercise.target)
    text = exercise.start_parts.with_part(exercise.solution)
    assert split(text).before == exercise.start_parts.before
    assert split(text).after == exercise.start_parts.after
    assert not same(exercise.solution, exercise.start_parts.part)


@each_exercise
def test_the_file_in_the_repository_is_the_start(exercise: Exercise) -> None:
    """As git has it: the learner's own file may be solved by now."""
    name = exercise.path.relative_to(ROOT).as_posix()
    stored = subprocess.run(
        ["git", "show", f":{name}"], cwd=ROOT, capture_output=True, text=True
    )
    text = stored.stdout if stored.returncode == 0 else exercise.read()
    assert text == exercise.start, "run: python -m workshop.exercises.starts"


@each_exercise
def test_the_head_of_an_exercise_names_its_command(exercise: Exercise) -> None:
    """Number, minutes and section are read from there."""
    assert exercise.head["again"] == exercise.number
    stage, place = exercise.number.split(".")
    assert exercise.stage.name.startswith(f"0{stage}_")
    assert exercise.path.name.startswith(f"e{place}_")
    assert 3 <= exercise.minutes <= 30
