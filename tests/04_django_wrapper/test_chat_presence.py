"""Who is here, in a room whose people are in several processes.

A process is a ``Presence`` of its own here: they know each other by their groups only.
"""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from sockets.groups import groups

from tests.support.fake_clock import run

ROOM = "room-1"


@pytest.fixture(autouse=True)
def _project(tables):
    """The chat's modules want the apps loaded."""


@asynccontextmanager
async def process(name, *people):
    """People who are with one process; it dies without a word."""
    from chat.presence import Presence  # now, since the apps are loaded

    presence = Presence(ROOM, name)
    for person in people:
        presence.change(person, +1)
    yield presence
    presence._say = lambda *_: None  # killed
    await presence.end()


def told_until(program):
    """What a room hears while ``program(told)`` runs: pairs of seconds and names."""
    told = []

    async def main():
        clock = asyncio.get_running_loop().time

        def put(event):
            users = json.loads(event["text"])["users"]
            if not told or told[-1][1] != users:  # each process tells it
                told.append((clock(), users))

        async with groups.listen(ROOM, put):
            await program()

    run(main())
    return told


def test_people_of_all_processes_are_here():
    async def program():
        async with process("1", "Ann", "Ben"), process("2", "Ben", "Cleo"):
            await asyncio.sleep(1)

    assert told_until(program)[-1][1] == ["Ann", "Ben", "Cleo"]


def test_a_new_process_hears_at_once_who_is_elsewhere():
    async def program():
        async with process("1", "Ann"):
            await asyncio.sleep(3)
            async with process("2", "Ben") as second:
                await asyncio.sleep(0.06)
                assert second.elsewhere == {"1": ["Ann"]}

    assert told_until(program)[-1] == (3.05, ["Ann", "Ben"])


def test_every_process_is_told_at_once_who_comes_and_goes():
    async def program():
        async with process("1", "Ann") as first, process("2", "Ben") as second:
            await asyncio.sleep(1)
            second.change("Cleo", +1)
            await asyncio.sleep(1)
            assert first.elsewhere == {"2": ["Ben", "Cleo"]}
            second.change("Cleo", -1)
            await asyncio.sleep(1)
            assert first.elsewhere == {"2": ["Ben"]}

    *_, came, went = told_until(program)
    assert came[1] == ["Ann", "Ben", "Cleo"] and 1.05 <= came[0] <= 1.1
    assert went[1] == ["Ann", "Ben"] and 2.05 <= went[0] <= 2.1


def test_the_last_one_of_a_process_who_leaves_is_gone_at_once():
    from chat.presence import Presence

    async def program():
        async with process("1", "Ann"):
            second = Presence(ROOM, "2")
            second.change("Ben", +1)
            await asyncio.sleep(1)
            second.change("Ben", -1)
            await second.end()
            await asyncio.sleep(1)

    assert told_until(program)[-1] == (1.05, ["Ann"])


@pytest.mark.parametrize("killed_at", [0.1, 9.9, 10.1, 57])
def test_the_people_of_a_process_that_was_killed_are_gone_within_30_seconds(killed_at):
    async def program():
        async with process("1", "Ann"):
            async with process("2", "Ben"):
                await asyncio.sleep(killed_at)
            await asyncio.sleep(60)

    seconds, users = told_until(program)[-1]
    assert users == ["Ann"]
    assert 15 < seconds - killed_at < 26


def test_a_person_who_only_sits_there_stays_for_an_hour():
    async def program():
        async with process("1", "Ann"), process("2", "Ben"):
            await asyncio.sleep(3600)

    seconds, users = told_until(program)[-1]
    assert users == ["Ann", "Ben"]
    assert seconds < 1


def test_after_a_loss_everybody_says_who_is_here():
    async def program():
        async with process("1", "Ann") as first, process("2", "Ben") as second:
            await asyncio.sleep(1)
            second.names["Cleo"] += 1  # what was said of it is lost
            groups.deliver(f"here-{ROOM}", None)
            await asyncio.sleep(1)
            assert first.elsewhere == {"2": ["Ben", "Cleo"]}

    told_until(program)


def test_a_process_that_nobody_is_in_holds_nothing():
    async def program():
        from chat.presence import present

        before = asyncio.all_tasks()
        async with present(ROOM, "Ann"), present(ROOM, "Ann"), present(ROOM, "Ben"):
            await asyncio.sleep(1)
        assert asyncio.all_tasks() == before
        assert list(groups.members) == [ROOM]

    assert told_until(program) == [(0.05, ["Ann", "Ben"])]


def test_500_people_who_come_and_go_are_told_once_a_second():
    crowd = [f"guest {number}" for number in range(500)]

    async def program():
        async with process("1", *crowd) as first:
            for number in range(100):
                first.change(f"late {number}", +1)
                await asyncio.sleep(0.05)  # of the fake clock

    assert 4 <= len(told_until(program)) <= 6
