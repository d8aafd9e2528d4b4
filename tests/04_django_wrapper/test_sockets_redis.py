"""Groups over Redis: many processes are one, and one is enough while Redis is away.

In most tests two `Groups` stand for two processes: each has a line to Redis of its own.
"""

import asyncio
import json
import logging
import os
import subprocess
import sys
from collections import Counter
from contextlib import AsyncExitStack, ExitStack

import psutil
import pytest
from django.test import override_settings
from redis.asyncio import Connection
from sockets.members import message_of
from websockets.sync.client import connect

from tests.support.processes import ROOT, server_process
from tests.support.redis_server import running_redis
from tests.support.servers import wait_until_listening

CHANNEL = "sockets:0:room"


class Heard(asyncio.Queue):
    """What somebody has heard, in order: give ``put_nowait`` to a listener."""

    async def next(self):
        async with asyncio.timeout(30):
            return await self.get()

    async def text(self):
        return (await self.next())["text"]


@pytest.fixture
def redis_server(tmp_path):
    with running_redis(tmp_path) as server:
        yield server


@pytest.fixture
async def processes(redis_server, talk):  # talk's settings are the last to go
    """``processes(2)``: as many `Groups`, each with a line; with settings to try."""
    from sockets.groups import Groups  # now, since the apps are loaded
    from sockets.redis.setting import carrier_for

    def processes(count, **sockets):
        # Redis answers late on a busy machine, too: only where that is the subject.
        sockets = {"REDIS_URL": redis_server.url, "PUBLISH_SECONDS": 30, **sockets}
        stack.enter_context(override_settings(SOCKETS=sockets))
        for _ in range(count):
            groups = Groups()
            groups.find_carrier = carrier_for(groups)
            made.append(groups)
        return made[-count:]

    made = []
    with ExitStack() as stack:
        yield processes
        for groups in made:
            await groups.hang_up()


@pytest.fixture
def log():
    """The lines of the log, as they come."""

    class Lines(logging.Handler):
        def emit(self, record):
            lines.put_nowait(record.getMessage())

    lines, handler = Heard(), Lines()
    logging.getLogger("sockets").addHandler(handler)
    yield lines
    logging.getLogger("sockets").removeHandler(handler)


@pytest.fixture
def impatient(monkeypatch):
    """An idle connection is asked often; the next one comes after 0.2 s."""
    from sockets.redis import connection

    monkeypatch.setattr(connection, "QUIET", 0.05)
    monkeypatch.setattr(connection, "PAUSE", 0.2)
    monkeypatch.setattr(connection, "LONGEST", 0.2)
    monkeypatch.setattr(connection.random, "random", lambda: 1.0)


# Many processes are one


@pytest.mark.parametrize(
    "message", ["hello", "", "żółw 🐢\n", b"bytes", b"", b"\xff\0"]
)
async def test_a_message_of_one_process_reaches_the_others(processes, message):
    one, two, three = processes(3)
    heard = Heard()
    async with (
        two.listen("room", heard.put_nowait),
        three.listen("room", heard.put_nowait),
    ):
        assert await one.publish("room", message) is True
        kind = "text" if isinstance(message, str) else "bytes"
        event = {"type": "websocket.send", kind: message}
        assert [await heard.next(), await heard.next()] == [event, event]


async def test_a_close_of_one_process_closes_the_sockets_of_others(
    processes, redis_server, talk
):
    one, two = processes(2)

    async def handler(socket):
        await socket.accept()
        async with two.join("room", socket):
            await socket.send("in")
            await socket.receive()

    async with talk(handler, sockets={"REDIS_URL": redis_server.url}) as client:
        assert await client.receive() == "in"
        assert await one.close("room", 4401, "log in again, żółw") is True
        assert await client.closed() == (4401, "log in again, żółw")


