"""Claim 10: a switch between coroutines needs no system call; what it does cost."""

import asyncio
import subprocess
import sys
from pathlib import Path
from time import perf_counter

import pytest
import switch_cost
import tiny_loop
from switch_cost import WAYS, Cost, Costs

from tests.support.processes import ROOT


@pytest.mark.skipif(switch_cost.resource is None, reason="not told on this system")
def test_claim_10_a_coroutine_by_hand_switches_without_the_kernel() -> None:
    def switches() -> int:
        before = switch_cost._context_switches()
        switch_cost.by_hand(20_000)
        after = switch_cost._context_switches()
        assert before is not None and after is not None
        return after - before

    # The count is the whole process's: threads of other tests may add to it.
    assert min(switches() for _ in range(5)) == 0


@pytest.mark.skipif(switch_cost.resource is None, reason="not told on this system")
def test_claim_10_a_hand_over_between_threads_makes_the_kernel_switch() -> None:
    before = switch_cost._context_switches()
    switch_cost.between_threads(2_000)
    after = switch_cost._context_switches()
    assert before is not None and after is not None
    assert after - before > 200


def test_claim_10_each_turn_of_asyncio_asks_the_selector() -> None:
    assert switch_cost.on_asyncio(1_000) >= 1_000
    assert switch_cost.on_tiny_loop(1_000) == 0


def test_claim_10_nothing_bounds_how_long_another_coroutine_keeps_the_processor() -> (
    None
):
    async def greedy() -> None:
        end = perf_counter() + 0.05
        while perf_counter() < end:
            pass

    async def late() -> float:
        start = perf_counter()
        await asyncio.sleep(0.001)
        return perf_counter() - start

    async def main() -> float:
        waiting = asyncio.create_task(late())
        await asyncio.sleep(0)
        await greedy()
        return await waiting

    assert asyncio.run(main()) >= 0.05


@pytest.mark.parametrize("tasks", [1, 2, 100])
def test_a_switch_on_the_tiny_loop_takes_at_most_half_of_asyncios_time(
    tasks: int,
) -> None:
    async def turns_of_tiny() -> None:
        for _ in range(5_000 // tasks):
            await tiny_loop.sleep(0)

    async def tiny() -> None:
        for task in [tiny_loop.Task(turns_of_tiny()) for _ in range(tasks)]:
            await task

    async def turns_of_asyncio() -> None:
        for _ in range(5_000 // tasks):
            await asyncio.sleep(0)

    async def plain() -> None:
        for task in [asyncio.create_task(turns_of_asyncio()) for _ in range(tasks)]:
            await task

    def seconds(loop: str) -> float:
        start = perf_counter()
        if loop == "tiny":
            tiny_loop.run(tiny())
        else:
            asyncio.run(plain())
        return perf_counter() - start

    # The fastest of many short rounds is one that nobody disturbed; a machine that
    # is busy throughout gets more of them.
    fastest = {"tiny": 1e9, "asyncio": 1e9}
    for rounds in range(300):
        for loop, before in fastest.items():
            fastest[loop] = min(before, seconds(loop))
        if rounds >= 10 and fastest["tiny"] <= fastest["asyncio"] / 2:
            return
    assert fastest["tiny"] <= fastest["asyncio"] / 2


def test_the_command_prints_a_row_for_each_way_and_writes_the_picture(
    tmp_path: Path,
) -> None:
    picture = tmp_path / "cost.svg"
    run = subprocess.run(
        [sys.executable, "02_coroutines/switch_cost.py", "--svg", str(picture)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (run.returncode, run.stderr) == (0, "")
    rows = run.stdout.splitlines()[1:]
    assert [row[:10].strip() for row in rows] == list(WAYS)
    assert all(int(row[10:18].replace(",", "")) > 0 for row in rows)
    text = picture.read_text(encoding="utf-8")
    assert all(way in text for way in WAYS)


def test_the_table_says_where_a_system_does_not_tell() -> None:
    costs = Costs([Cost("by hand", 100, None, None), Cost("asyncio", 2000, None, 1)])
    assert str(costs).count("not told here") == 2
    assert "20 times" in costs.svg()
