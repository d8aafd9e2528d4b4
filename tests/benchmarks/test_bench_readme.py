"""The READMEs show the last run that was kept, and the pictures are its pictures."""

import re

import pytest

from benchmarks import pictures, report
from benchmarks.results import CURVES, TABLES, compare


@pytest.mark.parametrize("readme", [report.README, report.REFERENCE, report.DEPLOYMENT])
def test_a_readmes_tables_are_those_of_the_last_run(readme: object) -> None:
    text = readme.read_text("utf-8")  # type: ignore[attr-defined]
    assert report.filled(text, pictures.latest()) == text


def test_the_benchmarks_readme_has_every_table_and_every_picture() -> None:
    text = report.README.read_text("utf-8")
    assert set(re.findall("<!-- bench (\\w+) -->", text)) == {"where", *TABLES, *CURVES}
    assert set(re.findall(r"\(results/(\w+)\.svg\)", text)) == {*TABLES, *CURVES}


@pytest.mark.parametrize("name", [*TABLES, *CURVES])
def test_a_picture_is_of_the_last_run(name: str) -> None:
    drawn = (report.RESULTS / f"{name}.svg").read_text("utf-8")
    assert drawn == pictures.picture(pictures.latest(), name).svg()


def test_the_last_run_has_all_subjects_and_five_rounds() -> None:
    latest = pictures.latest()
    assert latest.scale["rounds"] >= 5
    assert set(latest.tables) == set(TABLES) and set(latest.curves) == set(CURVES)
    assert not [note for note in latest.notes if "without" in note]
    assert not [change for change in compare(latest, latest) if change.moved]