async def test_a_process_hears_its_own_messages_once_and_at_once(processes):
    one, two = processes(2)
    heard = Heard()
    async with one.listen("room", heard.put_nowait):
        publishing = one.publish("room", "mine")
        publishing.send(None)  # its first step: Redis has heard nothing yet
        assert heard.get_nowait()["text"] == "mine"
        publishing.close()
        assert await one.publish("room", "mine, too")
        assert await two.publish("room", "theirs")
        assert [await heard.text(), await heard.text()] == ["mine, too", "theirs"]


async def test_a_room_of_200_costs_redis_one_message_for_each_process(
    processes, redis_server
):
    """And each process makes one event of it, which all members share."""
    one, two = processes(2)
    heard = Heard()
    async with AsyncExitStack() as stack:
        for groups in (one, two):
            for _ in range(200):
                listening = groups.listen("room", heard.put_nowait)
                await stack.enter_async_context(listening)
        for number in range(100):
            listening = one.listen(f"room-{number}", heard.put_nowait)
            await stack.enter_async_context(listening)
        assert len(redis_server.connections()) == 2
        assert redis_server.command("PUBSUB", "NUMSUB", CHANNEL) == [CHANNEL, 2]
        assert await one.publish("room", "hello")
        events = [await heard.next() for _ in range(400)]
    assert len({id(event) for event in events}) == 2


async def test_what_is_published_after_a_join_arrives(processes, redis_server):
    """Also where the group was left just before, and where Redis knows of that."""
    one, two = processes(2)
    for number in range(100):
        if number % 2:
            assert await two.publish("another", "Redis answers in order")
        heard = Heard()
        async with two.listen("room", heard.put_nowait):
            assert await one.publish("room", str(number))
            assert await heard.text() == str(number)
    async with two.listen("another", heard.put_nowait):
        assert redis_server.command("PUBSUB", "CHANNELS") == ["sockets:0:another"]


async def test_a_thousand_messages_keep_their_order_and_go_in_few_batches(
    processes, redis_server
):
    one, two = processes(2)
    heard = Heard()
    async with two.listen("room", heard.put_nowait):
        before = redis_server.command("INFO", "commandstats")
        publishing = [one.publish("room", str(number)) for number in range(1000)]
        assert await asyncio.gather(*publishing) == [True] * 1000
        assert [await heard.text() for _ in range(1000)] == [*map(str, range(1000))]
        after = redis_server.command("INFO", "commandstats")
    calls = [stats["cmdstat_hello"]["calls"] for stats in (before, after)]
    assert calls[1] - calls[0] < 10


async def test_callers_that_are_cancelled_disturb_nobody(processes, redis_server):
    """A thousand, one after the other at each of the points where they can wait."""
    one, two = processes(2)
    heard = Heard()
    async with two.listen("room", heard.put_nowait):
        assert await one.publish("room", "cancelled")  # its connection is there
        tasks = len(asyncio.all_tasks())
        for number in range(1000):
            cancelled = asyncio.create_task(one.publish("room", "cancelled"))
            kept = asyncio.create_task(one.publish("room", str(number)))
            for _ in range(number % 10):
                await asyncio.sleep(0)
            cancelled.cancel()
            assert await kept is True
        texts = []
        while len(texts) < 1000:
            if (text := await heard.text()) != "cancelled":
                texts.append(text)
        assert texts == [*map(str, range(1000))]
        assert len(asyncio.all_tasks()) == tasks
        assert len(redis_server.connections()) == 2


@pytest.mark.parametrize("nonsense", [b"12345678tno UTF-8 \xff", b"12345678cno code"])
async def test_what_somebody_else_says_on_our_channel_disturbs_nobody(
    processes, redis_server, log, nonsense
):
    one, two = processes(2)
    heard = Heard()
    async with two.listen("room", heard.put_nowait):
        assert redis_server.command("PUBLISH", CHANNEL, nonsense) == 1
        assert await log.next() == "a message to 'room' could not be read"
        assert await one.publish("room", "hello")
        assert await heard.text() == "hello"


