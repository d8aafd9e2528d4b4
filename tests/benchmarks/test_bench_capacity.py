"""The arithmetic of stage 04's table of capacities, by hand for sizes one can check."""

from dataclasses import replace

import pytest

from benchmarks.capacity import Costs, Use, need, table, text
from benchmarks.pictures import latest

COSTS = Costs(
    received=20e-6,
    delivered=10e-6,
    connection=24_000,
    handshake=2e-3,
    stored=1e-3,
    relayed=50e-6,
    published=10e-6,
    forwarded=5e-6,
)
USE = Use(messages=0.01, room=50, load=0.5, process=10_000, cores=16, writes=2_000)


def test_one_process_adds_up_what_it_receives_stores_and_delivers() -> None:
    # 100 messages a second: 100 × (20 µs + 1 ms) + 5,000 × 10 µs = 0.152 s a second.
    found = need(10_000, COSTS, USE)
    assert (found.messages, found.deliveries) == (100, 5_000)
    assert found.cores == pytest.approx(0.152)
    assert (found.processes, found.machines, found.databases) == (1, 1, 1)
    assert (found.relayed, found.shards) == (0, 0)
    assert found.memory == 240e6
    assert found.comeback == pytest.approx(20)  # 10,000 × 2 ms


def test_two_people_in_two_processes_are_relayed_every_second_message() -> None:
    # The other one is in the other process as often as not.
    found = need(20_000, COSTS, replace(USE, room=2))
    assert found.processes == 2
    assert found.relayed == pytest.approx(200 / 2)
    # Redis: 200 × 10 µs + 100 × 5 µs.
    assert found.redis == pytest.approx(0.0025)
    # Here: 200 × 1.02 ms + 400 × 10 µs + 100 × 50 µs.
    assert found.cores == pytest.approx(0.204 + 0.004 + 0.005)


def test_a_room_in_one_process_relays_nothing() -> None:
    found = need(1_000_000, COSTS, replace(USE, together=True))
    assert found.relayed == 0
    assert found.redis == pytest.approx(10_000 * 10e-6)


def test_processes_are_as_many_as_the_cores_that_they_keep_half_busy() -> None:
    busy = replace(USE, messages=1.0)  # 10,000 × 1.02 ms + 500,000 × 10 µs = 15.2
    found = need(10_000, COSTS, replace(busy, together=True))
    assert found.processes == 31 and found.machines == 2
    assert need(10_000, COSTS, busy).processes > 31  # what is relayed, too


def test_the_table_has_a_column_for_each_size() -> None:
    lines = table(COSTS, USE, 10_000, 20_000).splitlines()
    assert lines[0] == "| connections | 10,000 | 20,000 |"
    assert {line.count("|") for line in lines} == {4}


def test_the_costs_are_those_of_the_last_run() -> None:
    results = latest()
    received = results.median("echo", "the layer", "cpu_us")
    assert received and Costs.of(results).received == received / 1e6
    assert f"| {received:.0f} µs |" in text(results)
