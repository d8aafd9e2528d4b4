"""``%%exercise``, ``%hint`` and ``%solution`` in a copy of the repository."""

import contextlib
import io
import subprocess
import sys

from tests.exercises.conftest import ALL, House
from workshop.exercises.magics import NotebookExercises

Told = list[tuple[str, list[list[str]]]]


def run_cells(house: House, *cells: str) -> Told:
    """What each cell has printed, and the kinds of each picture that it has shown.

    The magics are called as the shell calls them; the last test has a real shell.
    """
    pictures: list[dict[str, str]] = []
    magics = NotebookExercises(pictures.append, house.root)
    told = []
    for cell in cells:
        pictures.clear()
        with contextlib.redirect_stdout(io.StringIO()) as output:
            first, _, rest = cell.partition("\n")
            name, _, number = first.partition(" ")
            if name == "%%exercise":
                magics.exercise(number, rest)
            elif name == "%solution":
                magics.solution(number)
            else:
                assert name == "%hint"
                magics.hint(number)
        told.append((output.getvalue(), [sorted(bundle) for bundle in pictures]))
    return told


def test_a_cell_writes_its_file_checks_it_and_draws_the_run(house: House) -> None:
    exercise = house.exercise("1.1")
    [(text, pictures)] = run_cells(house, f"%%exercise 1.1\n{exercise.solution}")
    assert "1.1 · Two at once" in text
    assert "Right: both were asked at once" in text
    assert pictures == [["text/html", "text/plain"]]
    expected = exercise.start_parts.with_part(exercise.solution)
    assert exercise.path.read_text("utf-8") == expected
    assert not list(exercise.path.parent.glob("*.kept-*"))
    assert f"1 of {ALL} solved" in house.run("list").stdout


def test_a_cell_as_it_is_stored_is_not_begun_and_writes_nothing(house: House) -> None:
    exercise = house.exercise("1.5")
    before = exercise.path.stat().st_mtime_ns
    [(text, pictures)] = run_cells(
        house, f"%%exercise 1.5\n{exercise.start_parts.part}"
    )
    assert "Not begun. As it stands: Too slow" in text
    assert len(pictures) == 1, "also the run of a wrong one is drawn"
    assert exercise.path.stat().st_mtime_ns == before


def test_other_work_in_the_file_is_kept_beside_it_once(house: House) -> None:
    """What the cell itself wrote before is not kept: only what an editor wrote."""
    path = house.write("1.1", "async def load_page():\n    return ['editor']\n")
    editors = path.read_bytes()
    first, second = run_cells(
        house,
        "%%exercise 1.1\nasync def load_page():\n    return ['cell']\n",
        "%%exercise 1.1\nasync def load_page():\n    return ['cell again']\n",
    )
    assert "it is kept as e1_two_at_once.py.kept-1" in first[0]
    assert "kept" not in second[0]
    [kept] = path.parent.glob("*.kept-*")
    assert kept.read_bytes() == editors
    assert "cell again" in path.read_text("utf-8")


def test_a_cell_at_its_start_does_not_write_over_work_in_the_file(
    house: House,
) -> None:
    """A learner works in the editor, and then runs all cells of the notebook."""
    exercise = house.exercise("1.1")
    path = house.solve("1.1")
    [(text, _)] = run_cells(house, f"%%exercise 1.1\n{exercise.start_parts.part}")
    assert "nothing was written" in text
    assert "Right:" in text
    assert exercise.solution in path.read_text("utf-8")


def test_an_error_is_told_with_its_line_in_the_cell(house: House) -> None:
    part = "async def load_page():\n    today = await weather()\n    return todays\n"
    [(text, _)] = run_cells(house, f"%%exercise 1.1\n{part}")
    first = house.exercise("1.1").start_parts.first_line
    assert f"NameError was raised at line {first + 2} of e1_two_at_once.py" in text
    assert f"(Line {first + 2} of the file is line 4 of this cell.)" in text


def test_pasted_marks_do_not_stand_in_the_file_twice(house: House) -> None:
    exercise = house.exercise("1.1")
    pasted = (
        f"# ↓ Your turn begins here.\n{exercise.solution}\n# ↑ Your turn ends here.\n"
    )
    [(text, _)] = run_cells(house, f"%%exercise 1.1\n{pasted}")
    assert "Right:" in text


def test_the_solution_comes_after_the_last_hint_or_anyway(house: House) -> None:
    exercise = house.exercise("1.5")
    hints = ["%hint 1.5"] * len(exercise.hints)
    asked = ["%solution 1.5", "%solution 1.5 --anyway", *hints, "%solution 1.5"]
    early, anyway, *_, last_hint, after = run_cells(house, *asked)
    assert "3 hints are left: %hint 1.5" in early[0]
    assert exercise.solution not in early[0]
    assert exercise.solution in anyway[0]
    assert "A solution: %solution 1.5" in last_hint[0]
    assert exercise.solution in after[0]


def test_hints_come_one_after_the_other(house: House) -> None:
    first, second, _ = house.exercise("1.5").hints
    told = run_cells(house, "%hint 1.5", "%hint 1.5")
    assert [text for text, _ in told] == [
        f"Hint 1 of 3: {first}\n",
        f"Hint 2 of 3: {second}\n",
    ]


def test_a_mistake_in_a_cell_is_a_sentence(house: House) -> None:
    unknown, no_number, broken = run_cells(
        house, "%%exercise 1.9\npass", "%hint", "%%exercise 1.1\ndef (:\n"
    )
    assert "There is no exercise '1.9'. The nearest is 1.8" in unknown[0]
    assert "Which exercise? For example: %hint 1.5" in no_number[0]
    assert "is no Python yet" in broken[0]


def test_a_file_without_its_marks_is_not_written(house: House) -> None:
    path = house.exercise("1.1").path
    path.write_text("mine\n", "utf-8")
    [(text, _)] = run_cells(house, "%%exercise 1.1\nasync def load_page(): ...")
    assert "is missing" in text
    assert "exercise reset 1.1" in text
    assert path.read_text("utf-8") == "mine\n"


SHELL = """
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()
for cell in (
    "%load_ext workshop.exercises",
    "%hint 1.5",
    "%%exercise 1.1\\nasync def load_page():\\n    return []\\n",
):
    assert shell.run_cell(cell).success
"""


def test_a_shell_knows_both_magics_when_the_extension_is_loaded(house: House) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SHELL],
        cwd=house.root,
        env=house.environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert "Hint 1 of 3" in done.stdout
    assert "Not yet: load_page gave []" in done.stdout
    assert "1.1 · your load_page" in done.stdout, "the picture, as text here"