async def test_two_sites_with_two_databases_of_one_redis_hear_nothing_of_each_other(
    processes, redis_server
):
    [ours] = processes(1)
    heard = Heard()
    async with ours.listen("room", heard.put_nowait):
        with override_settings(SOCKETS={"REDIS_URL": redis_server.url[:-1] + "7"}):
            [theirs] = processes(1, REDIS_URL=redis_server.url[:-1] + "7")
            assert await theirs.publish("room", "theirs")
        assert redis_server.command("PUBSUB", "CHANNELS") == [CHANNEL]
        assert redis_server.command("PUBLISH", CHANNEL, bytes(8) + b"tours") == 1
        assert await heard.text() == "ours"


# Threads, and processes without an event loop


async def test_a_thread_reaches_all_processes(processes):
    one, two = processes(2)
    heard = Heard()

    def work():
        one.publish_sync("room", "from a thread")
        one.publish_sync("room", b"in this order")
        one.close_sync("room", 4000)
        one.publish_sync("room", "after the close")

    async with (
        one.listen("room", heard.put_nowait),
        two.listen("room", heard.put_nowait),
    ):
        await asyncio.to_thread(work)
        heard = sorted([str(await heard.next()) for _ in range(6)])
    assert len(heard) == 6 and len(set(heard)) == 3


async def test_a_process_without_a_loop_reaches_all_others(processes, talk, log):
    command, two = processes(2)
    heard = Heard()
    async with two.listen("room", heard.put_nowait):
        await asyncio.to_thread(command.publish_sync, "room", "from a command")
        assert await heard.text() == "from a command"
    assert log.empty()


def test_a_process_without_a_loop_goes_on_without_redis(processes, redis_server, log):
    [command] = processes(1)
    redis_server.stop()
    command.publish_sync("room", "hello")
    command.close_sync("room", 4000)
    lines = [log.get_nowait(), log.get_nowait()]
    assert all("Redis has not taken a message to 'room'" in line for line in lines)


def test_a_loop_that_ends_takes_its_connection_with_it(
    processes, redis_server, log, recwarn
):
    [groups] = processes(1)

    async def life():
        heard = Heard()
        async with groups.listen("room", heard.put_nowait):
            assert await groups.publish("room", "hello")

    for _ in range(2):
        asyncio.run(life(), debug=True)
        connections = psutil.Process().net_connections("tcp")
        peers = [c.raddr.port for c in connections if c.raddr]
        assert redis_server.port not in peers
        assert not groups.find_carrier().lines
    assert log.empty()
    assert not recwarn.list


async def test_a_goodbye_sends_what_waits_and_may_be_followed_by_another_life(
    processes, redis_server
):
    one, two = processes(2)
    heard = Heard()
    async with two.listen("room", heard.put_nowait):
        await one.publish("room", "the first")
        one._publish_soon("room", message_of("the last"))
        await one.hang_up()
        assert len(redis_server.connections()) == 1
        assert await one.publish("room", "another life")
        texts = [await heard.text() for _ in range(3)]
    assert texts == ["the first", "the last", "another life"]


async def test_who_has_joined_before_a_goodbye_hears_all_in_the_next_life(processes):
    one, two = processes(2)
    heard = Heard()
    async with one.listen("room", heard.put_nowait):
        await one.hang_up()
        await one.publish("another", "another life")
        await two.publish("room", "hello")
        assert await heard.text() == "hello"


async def test_a_server_that_ends_still_sends_what_waits(processes):
    from sockets.groups import groups

    [other] = processes(1)
    heard = Heard()
    async with other.listen("room", heard.put_nowait):
        async with groups.lifetime():
            groups._publish_soon("room", message_of("goodbye"))
        assert not groups.find_carrier().lines
        assert await heard.text() == "goodbye"


