"""``python3 -m workshop copy``: a layer of four files, and a project without git."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.processes import ROOT
from workshop.command.cli import READER_GONE
from workshop.command.errors import UserError
from workshop.copying import writing
from workshop.copying.command import main

NUMBERS = "".join(f"line {number}\n" for number in range(1, 10))
OLD = {
    "__init__.py": '__version__ = "1.0.0"\n',
    "numbers.py": NUMBERS,
    "steps/live.py": "live = 1\n",
    "steps/__init__.py": "",
}


@dataclass
class World:
    """A layer that can change, and a project."""

    layer: Path
    project: Path

    @property
    def copy(self) -> Path:
        return self.project / "sockets"

    def run(self, *arguments: str, at: Path | None = None) -> int:
        return main([str(at or self.project), *arguments], layer=self.layer)

    def refused(self, *arguments: str, at: Path | None = None) -> str:
        """The sentence with which the command refuses; nothing has changed."""
        before = contents(self.project)
        with pytest.raises(UserError) as refusal:
            self.run(*arguments, at=at)
        assert contents(self.project) == before
        return str(refusal.value)

    def here(self, **files: str | None) -> None:
        """Change the layer: each file by its name without ``.py``."""
        write(self.layer, {"__init__": '__version__ = "1.1.0"\n', **files})

    def there(self, **files: str | None) -> None:
        write(self.copy, files)

    def text(self, name: str) -> str:
        return (self.copy / name).read_text("utf-8")


def write(folder: Path, files: dict[str, str | None]) -> None:
    for name, text in files.items():
        file = folder / f"{name.replace('__slash__', '/')}.py"
        if text is None:
            file.unlink()
        else:
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(text.encode())


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A project with a copy of version 1.0.0."""
    made = World(tmp_path / "here" / "sockets", tmp_path / "mysite")
    for name, text in OLD.items():
        file = made.layer / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())
    made.project.mkdir()
    assert made.run() == 0
    return made


def test_a_copy_holds_the_files_a_readable_note_and_the_base(world: World) -> None:
    names = {*OLD, "copied.toml", "copied.zip"}
    assert set(contents(world.copy)) == {str(Path(name)) for name in names}
    note = world.text("copied.toml")
    assert 'version = "1.0.0"' in note and '"steps/live.py" = "' in note
    assert len(note.encode()) < 1000


