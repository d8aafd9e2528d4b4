"""``python3 -m workshop exercise …`` in a copy of the repository."""

import json
from pathlib import Path

import pytest

from tests.exercises.conftest import ALL, House
from workshop.command.errors import UserError
from workshop.exercises import command
from workshop.exercises.catalogue import find


def test_one_check_tells_with_its_exit_code_what_it_found(house: House) -> None:
    begun = house.run("1.1")
    assert begun.returncode == 1
    assert "1.1 · Two at once" in begun.stdout
    assert "Not begun. As it stands: The page took 5 s; 3 s were wanted" in begun.stdout

    house.write("1.1", "async def load_page():\n    return []\n")
    assert "Not yet: load_page gave []" in house.run("1.1").stdout

    house.solve("1.1")
    for arguments in (["1.1"], ["check", "1.1"]):
        solved = house.run(*arguments)
        assert solved.returncode == 0
        assert "Right: both were asked at once" in solved.stdout


def test_another_file_is_checked_in_place_of_the_learners(house: House) -> None:
    """It says nothing about the progress of the one whose repository it is."""
    other = house.root / "from_a_friend.py"
    exercise = house.exercise("1.1")
    other.write_text(exercise.start_parts.with_part(exercise.solution), "utf-8")

    done = house.run("1.1", "--file", str(other))

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"0 of {ALL} solved" in house.run("list").stdout
    assert exercise.path.read_text("utf-8") == exercise.start


def test_a_file_that_is_not_there_gets_a_sentence(house: House) -> None:
    done = house.run("1.1", "--file", "nowhere.py")
    assert done.returncode == 2
    assert done.stderr == "There is no file nowhere.py.\n"


def test_the_list_shows_the_progress_and_the_minutes_left(house: House) -> None:
    before = house.run("list").stdout.splitlines()
    minutes = sum(exercise_minutes(line) for line in before if " min " in line)
    assert before[-1] == f"0 of {ALL} solved, {minutes} minutes left"

    house.solve("1.1")
    house.run("1.1")
    house.write("1.5", "async def crawl(site, pages):\n    return []\n")

    after = house.run("list").stdout.splitlines()
    [solved] = [line for line in after if "1.1 " in line]
    [begun] = [line for line in after if "1.5 " in line]
    [untouched] = [line for line in after if "1.6 " in line]
    assert solved.endswith("solved")
    assert begun.endswith("begun")
    assert untouched.endswith("untouched")
    left = minutes - exercise_minutes(solved)
    assert after[-1] == f"1 of {ALL} solved, {left} minutes left"


def exercise_minutes(line: str) -> int:
    return int(line.split(" min ")[0].split()[-1])


def test_hints_come_one_after_the_other_and_then_the_solution(house: House) -> None:
    first, second, third = house.exercise("1.5").hints
    early = house.run("solution", "1.5")
    assert early.returncode == 1
    assert "3 hints are left" in early.stdout
    assert "--anyway" in early.stdout

    assert house.run("hint", "1.5").stdout == f"Hint 1 of 3: {first}\n"
    assert house.run("hint", "1.5").stdout == f"Hint 2 of 3: {second}\n"
    assert house.run("hint", "1.5").stdout.startswith(f"Hint 3 of 3: {third}\n")
    assert house.run("solution", "1.5").stdout.strip() == house.exercise("1.5").solution


def test_a_solution_is_shown_after_passing_or_when_asked_for_anyway(
    house: House,
) -> None:
    solution = house.exercise("1.1").solution
    assert house.run("solution", "1.1", "--anyway").stdout.strip() == solution
    house.solve("1.1")
    house.run("1.1")
    assert house.run("solution", "1.1").stdout.strip() == solution


def test_a_hint_without_a_number_is_for_the_first_open_exercise(house: House) -> None:
    house.solve("1.1")
    house.run("1.1")
    hint = house.exercise("1.2").hints[0]
    assert house.run("hint").stdout == f"Hint 1 of 2: {hint}\n"


