"""What the layer counts: messages by connection, and this process as a whole."""

import asyncio
from contextlib import suppress

import pytest
from sockets.codes import BadMessage, Refused
from sockets.groups import groups
from sockets.steps import live
from sockets.steps.stats import REASONS, Stats
from sockets.testing import SocketRefused

from tests.support.clients import reads_after


@pytest.fixture
def stats(application):
    """The counters, as in a process that has just begun."""
    from sockets.steps.stats import stats

    stats.__init__()
    return stats


async def test_a_socket_counts_the_messages_that_it_has_received_and_sent(talk):
    async def handler(socket):
        await socket.accept()
        assert (socket.received, socket.sent) == (0, 0)
        async for message in socket:
            await socket.send(message)
            await socket.send(f"{socket.received} received, {socket.sent} sent")

    async with talk(handler) as client:
        for expected in ("1 received, 1 sent", "2 received, 3 sent"):
            await client.send(b"anything")
            await client.receive()
            assert await client.receive() == expected


async def test_a_message_that_is_still_in_line_is_not_yet_sent(talk):
    reads, seen = asyncio.Event(), []

    async def handler(socket):
        await socket.accept()
        socket.outbox.put({"type": "websocket.send", "text": "on its way"})
        socket.outbox.put({"type": "websocket.send", "text": "in line"})
        seen.append(socket.sent)
        reads.set()
        await socket.outbox.flushed()
        seen.append(socket.sent)

    client = talk(handler)
    reads_after(client, reads)
    async with client:
        assert await client.receive() == "on its way"
        assert await client.receive() == "in line"
        assert await client.closed() == (1000, "")
    assert seen == [0, 2]


async def test_messages_are_counted_while_a_socket_is_open_and_ever_after(talk, stats):
    async def handler(socket):
        await socket.accept()
        async for message in socket:
            await socket.send(message)

    for visit in (1, 2):
        async with talk(handler) as client:
            await client.send("hello")
            await client.receive()
            assert (len(live.opened), stats.opened) == (1, visit)
            assert (stats.received, stats.sent) == (visit, visit)
        assert not live.opened
        assert (stats.received, stats.sent) == (visit, visit)


@pytest.mark.parametrize(
    ("peer_s", "key"),
    [(1001, "1001"), (4401, "4401"), (4321, "other"), (3000, "other")],
)
async def test_a_peer_s_own_close_codes_are_counted_together(talk, stats, peer_s, key):
    async def handler(socket):
        await socket.accept()
        async for _ in socket:
            pass

    async with talk(handler) as client:
        await client.leave(peer_s)
    assert stats.closed == {key: 1}


async def test_a_handler_s_close_codes_are_counted_as_they_are(talk, stats):
    async def handler(socket):
        await socket.accept()
        await socket.close(4321)

    async with talk(handler) as client:
        await client.closed()
    assert stats.closed == {"4321": 1}


async def test_refusals_are_counted_by_status_and_reason(talk, stats):
    async def handler(socket):
        raise Refused(409, "The room is full.")

    for _ in range(2):
        with pytest.raises(SocketRefused):
            await talk(handler).__aenter__()
    with pytest.raises(SocketRefused):
        await talk(handler, headers={"origin": "https://evil.example"}).__aenter__()
    page = "Pages of that origin may not open websockets here."
    assert stats.refused == {(409, "The room is full."): 2, (403, page): 1}
    assert (stats.opened, len(live.opened), stats.closed) == (0, 0, {})


def test_reasons_beyond_the_first_are_counted_together():
    stats = Stats()
    for number in range(REASONS + 10):
        stats.refuse(404, f"There is no room {number}.")
    stats.refuse(404, "There is no room 1.")
    stats.refuse(403, "Not you.")
    assert len(stats.refused) == REASONS + 2
    assert stats.refused[404, "other"] == 10
    assert stats.refused[404, "There is no room 1."] == 2
    assert stats.refused[403, "other"] == 1


