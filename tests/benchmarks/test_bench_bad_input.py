"""What cannot be measured here is said in one sentence; the rest is measured."""

import os
import subprocess
import sys
from dataclasses import replace

import psutil
import pytest

from benchmarks import peers, processes, runner
from benchmarks.measure import Scale
from benchmarks.results import Results
from benchmarks.subjects import ECHO, SUBJECTS, Subject
from tests.support.processes import ROOT

BARE = SUBJECTS[0]
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such limit")


def measured(*subjects: Subject, scale: Scale, what: str = ECHO) -> Results:
    scale = replace(scale, growth_rounds=0)
    run = runner.Run(1, scale, [BARE, *subjects], say=lambda sentence: None)
    results = run.measure([what])
    assert BARE.name in results.tables[what], results.notes
    return results


@pytest.fixture(autouse=True)
def calm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "cpu_percent", lambda interval: 0.0)


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    cores = processes.allowed_cores() or [0]
    monkeypatch.setattr(processes, "allowed_cores", lambda: [cores[0], cores[-1]])


def test_a_machine_that_is_at_work_is_told(
    tiny: Scale, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(psutil, "cpu_percent", lambda interval: 50.0)
    assert any("at work already (50 %" in note for note in measured(scale=tiny).notes)


def test_one_core_only_is_told(tiny: Scale, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "allowed_cores", lambda: [0])
    told = "There is only one core: server and client share it."
    assert told in measured(scale=tiny).notes


def test_a_system_that_pins_nothing_is_told(
    tiny: Scale, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "allowed_cores", lambda: None)
    told = "This system does not pin a process to a core: nothing is."
    assert told in measured(scale=tiny).notes


def test_a_peer_that_does_not_start_is_told_with_its_last_words(tiny: Scale) -> None:
    broken = Subject("broken", "uvicorn", "bare:nothing")
    results = measured(broken, scale=tiny)
    assert list(results.tables[ECHO]) == [BARE.name]
    (note,) = [note for note in results.notes if "broken" in note]
    assert note.startswith("echo without broken: it did not start: AttributeError: ")


def test_a_peer_that_refuses_is_told(tiny: Scale) -> None:
    picky = Subject("picky", "own", "websockets_server:handler")  # takes no listener
    results = measured(picky, scale=tiny)
    assert list(results.tables[ECHO]) == [BARE.name]
    assert [note for note in results.notes if note.startswith("echo without picky: ")]


def test_a_missing_redis_is_told_once_with_the_names(
    tiny: Scale, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes.shutil, "which", lambda name: None)
    needing = [subject for subject in SUBJECTS if subject.redis]
    results = measured(*needing, scale=replace(tiny, members=2), what="fanout")
    names = ", ".join(subject.name for subject in needing)
    told = f"There is no redis-server here: without {names}."
    assert [note for note in results.notes if "redis" in note.lower()] == [told]


def test_without_picows_the_client_is_slower_and_says_so(
    tiny: Scale, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "FAST", False)
    (note,) = [n for n in measured(scale=tiny).notes if "picows" in n]
    assert note.startswith("picows is not installed here: the client is written in")


def test_too_few_files_mean_fewer_connections_and_a_sentence(
    tiny: Scale, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "descriptors", lambda wanted: 210)
    scale = replace(tiny, clients=64, members=50, connections=(1, 5, 5000))
    run = runner.Run(1, scale, [BARE], say=lambda sentence: None)
    results = run.measure([ECHO])
    assert "This process may open 210 files and not 5200 (ulimit -n)" in " ".join(
        results.notes
    )
    assert results.scale["clients"] == 10
    assert results.curves["connections"][BARE.name]["x"] == [1, 5]


@posix
def test_the_limit_of_open_files_is_raised_as_far_as_it_goes() -> None:
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (64, 128))\n"
        "from benchmarks.processes import descriptors\n"
        "print(descriptors(100), descriptors(500))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout == "100 128\n", done.stderr