def test_reset_brings_the_start_back_and_keeps_what_was_there(house: House) -> None:
    path = house.write("1.5", "async def crawl(site, pages):\n    return ['mine']\n")
    mine = path.read_bytes()

    done = house.run("reset", "1.5")

    assert "kept as e5_crawler.py.kept-1" in done.stdout
    assert path.read_text("utf-8") == house.exercise("1.5").start
    assert path.with_name("e5_crawler.py.kept-1").read_bytes() == mine
    assert "at its start already" in house.run("reset", "1.5").stdout


def test_reset_and_put_keep_every_version_once(house: House) -> None:
    names = []
    for n in (1, 2, 1):
        path = house.write("1.5", f"async def crawl(site, pages):\n    return [{n}]\n")
        house.run("put" if n == 2 else "reset", "1.5")
        names.append(sorted(file.name for file in path.parent.glob("*.kept-*")))
    assert names == [
        ["e5_crawler.py.kept-1"],
        ["e5_crawler.py.kept-1", "e5_crawler.py.kept-2"],
        ["e5_crawler.py.kept-1", "e5_crawler.py.kept-2"],
    ]


@pytest.mark.parametrize("number", ["1.5", "2.4", "3.3", "4.8"])
def test_put_writes_a_solution_that_passes(house: House, number: str) -> None:
    path = house.exercise(number).path
    done = house.run("put", number)
    assert done.stdout == f"The solution stands in {path.name} now.\n"
    assert house.run(number).returncode == 0
    assert f"stands in {path.name} already" in house.run("put", number).stdout
    assert not list(path.parent.glob("*.kept-*")), "only the start was there"
    assert f"1 of {ALL} solved" in house.run("list").stdout


@pytest.mark.parametrize("text", ["", "no marks here\n"], ids=["emptied", "no marks"])
def test_put_and_reset_work_on_a_file_without_its_marks(
    house: House, text: str
) -> None:
    exercise = house.exercise("1.5")
    for word in ("put", "reset"):
        exercise.path.write_text(text, "utf-8")
        done = house.run(word, "1.5")
        assert done.returncode == 0, done.stderr
        assert exercise.parts().before == exercise.start_parts.before
    kept = [file.read_text("utf-8") for file in exercise.path.parent.glob("*.kept-*")]
    assert text in kept or not text


@pytest.mark.parametrize("word", ["put", "reset"])
def test_a_file_that_cannot_be_written_stays_as_it_was(house: House, word: str) -> None:
    path = house.write("1.5", "async def crawl(site, pages):\n    return ['mine']\n")
    mine = path.read_bytes()
    path.with_name(f"{path.name}.new").mkdir()  # where the new text would be written

    done = house.run(word, "1.5")

    assert done.returncode == 2
    assert "e5_crawler.py cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert path.read_bytes() == mine


def test_progress_that_cannot_be_kept_is_told_and_stops_nothing(house: House) -> None:
    (house.root / ".workshop").write_text("a file where the folder should be")
    house.solve("1.1")
    done = house.run("1.1")
    assert done.returncode == 0
    assert "Your progress is not kept" in done.stdout
    assert "Right: both were asked at once" in done.stdout
    assert house.run("list").returncode == 0


