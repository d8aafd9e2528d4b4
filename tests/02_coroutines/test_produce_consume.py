"""The article's produce and consume, as generators and as tasks (claim 8)."""

import asyncio
import subprocess
import sys

import produce_consume
import pytest

from tests.support.processes import ROOT


def test_claim_8_a_trampoline_takes_turns_between_two_generators(
    capsys: pytest.CaptureFixture[str],
) -> None:
    produce_consume.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[:7] == [
        "produced 1",
        "produced 2",
        "produced 3",
        "consumed 1",
        "consumed 2",
        "consumed 3",
        "produced 4",
    ]
    assert lines[-2:] == ["produced 7", "consumed 7"]


def test_claim_8_two_tasks_with_a_queue_print_the_same(
    capsys: pytest.CaptureFixture[str],
) -> None:
    produce_consume.main()
    by_hand = capsys.readouterr().out
    asyncio.run(produce_consume.main_tasks())
    assert capsys.readouterr().out == by_hand


def test_claim_8_a_generator_can_yield_only_to_whoever_resumed_it() -> None:
    q = produce_consume.deque[int]()
    consumer = produce_consume.consume(q)
    assert next(consumer) == "produce"  # a name for us; nobody was resumed by it
    assert not q


@pytest.mark.parametrize("arguments", [[], ["tasks"]])
def test_produce_consume_runs_as_a_script(arguments: list[str]) -> None:
    script = ROOT / "02_coroutines" / "produce_consume.py"
    command = [sys.executable, str(script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) == 14
