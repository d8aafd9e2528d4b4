"""The seconds of a check are the learner's: a slow machine is no mistake of theirs."""

from pathlib import Path

from tests.exercises.conftest import House
from workshop.exercises.catalogue import find
from workshop.exercises.check import check
from workshop.exercises.child import still_running
from workshop.exercises.judge import Judge
from workshop.exercises.verdict import State


def test_the_seconds_begin_when_the_stages_world_is_made(house: House) -> None:
    """And begin anew with the LIMIT of the answers, before the check itself."""
    exercise = house.exercise("1.5")
    answers = exercise.answers_path
    prepare = answers.parent / "prepare.py"
    prepare.write_text("def prepare(folder, text):\n    print('the world')\n", "utf-8")
    text = answers.read_text("utf-8")
    answers.write_text(f"{text}\nprint('the answers')\nLIMIT = 30.0\n", "utf-8")
    path = house.write("1.5", f"print('the learner')\n{exercise.solution}")

    def begins(seconds: float | None) -> None:
        print("from now on", seconds)

    verdict = Judge(exercise, path, begins=begins).verdict()

    assert verdict.right, verdict.text()
    assert verdict.printed.splitlines() == [
        "the world",
        "from now on None",
        "the learner",
        "the answers",
        "from now on 30.0",
    ]


def test_a_check_that_stands_at_no_line_names_the_machine(tmp_path: Path) -> None:
    exercise = find("1.5")
    path = tmp_path / "e5.py"
    path.write_text(exercise.start, "utf-8")

    untouched = still_running(exercise, path, 10, line=0)

    assert untouched.state is State.NOT_BEGUN
    assert "it stands at no line of yours. Your machine was too busy" in untouched.says
    assert "What would have to happen" not in untouched.text()

    path.write_text(exercise.start_parts.with_part(exercise.solution), "utf-8")
    assert still_running(exercise, path, 10, line=0).state is State.NOT_YET


def test_an_exercise_without_a_site_is_checked_without_django(tmp_path: Path) -> None:
    exercise = find("4.3")
    path = tmp_path / "e3.py"
    look = "import sys\nprint('django' in sys.modules)\n"
    path.write_text(exercise.start_parts.with_part(look + exercise.solution), "utf-8")

    verdict = check(exercise, path)

    assert verdict.right, verdict.text()
    assert verdict.printed == "False\n"