@pytest.mark.parametrize("turns", range(4))
async def test_a_connection_lost_at_the_moment_of_the_goodbye_does_not_hold_it_up(
    processes, redis_server, monkeypatch, turns
):
    from sockets.redis.connection import Connection

    async def read(self, connection):
        await broken.wait()
        raise ConnectionError

    broken = asyncio.Event()
    monkeypatch.setattr(Connection, "_read", read)
    [groups] = processes(1)
    connection = groups.find_carrier().line().connection
    await connection._news.wait()
    while connection._news.is_set():  # until it is in use
        await asyncio.sleep(0)
    broken.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    connection.task.cancel()
    async with asyncio.timeout(30):
        await asyncio.wait([connection.task])


# Redis is away


async def test_a_lost_connection_is_made_again_and_who_may_have_missed_something_told(
    processes, redis_server, log
):
    one, two = processes(2)
    heard, sockets = Heard(), Heard()
    async with (
        two.listen("room", heard.put_nowait),
        two.listen("another", sockets.put_nowait),
    ):
        assert redis_server.command("CLIENT", "KILL", "TYPE", "pubsub") == 1
        assert await heard.next() is await sockets.next() is None
        assert await one.publish("room", "hello")
        assert await heard.text() == "hello"
        assert await two.publish("room", "and on it goes")
    assert "Redis is away" in log.get_nowait()
    assert "Redis is back" in log.get_nowait()
    assert log.empty()


async def test_a_restarted_empty_redis_learns_all_groups_again(
    processes, redis_server, log
):
    one, two = processes(2)
    heard = Heard()
    async with one.listen("room", heard.put_nowait), two.listen("b", heard.put_nowait):
        redis_server.kill()
        assert ["Redis is away" in await log.next() for _ in range(2)] == [True] * 2
        async with two.listen("room", heard.put_nowait):  # it does not wait for Redis
            redis_server.start()
            assert [await heard.next() for _ in range(3)] == [None] * 3
            assert ["Redis is back" in await log.next() for _ in range(2)] == [True] * 2
            assert await one.publish("room", "hello")
            assert [await heard.text() for _ in range(2)] == ["hello"] * 2
    assert log.empty()


async def test_while_redis_is_away_the_members_here_hear_all_and_nobody_waits(
    processes, redis_server, log
):
    [groups] = processes(1)
    heard = Heard()
    redis_server.stop()
    async with groups.listen("room", heard.put_nowait):
        assert "Redis is away" in await log.next()
        for number in range(1000):
            publishing = groups.publish("room", str(number))
            with pytest.raises(StopIteration) as end:  # its first step is its last
                if publishing.send(None) is None:  # or it has given control back
                    publishing.send(None)
            assert end.value.value is False
            assert heard.get_nowait()["text"] == str(number)
    assert log.empty()


async def test_a_redis_that_is_stopped_is_noticed_by_a_publisher_in_time(
    processes, redis_server, log
):
    one, two = processes(2, PUBLISH_SECONDS=2)
    heard = Heard()
    async with one.listen("room", heard.put_nowait):
        assert await one.publish("room", "before")
        redis_server.pause()
        async with asyncio.timeout(30):
            assert await one.publish("room", "hello") is False
        assert await heard.text() == "before"
        assert await heard.text() == "hello"
        assert "Redis is away" in await log.next()
        redis_server.resume()
        assert await heard.next() is None
        assert "Redis is back" in await log.next()
        assert await two.publish("room", "again")
        assert await heard.text() == "again"


async def test_a_redis_that_is_stopped_is_noticed_by_those_who_only_listen(
    processes, redis_server, log, impatient
):
    [groups] = processes(1, PUBLISH_SECONDS=2)
    heard = Heard()
    async with groups.listen("room", heard.put_nowait):
        redis_server.pause()
        assert "Redis is away" in await log.next()
        redis_server.resume()
        assert await heard.next() is None