async def test_who_lets_too_many_messages_wait_is_counted_once(talk, stats):
    gate = asyncio.Event()

    async def handler(socket):
        await socket.accept()
        async with groups.join("room", socket):
            for _ in range(10):
                await groups.publish("room", "news")
            gate.set()
            await socket.receive()

    client = talk(handler, sockets={"OUTBOX": 3})
    reads_after(client, gate)
    async with client:
        for _ in range(4):  # one was on its way, and three waited
            assert await client.receive() == "news"
        assert await client.closed() == (1013, "too many messages wait for you")
    assert stats.evicted == {"too many messages wait for you": 1}
    assert stats.closed == {"1013": 1}
    assert stats.outbox_most == 3


async def test_a_peer_s_1013_is_no_eviction(talk, stats):
    async def handler(socket):
        await socket.accept()
        async for _ in socket:
            pass

    async with talk(handler) as client:
        await client.leave(1013)
    assert (stats.evicted, stats.closed) == ({}, {"1013": 1})


@pytest.mark.parametrize("accepted", [True, False])
async def test_a_handler_that_fails_is_counted(talk, stats, accepted):
    async def handler(socket):
        if accepted:
            await socket.accept()
        raise ValueError

    with suppress(SocketRefused):
        async with talk(handler) as client:
            await client.closed()
    assert stats.failed == 1
    assert stats.refused == ({} if accepted else {(500, ""): 1})
    assert stats.closed == ({"1011": 1} if accepted else {})


async def test_a_handler_whose_task_was_cancelled_is_counted(talk, stats):
    async def handler(socket):
        await socket.accept()
        task = asyncio.create_task(asyncio.Event().wait())
        task.cancel()
        await task

    async with talk(handler) as client:
        await client.closed()
    assert stats.failed == 1


async def test_a_handler_that_is_left_behind_is_counted(talk, stats, monkeypatch):
    monkeypatch.setattr("sockets.deadline.PATIENCE", 0.01)
    goes_on = asyncio.Event()

    async def handler(socket):
        await socket.accept()
        while not goes_on.is_set():
            with suppress(asyncio.CancelledError):
                await goes_on.wait()

    sockets = {"LEAVE_SECONDS": 0.01, "CLEANUP_SECONDS": 0.01}
    async with talk(handler, sockets=sockets):
        pass
    goes_on.set()
    assert (stats.failed, len(live.opened), stats.closed) == (1, 0, {"1001": 1})


async def test_a_bad_message_is_no_failure(talk, stats):
    async def handler(socket):
        await socket.accept()
        raise BadMessage("expected a list")

    async with talk(handler) as client:
        await client.closed()
    assert (stats.failed, stats.closed) == (0, {"1008": 1})


async def test_a_peer_that_leaves_during_the_handshake_is_counted_nowhere(talk, stats):
    begun = asyncio.Event()

    async def handler(socket):
        begun.set()
        await asyncio.Event().wait()

    client = talk(handler, sockets={"LEAVE_SECONDS": 0.01})
    opening = asyncio.create_task(client.__aenter__())
    await begun.wait()
    client._tell({"type": "websocket.disconnect", "code": 1006, "reason": ""})
    with pytest.raises(SocketRefused):  # an answer that nobody reads
        await opening
    assert stats == Stats()


def test_publishing_is_counted_by_time_and_failures_apart():
    stats = Stats()
    for seconds, ok in [(0.0, True), (0.001, True), (0.7, True), (9, True), (2, False)]:
        stats.published(seconds, ok)
    assert stats.published_in == [2, 0, 0, 0, 0, 0, 1, 1]
    assert (stats.published_seconds, stats.unpublished) == (9.701, 1)


async def test_a_reason_that_cannot_be_encoded_is_counted_as_text_that_can(talk, stats):
    """A page of metrics is encoded as a whole: one such label would break all of it."""

    async def handler(socket):
        raise Refused(403, "half of a pair: \ud800")

    with pytest.raises(SocketRefused):
        async with talk(handler):
            pass
    assert stats.refused == {(403, "half of a pair: ?"): 1}
