"""The picture of the learner's own run: drawn by the clock that costs nothing."""

from pathlib import Path

import pytest

from workshop.exercises.catalogue import find
from workshop.exercises.check import check


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("1.1", ["1.1 · your load_page · 3.00 s in all, counting only sleep"]),
        ("1.4", ["1.4 · your look_up · 600 ms in all", "thread: read", "the others"]),
        ("2.4", ["2.4 · your run: three that take turns · 600 ms in all"]),
        ("2.6", ["2.6 · your wait_for: in time, too late · 1.75 s in all", "alarm"]),
    ],
)
def test_a_run_is_drawn_in_seconds_of_the_exercise(
    number: str, words: list[str], tmp_path: Path
) -> None:
    exercise = find(number)
    path = tmp_path / exercise.path.name
    path.write_text(exercise.start_parts.with_part(exercise.solution), "utf-8")
    verdict = check(exercise, path)
    assert verdict.right
    assert "data:image/svg+xml" in verdict.picture["text/html"]
    for word in words:
        assert word in verdict.picture["text/plain"]