async def test_a_large_batch_may_take_longer_as_long_as_redis_answers(
    processes, log, monkeypatch
):
    async def send(self, pieces, *args, **kwargs):
        sizes.append(sum(map(len, pieces)))
        await send_packed(self, pieces, *args, **kwargs)

    sizes = []
    send_packed = Connection.send_packed_command
    monkeypatch.setattr(Connection, "send_packed_command", send)
    [groups] = processes(1)
    assert await groups.publish("room", "hello")
    line = groups.find_carrier().line()
    line.seconds = line.connection.seconds = 2
    for _ in range(200_000):
        batch = line.send("room", message_of("hello"))
    assert await batch.wait(30)
    assert log.empty()
    # Each piece has the limit for itself: a slow Redis takes them one by one.
    assert sum(sizes) > 10_000_000 and max(sizes) < 100_000


async def test_thousands_of_groups_are_told_in_portions_when_redis_is_back(
    processes, redis_server, log, impatient, monkeypatch
):
    from sockets.redis import line

    monkeypatch.setattr(line, "LOSSES", 10)
    one, two = processes(2)
    heard = Heard()
    async with AsyncExitStack() as stack:
        for number in range(95):
            name = f"room-{number}"
            await stack.enter_async_context(two.listen(name, heard.put_nowait))
        assert await one.publish("room-0", "hello")
        assert await heard.text() == "hello"
        [publisher] = [c for c in redis_server.connections() if c["sub"] == "0"]
        redis_server.command("CLIENT", "KILL", "ID", publisher["id"])
        assert "Redis is away" in await log.next()
        own = one.find_carrier().line()
        commands, sizes = own.commands, []

        def counted(batch):
            found = list(commands(batch))
            sizes.append(len(batch.messages))
            return iter(found)

        monkeypatch.setattr(own, "commands", counted)
        for number in range(95):
            assert await one.publish(f"room-{number}", "lost") is False
        assert [await heard.next() for _ in range(95)] == [None] * 95
    assert not own.unreached
    assert max(sizes) == 10


async def test_names_of_groups_that_could_not_be_reached_have_a_bound(
    processes, redis_server, log, monkeypatch
):
    from sockets.redis import line

    monkeypatch.setattr(line, "UNREACHED", 10)
    [groups] = processes(1)
    redis_server.stop()
    own = groups.find_carrier().line()
    assert "Redis is away" in await log.next()
    for number in range(100):
        assert await groups.publish(f"socket-{number}", "nobody hears this") is False
    assert len(own.unreached) == 10
    assert "more than 10 groups could not be reached" in await log.next()
    assert log.empty()


async def test_who_joins_while_a_large_batch_is_on_its_way_is_told_of_a_loss(
    processes, redis_server, monkeypatch
):
    """The block begins before Redis has subscribed the group."""
    from sockets.redis.connection import Batch

    one, two = processes(2)
    assert await one.publish("room", "hello")  # both have a connection
    assert await two.publish("room", "hello")
    heard = Heard()
    line = two.find_carrier().line()
    with monkeypatch.context() as patch:

        async def wait(self, seconds):
            return False  # as if the batch before took longer than PUBLISH_SECONDS

        redis_server.pause()
        patch.setattr(Batch, "wait", wait)
        joined = two.listen("room", heard.put_nowait)
        await joined.__aenter__()
    assert line.late == {"room"}
    redis_server.resume()
    assert await heard.next() is None
    assert await one.publish("room", "after")
    assert await heard.text() == "after"
    assert not line.late
    await joined.__aexit__(None, None, None)


async def test_who_could_not_be_reached_is_told_by_whoever_could_not_publish(
    processes, redis_server, log, impatient
):
    """The listener's own connection was never lost."""
    one, two = processes(2)
    heard = Heard()
    async with two.listen("room", heard.put_nowait):
        assert await one.publish("room", "hello")
        assert await heard.text() == "hello"
        [publisher] = [c for c in redis_server.connections() if c["sub"] == "0"]
        redis_server.command("CLIENT", "KILL", "ID", publisher["id"])
        assert "Redis is away" in await log.next()
        assert await one.publish("room", "lost") is False
        assert await one.publish("room", "lost") is False
        assert await heard.next() is None
        assert "Redis is back" in await log.next()
        assert await one.publish("room", "hello again")
        assert await heard.text() == "hello again"