def test_a_progress_file_cut_in_half_is_begun_anew_and_kept(house: House) -> None:
    house.solve("1.1")
    house.run("1.1")
    file = house.root / ".workshop" / "exercises.json"
    half = file.read_text("utf-8")[: file.stat().st_size // 2]
    file.write_text(half, "utf-8")

    done = house.run("list")

    assert done.returncode == 0
    assert "is damaged and is kept as exercises.broken" in done.stdout
    assert done.stdout.rstrip().endswith("minutes left")
    assert file.with_name("exercises.broken").read_text("utf-8") == half
    assert house.run("1.1").returncode == 0
    assert json.loads(file.read_text("utf-8"))["entries"]["1.1"]["state"] == "solved"


@pytest.mark.parametrize(
    "content",
    ["[]", "{}", '{"current": "1.1", "entries": 3}', "\x00", '{"entries": {"1.1": 2}}'],
)
def test_a_progress_file_with_other_content_is_begun_anew(
    house: House, content: str
) -> None:
    folder = house.root / ".workshop"
    folder.mkdir()
    (folder / "exercises.json").write_text(content, "utf-8")
    done = house.run("list")
    assert (done.returncode, done.stderr) == (0, "")
    assert "The list of what is solved begins anew" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["1.9"], "There is no exercise '1.9'. The nearest is 1.8"),
        (["2.99"], "The nearest is 2.7, 'A queue that waits'"),
        (["9.1"], "The nearest is 4."),
        (["crawlr"], "The nearest is 1.5, 'A polite crawler'"),
        (["hnt"], "Did you mean 'hint'?"),
        (["hint", "1.77"], "The nearest is 1.8"),
        (["reset"], "Which exercise? For example:"),
        (["put"], "Which exercise? For example:"),
        (["solution"], "Which exercise? For example:"),
        (["list", "1.5"], "Nothing is expected after 'list'"),
        (["1.5", "1.6"], "Nothing is expected after '1.5'"),
        (["list", "--file", "x"], "--file belongs to a number"),
        (["--file", "x"], "--file belongs to a number"),
        (["1.5", "--anyway"], "--anyway belongs to solution"),
        (["1.5", "--fast"], "Unrecognized arguments: --fast"),
    ],
)
def test_a_bad_call_gets_a_sentence(arguments: list[str], words: str) -> None:
    """Before anything is read or written."""
    with pytest.raises(UserError) as told:
        command.main(arguments)
    assert words in str(told.value)


def test_the_process_ends_with_the_exit_code(house: House) -> None:
    bad = house.start("1.9")
    assert bad.returncode == 2
    assert bad.stderr.startswith("There is no exercise '1.9'")
    assert bad.stdout == ""

    not_yet = house.start("1.1")
    assert (not_yet.returncode, not_yet.stderr) == (1, "")

    house.solve("1.1")
    assert house.start("1.1").returncode == 0


@pytest.mark.parametrize("number", ["1.5", "01.5", "1,5", " 1.05 "])
def test_a_number_can_be_written_in_several_ways(number: str) -> None:
    assert find(number).title == "A polite crawler"


def test_help_shows_every_form_of_the_command(house: House) -> None:
    done = house.start("--help")
    assert done.returncode == 0
    for word in ("list", "hint", "solution", "reset", "put", "--file", "--anyway"):
        assert word in done.stdout


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("remove the first", "the line '# ↓ Your turn begins here.' is missing"),
        ("remove the second", "the line '# ↑ Your turn ends here.' is missing"),
        ("double", "the line '# ↓ Your turn begins here.' stands there 2 times"),
        ("swap", "the two marks stand in the wrong order"),
        ("empty", "the file is empty"),
    ],
)
def test_marks_that_were_moved_get_a_sentence(
    house: House, change: str, words: str
) -> None:
    exercise = house.exercise("1.5")
    text = exercise.start
    begin = "# ↓ Your turn begins here.\n"
    end = "# ↑ Your turn ends here.\n"
    changed = {
        "remove the first": text.replace(begin, ""),
        "remove the second": text.replace(end, ""),
        "double": text.replace(begin, begin + begin),
        "swap": text.replace(begin, "-").replace(end, begin).replace("-", end),
        "empty": " \n\n",
    }[change]
    exercise.path.write_text(changed, "utf-8")

    done = house.run("1.5")

    assert done.returncode == 2
    assert words in done.stderr
    assert "exercise reset 1.5" in done.stderr
    assert exercise.path.read_text("utf-8") == changed


def test_a_missing_file_and_a_file_that_is_no_text_get_a_sentence(
    house: House,
) -> None:
    path: Path = house.exercise("1.5").path
    path.write_bytes(b"# fine\n\xff\xfe")
    assert "is not UTF-8 text: see line 2." in house.run("1.5").stderr
    path.unlink()
    done = house.run("1.5")
    assert done.returncode == 2
    assert "exercise reset 1.5" in done.stderr
    house.run("reset", "1.5")
    assert path.read_text("utf-8") == house.exercise("1.5").start
