"""Each benchmark once, in seconds, with every subject that is installed.

No time is asserted. That a server has answered every message, and each member of a room
has heard it, is checked by the client while it measures (test_bench_loads.py).
"""

import importlib.util
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import pictures, report
from benchmarks.measure import Scale
from benchmarks.results import CURVES, SWITCH, TABLES, Results
from benchmarks.runner import BENCHMARKS, Run
from benchmarks.subjects import GROWTH, SUBJECTS, Subject
from benchmarks.switching import WAYS

NEEDS = {  # what is in no lock but the benchmarks'
    "channels_redis": "channels_redis",
    "picows_server": "picows",
}
CURVED = [subject.name for subject in SUBJECTS if GROWTH in subject.benchmarks]


def can_run(subject: Subject) -> bool:
    words = (subject.application, *subject.variables.values())
    modules = [m for word, m in NEEDS.items() if any(word in text for text in words)]
    if subject.redis and shutil.which("redis-server") is None:
        return False
    return all(importlib.util.find_spec(module) for module in modules)


def rows_of(benchmark: str) -> list[str]:
    if benchmark == SWITCH:
        return list(WAYS)
    return [s.name for s in SUBJECTS if benchmark in s.benchmarks and can_run(s)]


@pytest.fixture(scope="module")
def results(tiny: Scale) -> Results:
    """All benchmarks, one round."""
    return Run(1, tiny, say=lambda sentence: None).measure(BENCHMARKS)


@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_every_subject_that_is_installed_is_measured(
    results: Results, benchmark: str, tiny: Scale
) -> None:
    assert list(results.tables[benchmark]) == rows_of(benchmark), results.notes
    least = {"echo": tiny.clients, "fanout": tiny.members, "idle": sum(tiny.idle)}
    for figures in results.tables[benchmark].values():
        assert figures["messages"][0] >= least.get(benchmark, tiny.switches)


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_a_subject_that_is_not_installed_is_named_in_a_sentence(
    results: Results, subject: Subject
) -> None:
    name = re.escape(subject.name)
    told = re.search(rf"without (.*, )?{name}[,.:]", "\n".join(results.notes))
    assert (told is None) is can_run(subject), results.notes


@pytest.mark.parametrize("name", CURVES)
def test_every_curve_has_its_points(results: Results, name: str, tiny: Scale) -> None:
    assert list(results.curves[name]) == CURVED
    for points in results.curves[name].values():
        assert tuple(points["x"]) == getattr(tiny, CURVES[name].scale)
        assert [len(figures) for figures in points["y"]] == [1] * len(points["x"])


@pytest.mark.parametrize("name", [*TABLES, *CURVES])
def test_every_row_is_in_the_table_and_in_the_picture(
    results: Results, name: str
) -> None:
    found = results.tables.get(name) or results.curves[name]
    picture = pictures.picture(results, name)
    drawn = "".join(ElementTree.fromstring(picture.svg()).itertext())
    for row in found:
        assert row in report.text(results)
        assert f"| {row} |" in report.block(results, name)
        assert row in picture.text()
        assert row in drawn
    assert picture._repr_mimebundle_()["text/plain"] == picture.text()


def test_memory_and_handshakes_are_told_and_deflate_only_where_it_is_agreed_to(
    results: Results,
) -> None:
    idle = results.tables["idle"]
    for figures in idle.values():
        assert figures["handshake_us"][0] > 0 and figures["per_second"][0] > 0
    assert "kb_deflate" in idle["bare ASGI"]
    assert "kb_deflate" not in idle["stage 03's server"]


def test_results_are_read_back_as_they_were_written(
    results: Results, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    results.save(first)
    Results.load(first).save(second)
    assert first.read_text() == second.read_text()
    assert Results.load(first).tables == results.tables


def test_the_results_say_when_and_on_what_they_were_made(results: Results) -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", results.date)
    assert set(results.machine) == {"cpu", "cores", "system", "python", "loop"}
    assert {"Django", "uvicorn", "websockets", "channels"} <= set(results.versions)
    assert results.scale["rounds"] == 1