async def test_what_redis_took_is_counted_with_its_time_and_what_not_is_counted(
    processes, redis_server, log
):
    from sockets.steps.stats import stats

    [groups] = processes(1)
    before = sum(stats.published_in), stats.published_seconds, stats.unpublished
    assert await groups.publish("room", "hello")
    assert await groups.close("room", 4000)
    redis_server.stop()
    assert "Redis is away" in await log.next()
    assert not await groups.publish("room", "hello")
    assert sum(stats.published_in) == before[0] + 2
    assert stats.published_seconds > before[1]
    assert stats.unpublished == before[2] + 1


async def test_who_could_not_be_reached_in_time_is_told_as_well(
    processes, redis_server, log
):
    """Redis takes no PUBLISH for a while, and answers to PING."""
    one, two = processes(2, PUBLISH_SECONDS=2)
    heard = Heard()
    async with two.listen("room", heard.put_nowait):
        assert await one.publish("room", "hello")
        assert await heard.text() == "hello"
        redis_server.command("CLIENT", "PAUSE", "60000", "WRITE")
        assert await one.publish("room", "lost") is False
        assert "Redis is away" in await log.next()
        redis_server.command("CLIENT", "UNPAUSE")
        assert await heard.next() is None


async def test_an_outage_is_two_lines_in_the_log_however_long_it_is(
    processes, redis_server, log, impatient
):
    attempts = Heard()

    async def hang_up(reader, writer):
        attempts.put_nowait(None)
        writer.close()

    [groups] = processes(1)
    heard = Heard()
    redis_server.stop()
    async with groups.listen("room", heard.put_nowait):
        async with await asyncio.start_server(hang_up, "127.0.0.1", redis_server.port):
            for _ in range(3):
                await attempts.next()
        redis_server.start()
        assert await heard.next() is None
    assert "Redis is away" in await log.next()
    assert "Redis is back" in await log.next()
    assert log.empty()


async def test_what_waits_for_redis_has_a_bound(processes, monkeypatch):
    from sockets.redis import line

    one, two = processes(2)
    heard = Heard()
    monkeypatch.setattr(line, "QUEUE", 1000)
    async with two.listen("room", heard.put_nowait):
        publishing = [one.publish("room", str(number) * 99) for number in range(20)]
        took = await asyncio.gather(*publishing)
        assert took == sorted(took, reverse=True) and 5 < sum(took) < 15
        events = [await heard.next() for _ in range(sum(took) + 1)]
    assert events.pop() is None  # for those that did not go out
    assert events[-1]["text"] == str(sum(took) - 1) * 99


async def test_a_redis_that_forbids_to_publish_is_one_line_in_the_log(
    processes, redis_server, log, impatient
):
    one, two = processes(2)
    heard = Heard()
    async with two.listen("room", heard.put_nowait):
        redis_server.command("ACL", "SETUSER", "default", "-publish")
        for _ in range(5):
            assert await one.publish("room", "hello") is False
        redis_server.command("ACL", "SETUSER", "default", "+publish")
        assert await heard.next() is None
        assert "no permissions to run the 'publish' command" in await log.next()
        assert "Redis is back" in await log.next()
    assert log.empty()


async def test_messages_that_come_together_leave_turns_for_others(processes):
    """Between them the outboxes send: else they would be full, and cut their peers."""
    one, two = processes(2)
    turns, at = 0, []

    async def count():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with two.listen("room", lambda event: at.append(turns)):
        counting = asyncio.create_task(count())
        publishing = [one.publish("room", str(number)) for number in range(1000)]
        assert all(await asyncio.gather(*publishing))
        async with asyncio.timeout(10):
            while len(at) < 1000:
                await asyncio.sleep(0)
        counting.cancel()
    assert max(Counter(at).values()) <= 64


# A replica


@pytest.fixture
def primary(tmp_path_factory):
    """Another Redis, for the one that is demoted."""
    with running_redis(tmp_path_factory.mktemp("primary")) as server:
        yield server