def test_a_fresh_copy_differs_in_nothing(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert world.run("--diff") == 0
    assert capsys.readouterr().out.count(": nothing.") == 2
    assert world.run("--update") == 0
    assert "has all that is here: 1.0.0" in capsys.readouterr().out


def test_diff_shows_what_has_changed_there_and_here(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.there(numbers=NUMBERS.replace("line 2", "my line 2"), own="mine\n")
    world.here(numbers=NUMBERS.replace("line 8", "new line 8"), steps__slash__live=None)
    capsys.readouterr()
    before = contents(world.project)
    assert world.run("--diff") == 1
    assert contents(world.project) == before
    lists, *files = re.split(r"\n\n--- ", capsys.readouterr().out)
    assert lists.endswith("""
Changed there since it was copied:
  changed  numbers.py
  added    own.py

Changed here since:
  changed  __init__.py
  changed  numbers.py
  deleted  steps/live.py""")
    numbers, own, _, new_numbers = files
    assert "+++ numbers.py (yours)\n" in numbers
    assert "\n-line 2\n+my line 2\n" in numbers and "new line" not in numbers
    assert "+++ own.py (yours)\n" in own and "\n+mine" in own
    assert "+++ numbers.py (1.1.0)\n" in new_numbers
    assert "\n-line 8\n+new line 8\n" in new_numbers and "my" not in new_numbers


def test_diff_says_first_which_files_an_update_cannot_merge(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = NUMBERS.replace("line 2", "my line 2")
    world.there(numbers=mine, other="mine\n", steps__slash__live=None)
    new = NUMBERS.replace("line 2", "new line 2")
    world.here(numbers=new, other="new\n", steps__slash__live="live = 2\n")
    capsys.readouterr()
    assert world.run("--diff") == 1
    first, _, later = capsys.readouterr().out.partition("\nChanged there since")
    assert first.splitlines()[1:] == [
        "",
        "Conflicts that an update will meet:",
        "  numbers.py: 1 place, marked <<<<<<<",
        "  other.py: added there and here: 1 place, marked <<<<<<<",
        "  steps/live.py: deleted there, changed here: it stays deleted. "
        f"The new one: {world.layer / 'steps' / 'live.py'}",
    ]
    assert "\n-line 2\n+my line 2\n" in later
    world.there(numbers=NUMBERS, other=None, steps__slash__live="live = 1\n")
    world.run("--diff")
    assert "onflict" not in capsys.readouterr().out


def test_diff_says_that_marks_are_left(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.there(numbers=NUMBERS.replace("line 2", "my line 2"))
    world.here(numbers=NUMBERS.replace("line 2", "new line 2"))
    assert world.run("--update") == 1
    capsys.readouterr()
    assert world.run("--diff") == 1
    first = capsys.readouterr().out.partition("\nChanged there since")[0]
    assert "\nMarks of the last update are left in numbers.py. Choose" in first
    world.there(numbers=NUMBERS.replace("line 2", "our line 2"))
    assert world.run("--diff") == 1
    assert "Marks of" not in capsys.readouterr().out


def test_a_reader_of_diff_that_has_seen_enough_is_no_error(world: World) -> None:
    """As in ``python3 -m workshop copy ../mysite --diff | head``."""
    # Compared with the real layer, the diff is more than a pipe holds.
    diff = subprocess.Popen(
        [sys.executable, "-m", "workshop", "copy", str(world.project), "--diff"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert diff.stdout is not None and diff.stderr is not None
    assert diff.stdout.readline().startswith(str(world.copy))
    diff.stdout.close()
    with diff.stderr:
        said = diff.stderr.read()
    assert diff.wait(300) == READER_GONE
    assert said == ""


def test_an_update_brings_in_what_is_new_and_keeps_what_was_changed(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.there(numbers=NUMBERS.replace("line 2", "my line 2"), own="mine\n")
    new = NUMBERS.replace("line 8", "new line 8")
    world.here(numbers=new, steps__slash__live=None, more="more\n")
    capsys.readouterr()
    assert world.run("--update") == 0
    assert world.text("numbers.py") == new.replace("line 2", "my line 2")
    assert world.text("own.py") == "mine\n"
    assert world.text("more.py") == "more\n"
    assert not (world.copy / "steps" / "live.py").exists()
    assert 'version = "1.1.0"' in world.text("copied.toml")
    told = capsys.readouterr().out
    assert "1.0.0 → 1.1.0\n" in told
    for line in ("added     more", "deleted   steps/live", "merged    numbers"):
        assert f"  {line}.py\n" in told
    # What is left to see is their own change.
    assert world.run("--diff") == 1
    assert "Changed here since: nothing." in capsys.readouterr().out


def test_a_conflict_is_marked_and_its_solution_is_kept_by_the_next_update(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.there(numbers=NUMBERS.replace("line 2", "my line 2"))
    world.here(numbers=NUMBERS.replace("line 2", "new line 2"))
    capsys.readouterr()
    assert world.run("--update") == 1
    marked = "<<<<<<< yours\nmy line 2\n=======\nnew line 2\n>>>>>>> new\n"
    assert world.text("numbers.py") == NUMBERS.replace("line 2\n", marked)
    told = capsys.readouterr().out
    assert "conflict  numbers.py: 1 place, marked" in told
    changelog = world.copy / "CHANGELOG.md"
    assert told.endswith(f"What it means for your code: {changelog}.\n")

    # The marks are still there: a second update could not tell them from code.
    assert "Marks of the last update are left in numbers.py" in world.refused(
        "--update"
    )
    world.there(numbers=NUMBERS.replace("line 2", "our line 2"))
    newer = NUMBERS.replace("line 2", "new line 2").replace("line 9", "line nine")
    world.here(numbers=newer)
    assert world.run("--update") == 0
    assert world.text("numbers.py") == newer.replace("new line 2", "our line 2")


def test_a_deleted_file_stays_deleted_and_a_change_of_it_is_told(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.there(numbers=None, steps__slash__live=None)
    world.here(numbers=NUMBERS + "line 10\n")
    capsys.readouterr()
    assert world.run("--update") == 1
    assert not (world.copy / "numbers.py").exists()
    assert not (world.copy / "steps" / "live.py").exists()
    told = capsys.readouterr().out
    assert "conflict  numbers.py: deleted there, changed here: it stays deleted" in told
    assert str(world.layer / "numbers.py") in told and "live.py" not in told
    assert world.run("--update") == 0  # told once


def test_a_changed_file_stays_where_the_layer_has_deleted_it(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.there(numbers="mine\n")
    world.here(numbers=None)
    assert world.run("--update") == 1
    assert world.text("numbers.py") == "mine\n"
    assert "numbers.py: changed there, deleted here" in capsys.readouterr().out
    assert world.run("--update") == 0


def test_a_file_that_both_sides_have_added_is_a_conflict_unless_it_is_the_same(
    world: World,
) -> None:
    world.there(same="both\n", other="mine\n")
    world.here(same="both\n", other="new\n")
    assert world.run("--update") == 1
    assert world.text("same.py") == "both\n"
    assert world.text("other.py") == (
        "<<<<<<< yours\nmine\n=======\nnew\n>>>>>>> new\n"
    )


def test_lines_that_end_as_on_windows_are_no_change_and_stay_so(world: World) -> None:
    crlf = NUMBERS.replace("\n", "\r\n")
    live = "live = 1\r\n"
    world.there(numbers=crlf.replace("line 2", "my line 2"), steps__slash__live=live)
    world.here(
        numbers=NUMBERS.replace("line 8", "new line 8"), steps__slash__live="live = 2\n"
    )
    note = world.copy / "copied.toml"
    note.write_bytes(note.read_bytes().replace(b"\n", b"\r\n"))
    assert world.run("--update") == 0
    merged = crlf.replace("line 2", "my line 2").replace("line 8", "new line 8")
    assert (world.copy / "numbers.py").read_bytes() == merged.encode()
    assert (world.copy / "steps" / "live.py").read_bytes() == b"live = 2\r\n"


def test_a_text_whose_last_line_has_no_end_can_be_merged(world: World) -> None:
    world.there(numbers="mine")
    world.here(numbers="new")
    assert world.run("--update") == 1
    assert world.text("numbers.py") == (
        "<<<<<<< yours\nmine\n=======\nnew\n>>>>>>> new\n"
    )


def test_a_copy_is_found_after_it_was_moved_or_renamed(world: World) -> None:
    moved = world.project / "realtime" / "live"
    moved.parent.mkdir()
    world.copy.rename(moved)
    world.here(numbers="new\n")
    assert world.run("--update") == 0
    assert (moved / "numbers.py").read_text() == "new\n"
    assert world.run("--diff", at=moved) == 0

    shutil.copytree(moved, world.project / "second")
    said = world.refused("--update")
    assert "several copies" in said and str(moved) in said


@pytest.mark.parametrize("option", ["--diff", "--update"])
def test_a_folder_that_is_no_copy_is_refused(world: World, option: str) -> None:
    (world.copy / "copied.toml").unlink()
    assert "is no copy, and has none" in world.refused(option)
    assert "is no copy, and has none" in world.refused(option, at=world.copy)
    missing = world.project / "nowhere"
    assert f"There is no folder {missing}." in world.refused(option, at=missing)


@pytest.mark.parametrize(
    "note",
    ["", "version = ", "sha256 = 1\nversion = '1'", "[sha256]\n'a' = 1", "\udcff"],
    ids=["empty", "cut off", "no table", "no version", "no text"],
)
def test_a_damaged_note_is_refused(world: World, note: str) -> None:
    file = world.copy / "copied.toml"
    file.write_bytes(note.encode("utf-8", "surrogateescape"))
    for option in ("--diff", "--update"):
        assert f"{file} is damaged" in world.refused(option)


def test_a_folder_in_the_place_of_a_file_is_refused(world: World) -> None:
    world.there(numbers=None, numbers__slash__own="mine\n")
    (world.copy / "numbers").rename(world.copy / "numbers.py")
    assert "was a file, and is a link or a folder now" in world.refused("--update")


def test_a_lost_archive_stops_an_update_only_where_it_is_needed(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.there(numbers=NUMBERS.replace("line 2", "my line 2"))
    (world.copy / "copied.zip").write_bytes(b"damaged")
    assert world.run("--diff") == 1
    assert "numbers.py: how it was copied is lost" in capsys.readouterr().out

    # Nothing needs it here, and it can be made again.
    assert world.run("--update") == 0
    assert world.run("--diff") == 1
    assert "+my line 2" in capsys.readouterr().out

    (world.copy / "copied.zip").unlink()
    new = NUMBERS.replace("line 8", "new line 8")
    world.here(numbers=new, steps__slash__live="live = 2\n")
    assert world.run("--diff") == 1
    assert "-live = 1\n+live = 2" in capsys.readouterr().out  # as it still is there
    said = world.refused("--update")
    assert "Changed there and here: numbers.py." in said
    assert "copied.zip is lost or damaged" in said
    world.there(numbers=new)  # the way out that the sentence names
    assert world.run("--update") == 0


def test_a_layer_that_is_older_than_the_copy_is_refused(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.there(numbers="mine\n")
    write(world.layer, {"__init__": '__version__ = "0.10.0"\n', "numbers": "old\n"})
    assert "1.0.0, and this repository has 0.10.0, which is older" in world.refused(
        "--update"
    )
    # So --diff announces no conflicts of that update.
    assert world.run("--diff") == 1
    assert "onflict" not in capsys.readouterr().out


class Full(OSError):
    """The disk is full."""

    def __init__(self) -> None:
        super().__init__(28, "No space left on device")


@pytest.mark.parametrize("writes", [0, 1, 2, 3])
@pytest.mark.parametrize("error", [Full, KeyboardInterrupt])
def test_an_update_that_fails_in_the_middle_leaves_the_copy_as_it_was(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    writes: int,
    error: type[BaseException],
) -> None:
    world.there(numbers="mine\n")
    world.here(numbers="new\n", more="more\n", steps__slash__live=None)
    before = contents(world.project)
    put = Path.replace
    left = [writes]

    def fail_once(self: Path, target: Path) -> Path:
        left[0] -= 1
        if left[0] == -1:
            raise error
        return put(self, target)

    monkeypatch.setattr(Path, "replace", fail_once)
    expected = UserError if error is Full else KeyboardInterrupt
    with pytest.raises(expected):
        world.run("--update")
    assert left[0] < 0
    assert contents(world.project) == before


KILLED = """
import os, sys
from pathlib import Path
from workshop.copying.command import main
put, left = Path.replace, [int(sys.argv[3])]
def die(self, target):
    if not left[0]:
        os._exit(9)
    left[0] -= 1
    return put(self, target)
Path.replace = die
main([sys.argv[1], "--update"], layer=Path(sys.argv[2]))
"""


def kill(world: World, writes: int) -> None:
    """Update in a process that is killed after so many files."""
    arguments = [str(world.project), str(world.layer), str(writes)]
    done = subprocess.run([sys.executable, "-c", KILLED, *arguments], cwd=ROOT)
    assert done.returncode == 9


@pytest.mark.parametrize("writes", [0, 2, 4])
def test_an_update_that_was_killed_is_done_by_the_next_one(
    world: World, writes: int, capsys: pytest.CaptureFixture[str]
) -> None:
    world.there(numbers=NUMBERS.replace("line 2", "my line 2"))
    new = NUMBERS.replace("line 8", "new line 8")
    world.here(numbers=new, more="more\n", steps__slash__live=None)
    kill(world, writes)
    if writes:
        assert "was cut off" in world.refused("--diff")
    assert world.run("--update") == 0
    assert ("The last update was cut off" in capsys.readouterr().out) == (writes > 0)
    assert world.text("numbers.py") == new.replace("line 2", "my line 2")
    names = {"__init__.py", "numbers.py", "more.py", "steps/__init__.py"}
    names |= {"copied.toml", "copied.zip"}
    assert set(contents(world.copy)) == {str(Path(name)) for name in names}


def test_nothing_is_left_of_a_killed_update_that_is_not_wanted_any_more(
    world: World,
) -> None:
    before = contents(world.project)
    world.here(more="more\n")
    kill(world, 2)
    write(world.layer, {"__init__": OLD["__init__.py"], "more": None})
    assert world.run("--update") == 0
    assert contents(world.project) == before


def test_what_was_changed_after_a_killed_update_is_not_overwritten(
    world: World,
) -> None:
    world.here(numbers="new\n", more="more\n")
    kill(world, 3)
    world.there(more="written meanwhile\n")
    assert "these files were changed: more.py" in world.refused("--update")
    (world.copy / writing.UNDO).write_bytes(b"damaged")
    assert f"{world.copy / writing.UNDO} is damaged" in world.refused("--update")


@contextlib.contextmanager
def somebody_else() -> Iterator[None]:
    """Work as another user, where root runs the tests: root may write everywhere."""
    if sys.platform != "win32":
        mine = os.geteuid()
        if mine == 0:
            os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(mine)


@pytest.mark.skipif(sys.platform == "win32", reason="read-only is for files there")
def test_a_folder_that_cannot_be_written_is_refused(world: World) -> None:
    world.here(numbers="new\n", more="more\n")
    # Not below tmp_path, which is closed to other users.
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        closed = World(place / "sockets", place / "mysite")
        shutil.copytree(world.layer, closed.layer)
        shutil.copytree(world.project, closed.project)
        folders = [place, *closed.project.glob("**/")]
        for folder in folders:
            folder.chmod(0o555)
        try:
            with somebody_else():
                said = closed.refused("--update")
                assert "(Permission denied), and the folder is as it was" in said
                said = closed.refused(at=place)
                assert f"{place / 'sockets'} is there already" in said
                said = closed.refused(at=closed.copy / "steps")
                assert "steps/sockets cannot be made (Permission denied)" in said
        finally:
            for folder in folders:
                folder.chmod(0o755)


def test_a_copy_is_made_into_a_free_place_only(world: World) -> None:
    for place in (world.project, world.copy):
        assert "is a copy already" in world.refused(at=place)
    (world.copy / "copied.toml").unlink()
    assert "is there already, and is no copy" in world.refused()
    missing = world.project / "nowhere"
    assert f"There is no folder {missing}." in world.refused(at=missing)
    stage = ROOT / "04_django_wrapper"
    assert "is a folder of the workshop itself" in world.refused(at=stage)


def test_a_first_copy_that_fails_leaves_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(world.copy)
    world.copy.mkdir()

    def fail(self: Path, target: Path) -> Path:
        raise Full

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", fail)
        assert "cannot be made (No space left on device)" in world.refused()
    assert world.run() == 0  # an empty folder is free


def test_a_wrong_call_is_told_in_a_sentence(world: World) -> None:
    for arguments in ([], [str(world.project), "--diff", "--update"]):
        with pytest.raises(UserError, match=r"See: .* copy --help"):
            main(arguments, layer=world.layer)
