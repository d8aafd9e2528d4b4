"""The top README's pictures are fresh, and its minutes are those of the notebooks."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import nbformat
import pytest

from workshop.exercises.catalogue import exercises

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
NOTEBOOKS = ROOT / "notebooks"
TEXTS = [ROOT / "README.md", *ROOT.glob("0*/*.md"), *ROOT.glob("0*/*/README.md")]
SHOWN = sorted(
    {
        f"notebooks/pictures/{name}"
        for path in TEXTS
        for name in re.findall(
            r"!\[[^\]]+\]\((?:\.\./)*notebooks/pictures/(\w+\.svg)\)",
            path.read_text(encoding="utf-8"),
        )
    }
)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the pictures as they are drawn today."""
    folder = tmp_path_factory.mktemp("pictures")
    draw = [sys.executable, str(NOTEBOOKS / "pictures" / "draw.py"), str(folder)]
    subprocess.run(draw, check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("picture", SHOWN)
def test_a_picture_is_what_the_renderer_draws_today(picture: str, drawn: Path) -> None:
    kept = (ROOT / picture).read_text(encoding="utf-8")
    today = (drawn / Path(picture).name).read_text(encoding="utf-8")
    assert kept == today, "run: python notebooks/pictures/draw.py"


def test_a_readme_shows_each_picture_that_is_drawn(drawn: Path) -> None:
    names = {path.name for path in drawn.iterdir()}
    assert {Path(picture).name for picture in SHOWN} == names
    assert {"timeline.svg", "stepper.svg", "layer.svg"} <= names


ROWS = re.findall(
    r"^\| (\d\d) \| \[(.+?)\]\((notebooks/\w+\.ipynb)\) \| (\d+) \| (\d+) \|$",
    README,
    re.MULTILINE,
)


def test_the_short_way_has_every_notebook_with_its_title_and_minutes() -> None:
    paths = sorted(NOTEBOOKS.glob("*.ipynb"))
    assert [ROOT / row[2] for row in ROWS] == paths
    for (number, title, _, minutes, _), path in zip(ROWS, paths, strict=True):
        top = nbformat.read(path, as_version=4).cells[0].source
        assert top.splitlines()[0] == f"# {number} · {title}"
        assert f"**Time** about {minutes} minutes" in top


def test_the_short_way_says_the_minutes_of_the_exercises() -> None:
    told: Counter[str] = Counter()
    for number, _, _, _, minutes in ROWS:
        told[number] += int(minutes)
    found: Counter[str] = Counter()
    for exercise in exercises():
        found[exercise.stage.name[:2]] += exercise.minutes
    assert +told == found


def test_the_short_way_says_its_hours() -> None:
    minutes = sum(int(row[3]) + int(row[4]) for row in ROWS)
    [hours] = re.findall(r"^That is about (\d+) hours", README, re.MULTILINE)
    assert int(hours) == round(minutes / 60)


@pytest.mark.parametrize(
    "path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda p: p.stem
)
def test_the_minutes_of_a_notebooks_parts_add_up(path: Path) -> None:
    top = nbformat.read(path, as_version=4).cells[0].source
    [time] = re.findall(r"\*\*Time\*\* (.*)", top)
    whole, parts = time.split(":", 1)
    minutes = re.findall(r"\b(\d+) for\b", parts)
    assert sum(map(int, minutes)) == int(re.findall(r"\d+", whole)[0])


@pytest.mark.parametrize("name", ["01_asyncio_basics", "02_coroutines"])
def test_a_first_cell_and_its_readme_say_the_minutes_of_both_halves(name: str) -> None:
    top = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4).cells[0].source
    readme = (ROOT / name / "README.md").read_text(encoding="utf-8")
    some = [exercise for exercise in exercises() if exercise.stage.name == name]
    [last] = map(int, re.findall(r"After section (\d+) is a good place", top))
    first = sum(exercise.minutes for exercise in some if exercise.section <= last)
    second = sum(exercise.minutes for exercise in some) - first
    assert (
        f"The exercises take about {first + second} minutes more: {first} in the "
        f"first half, and {second} in the second."
    ) in top

    halves = re.findall(r"(\d+) for sections (\d+) to (\d+)", top)
    words = " ".join(readme.split())
    for (text, begin, end), minutes in zip(halves, (first, second), strict=True):
        assert re.search(
            rf"[Ss]ections {begin} to {end} take {text} (minutes )?"
            rf"and their exercises {minutes}\b",
            words,
        )
    rows = re.findall(r"^\| the \[notebook\].*\| (\d+) \|$", readme, re.MULTILINE)
    rows += re.findall(r"^\| its \[exercises\].*\| (\d+) \|$", readme, re.MULTILINE)
    assert rows == [str(sum(int(half[0]) for half in halves)), str(first + second)]


@pytest.mark.parametrize(
    "path", sorted(NOTEBOOKS.glob("04*.ipynb")), ids=lambda p: p.stem
)
def test_stage_04s_readme_says_the_minutes_of_its_notebooks(path: Path) -> None:
    readme = (ROOT / "04_django_wrapper" / "README.md").read_text(encoding="utf-8")
    top = nbformat.read(path, as_version=4).cells[0].source
    [minutes] = re.findall(r"\*\*Time\*\* about (\d+) minutes", top)
    [row] = re.findall(rf"notebooks/{path.name}\).*\| (\d+) \|", readme)
    assert row == minutes