async def test_a_redis_that_becomes_a_replica_is_away_until_it_is_none(
    processes, redis_server, primary, log, impatient
):
    """Its connections stay, it answers, and takes what is published: to no avail."""
    one, two = processes(2)
    heard = Heard()
    async with two.listen("room", heard.put_nowait):
        assert await one.publish("room", "before")
        assert await heard.text() == "before"
        redis_server.command("REPLICAOF", "127.0.0.1", str(primary.port))
        for _ in range(2):
            assert "this Redis is a replica" in await log.next()
        assert await one.publish("room", "lost") is False
        redis_server.command("REPLICAOF", "NO", "ONE")
        while await heard.next() is not None:
            pass
        for _ in range(2):
            assert "Redis is back" in await log.next()
        assert await one.publish("room", "hello")


async def test_a_publisher_hears_at_once_that_redis_has_become_a_replica(
    processes, redis_server, primary, log
):
    [groups] = processes(1)
    assert await groups.publish("room", "before")
    redis_server.command("REPLICAOF", "127.0.0.1", str(primary.port))
    assert await groups.publish("room", "lost") is False
    assert "this Redis is a replica" in await log.next()


def test_a_process_without_a_loop_hears_that_redis_is_a_replica(
    processes, redis_server, primary, log
):
    [command] = processes(1)
    command.publish_sync("room", "before")
    redis_server.command("REPLICAOF", "127.0.0.1", str(primary.port))
    command.publish_sync("room", "lost")
    assert "is a replica" in log.get_nowait()
    assert log.empty()


@pytest.mark.parametrize(
    "option", ["protocol=2", "decode_responses=True", "health_check_interval=1"]
)
async def test_what_groups_decide_themselves_an_address_does_not_change(
    processes, redis_server, log, option
):
    one, two = processes(2, REDIS_URL=f"{redis_server.url}?{option}")
    heard = Heard()
    async with two.listen("room", heard.put_nowait):
        assert await one.publish("room", "hello")
        assert await heard.text() == "hello"
        await asyncio.to_thread(one.publish_sync, "room", "from a thread")
        assert await heard.text() == "from a thread"
    assert log.empty()


# Real processes


@pytest.mark.parametrize("with_redis", [False, True])
def test_two_workers_of_uvicorn_are_one_with_redis_only(
    redis_server, tmp_path, with_redis
):
    sockets = {"URLCONF": "tests.support.socket_handlers"}
    if with_redis:
        sockets["REDIS_URL"] = redis_server.url
    command = ["-m", "uvicorn", "websocket_app.asgi:application", "--workers=2"]
    with (
        server_process(
            [*command, "--port=0"],
            cwd=ROOT / "04_django_wrapper",
            PYTHONPATH=str(ROOT),
            DJANGO_SETTINGS_MODULE="tests.support.socket_settings",
            DATABASE_URL=f"sqlite:///{tmp_path}/none.sqlite3",
            SECRET_KEY="the same for both",
            SOCKETS=json.dumps(sockets),
        ) as server,
        ExitStack() as stack,
    ):
        wait_until_listening(server)
        address = server.url.replace("http", "ws", 1) + "/process/"
        members = {}  # by process
        while len(members) < 2:
            client = stack.enter_context(connect(address))
            members.setdefault(client.recv(timeout=30), []).append(client)
        one, two = [clients[0] for clients in members.values()]
        one.send("from one")
        assert one.recv(timeout=30) == "from one"
        if with_redis:
            assert two.recv(timeout=30) == "from one"
        two.send("from two")
        assert two.recv(timeout=30) == "from two"


def test_redis_is_not_imported_unless_it_is_used(tmp_path):
    program = """
import asyncio, os, sys
from websocket_app.asgi import application
from sockets.groups import groups
assert asyncio.run(groups.publish("room", "hello")) is True
groups.publish_sync("room", "hello")
assert "redis" not in sys.modules
"""
    subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT / "04_django_wrapper",
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "websocket_app.settings"},
        check=True,
        timeout=300,
    )
