"""``python3 -m workshop bench``, as a user types it."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import command
from benchmarks.results import Results
from tests.support.processes import ROOT
from workshop.command import environment


def bench(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "workshop", "bench", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
    )


def test_a_benchmark_prints_its_table_writes_its_figures_and_is_compared(
    tmp_path: Path,
) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    done = bench("switch", "--quick", "--rounds", "2", "--json", str(first))
    assert (done.returncode, done.stderr) == (0, "")
    assert "switch, round 2 of 2" in done.stdout
    assert "stage 02's loop" in done.stdout
    kept = Results.load(first)
    assert len(kept.tables["switch"]["asyncio"]["ns"]) == 2
    again = bench(
        *("switch", "--quick", "--json", str(second), "--compare", str(first))
    )
    assert f"ratios moved by more than 10 % since {kept.date}." in again.stdout
    assert Results.load(second).scale["rounds"] == 1
    part = bench("--report", str(second))
    assert part.returncode == 2
    assert part.stderr.startswith(f"{second} has no figures of: echo, fanout, idle,")


def test_a_switch_is_measured_without_asking_for_peers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def add_peers() -> str:
        raise AssertionError("peers were asked for")

    monkeypatch.setattr(environment, "add_peers", add_peers)
    assert command.main(["switch", "--quick"]) == 0
    assert "stage 02's loop" in capsys.readouterr().out
    with pytest.raises(AssertionError, match="peers were asked for"):
        command.main(["echo", "--quick"])
