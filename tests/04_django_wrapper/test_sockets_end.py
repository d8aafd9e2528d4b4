"""How a handler's life ends: the table at the top of ``sockets/runner.py``, row by row.

The clock is a fake one: seconds pass only where all tasks wait, and exactly as many.
"""

import asyncio
from contextlib import suppress
from contextvars import Context
from weakref import ref

import pytest
from django.contrib.sessions.exceptions import SessionInterrupted
from django.core.exceptions import BadRequest
from sockets import connection, waiting
from sockets.codes import Disconnected, HandlerError, Refused
from sockets.connection import State
from sockets.groups import groups
from sockets.testing import SocketClient, SocketRefused

from tests.support.clients import reads_after
from tests.support.fake_clock import run

SECONDS = {"LEAVE_SECONDS": 0.5, "CLEANUP_SECONDS": 10, "RECHECK_SECONDS": 10_000}
NOT_BACK = "the handler at '/' did not come back to receive() within 10 s"
NOT_DONE = "the handler at '/' was not done with its clean-up within 10 s"
AFTER = " after its websocket's end: cancelled"
LEFT_BEHIND = "the handler at '/' goes on after its end"


def now():
    return asyncio.get_running_loop().time()


@pytest.fixture
def play(talk, caplog):
    """``play(handler, scene)``: ``scene(client)`` talks to ``handler`` in fake time.

    Returns the lines of the log.
    """

    def play(handler, scene, **sockets):
        async def story():
            settings = {**SECONDS, **sockets}
            async with talk(handler, sockets=settings, seconds=100) as client:
                await scene(client)

        run(story())
        return [record.getMessage() for record in caplog.records]

    return play


async def leaves(client):
    """The peer leaves at second 0."""


async def says_one_thing(client):
    await client.send("x")
    await asyncio.sleep(0.1)  # the handler has taken it


# 2. How the handler hears of an end


def test_a_handler_that_reads_hears_of_the_end_at_once(play):
    seen = []

    async def handler(socket):
        await socket.accept()
        try:
            await socket.receive()
        except Disconnected as error:
            seen.append((now(), error.code))

    assert play(handler, leaves) == []
    assert seen == [(0, 1001)]


def test_a_handler_that_sends_hears_of_the_end_at_once(play):
    seen = []

    async def handler(socket):
        await socket.accept()
        try:
            while True:
                await socket.send("x")
                await asyncio.sleep(0.1)
        except Disconnected:
            seen.append(round(now(), 3))

    assert play(handler, leaves) == []
    assert seen == [0.1]


def test_a_handler_that_never_reads_is_cancelled_after_leave_seconds(play):
    seen = []

    async def handler(socket):
        await socket.accept()
        try:
            await asyncio.Event().wait()
        finally:
            seen.append(now())

    assert play(handler, leaves) == []
    assert seen == [0.5]


def test_messages_that_came_before_the_end_are_the_handler_s_to_finish(play):
    seen = []

    async def handler(socket):
        await socket.accept()
        async for message in socket:
            await asyncio.sleep(0.2)
            seen.append(message)

    async def twenty_things(client):
        for number in range(20):
            await client.send(str(number))

    assert play(handler, twenty_things) == []
    assert seen == [str(number) for number in range(20)]


def test_a_handler_that_does_not_come_back_to_receive_is_cancelled(play):
    seen = []

    async def handler(socket):
        await socket.accept()
        await socket.receive()
        try:
            await asyncio.Event().wait()
        finally:
            seen.append(round(now(), 3))
            await asyncio.sleep(9)  # its clean-up has a limit of its own
            seen.append(round(now(), 3))

    assert play(handler, says_one_thing) == [NOT_BACK + AFTER]
    assert seen == [10.1, 19.1]


# 3. What it may do then


def test_a_clean_up_has_its_own_seconds(play):
    seen = []

    async def handler(socket):
        await socket.accept()
        try:
            async for _ in socket:
                await asyncio.sleep(9)  # the work that it finishes first
        finally:
            await asyncio.sleep(9)
            seen.append(round(now(), 3))

    assert play(handler, says_one_thing) == []
    assert seen == [18]


def test_a_clean_up_after_a_cancellation_has_its_own_seconds(play):
    seen = []

    async def handler(socket):
        await socket.accept()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(9)
            seen.append(now())

    assert play(handler, leaves) == []
    assert seen == [9.5]


@pytest.mark.parametrize("ends_by", ["close", "groups.close", "stop"])
def test_work_after_an_end_that_the_handler_called_for_has_its_seconds(play, ends_by):
    seen = []

    async def handler(socket):
        await socket.accept()
        async with groups.join("room", socket):
            if ends_by == "close":
                await socket.close()
            elif ends_by == "groups.close":
                await groups.close("room", 1000)
            else:
                socket.stop(1000)
            await asyncio.sleep(9)  # it has never read
            seen.append(now())

    async def waits(client):
        assert (await client.closed())[0] == 1000
        await asyncio.sleep(9.1)

    play(handler, waits)
    assert seen == [9]


def test_a_clean_up_that_takes_too_long_is_cut_off_and_logged(play):
    seen = []

    async def handler(socket):
        await socket.accept()
        try:
            async for _ in socket:
                pass
            await asyncio.Event().wait()
        finally:
            seen.append(now())

    assert play(handler, leaves) == [NOT_DONE + AFTER]
    assert seen == [10]


def test_a_handler_that_is_cut_off_is_counted(play):
    from sockets.steps.stats import stats

    stats.__init__()

    async def handler(socket):
        await socket.accept()
        async for _ in socket:
            pass
        await asyncio.Event().wait()

    play(handler, leaves)
    assert (stats.cut_off, stats.failed, stats.closed) == (1, 0, {"1001": 1})


def test_a_handler_that_ignores_its_last_cancellation_is_left_behind(play):
    seen = []

    async def handler(socket):
        await socket.accept()
        async with groups.join("room", socket):
            with suppress(Disconnected):
                await socket.receive()
            while now() < 20:
                with suppress(asyncio.CancelledError):
                    await asyncio.sleep(20)
        seen.append(now())

    async def scene(client):
        await client.leave()
        assert now() == 11
        assert groups.members == {}
        await asyncio.sleep(30)

    assert play(handler, scene) == [NOT_DONE + AFTER, LEFT_BEHIND]
    assert len(seen) == 1


def test_a_handler_that_is_left_behind_joins_no_group(play):
    seen = []

    async def handler(socket):
        await socket.accept()
        with suppress(Disconnected):
            await socket.receive()
        while now() < 20:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(20)
        with pytest.raises(Disconnected):
            async with groups.join("room", socket):
                seen.append("joined")
        assert groups.members == {}
        seen.append("refused")

    async def scene(client):
        await client.leave()
        await asyncio.sleep(30)

    play(handler, scene)
    assert seen == ["refused"]


def test_a_group_may_be_joined_while_messages_wait_to_be_finished(play):
    seen = []

    async def handler(socket):
        await socket.accept()
        await asyncio.sleep(0.1)  # the peer leaves meanwhile
        async with groups.join("room", socket):
            async for message in socket:
                seen.append(message)
        with pytest.raises(Disconnected):
            async with groups.join("room", socket):
                seen.append("joined")
        seen.append("refused")

    async def says_two_things(client):
        await client.send("one")
        await client.send("two")

    assert play(handler, says_two_things) == []
    assert seen == ["one", "two", "refused"]


# 1. What ends a websocket, before accept()


@pytest.mark.parametrize("obeys_at", [1, 2, 3])
def test_a_step_that_is_too_late_is_answered_cancelled_and_left_behind(
    talk, caplog, obeys_at
):
    cancelled = []

    async def handler(socket):
        for _ in range(obeys_at):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(50)
            cancelled.append(now())

    async def story():
        settings = {**SECONDS, "HANDSHAKE_SECONDS": 3}
        client = talk(handler, sockets=settings, seconds=100)
        with pytest.raises(SocketRefused, match="503: 'no answer in time"):
            await client.__aenter__()
        return now()

    ended = run(story())
    assert ended == {1: 3.5, 2: 13.5, 3: 14.5}[obeys_at]
    assert cancelled[:2] == [3.5, 13.5][: len(cancelled)]
    said = ["refused '/' with 503: no answer in time", NOT_DONE + AFTER, LEFT_BEHIND]
    assert [record.getMessage() for record in caplog.records] == said[:obeys_at]


def test_a_server_that_ends_cancels_the_handler_and_waits_a_second(talk, caplog):
    seen = []

    async def handler(socket):
        await socket.accept()
        try:
            await socket.receive()
        finally:
            seen.append(now())

    async def story():
        client = await talk(handler, sockets=SECONDS).__aenter__()
        await asyncio.sleep(1)
        client._task.cancel()
        await asyncio.wait([client._task])
        assert client._task.cancelled()
        assert [line for line in client.said if "close" in line] == []

    run(story())
    assert seen == [1]
    assert caplog.records == []


def test_an_error_of_the_server_s_receive_reaches_the_server(talk, caplog):
    async def handler(socket):
        await socket.accept()
        with pytest.raises(Disconnected):
            await socket.receive()

    async def story():
        client = talk(handler, sockets=SECONDS)
        get = client._to_handler.get

        async def fails_later():
            event = await get()
            if event["type"] != "websocket.connect":
                raise ValueError("of a middleware")
            return event

        client._to_handler.get = fails_later
        await client.__aenter__()
        with pytest.raises(ValueError, match="of a middleware"):
            await client.leave()

    run(story())


def test_a_second_cancellation_by_the_server_skips_no_function_of_on_end(talk):
    ended = []
    before = waiting.total

    async def handler(socket):
        socket.on_end.append(ended.append)
        await socket.accept()
        while len(socket.inbox.messages) < 2:
            await asyncio.sleep(0.1)

    async def story():
        client = talk(handler, sockets=SECONDS)
        get = client._to_handler.get

        async def obeys_late():
            try:
                return await get()
            except asyncio.CancelledError:
                await asyncio.sleep(0.5)
                raise

        client._to_handler.get = obeys_late
        await client.__aenter__()
        await client.send("one message")
        await client.send("and another one")
        assert await client.closed() == (1000, "")
        await asyncio.sleep(0.1)  # the runner waits for the reader now
        assert ended == []
        client._task.cancel()
        await asyncio.wait([client._task])

    run(story())
    assert len(ended) == 1
    assert waiting.total == before


# 1. What ends a websocket: the rows about others


def test_a_peer_that_stalls_gets_no_goodbye_and_the_log_says_1013(talk, caplog):
    from sockets.steps.stats import stats

    stats.__init__()
    asked = []

    async def handler(socket):
        await socket.accept()
        await socket.send("never read")

    async def story():
        client = talk(handler, sockets=SECONDS, seconds=100)
        send = client._send

        async def stalls(event):
            asked.append(event["type"])
            if event["type"] != "websocket.accept":
                await asyncio.Event().wait()
            await send(event)

        client._send = stalls
        async with client:
            await asyncio.sleep(20)

    run(story())
    assert asked == ["websocket.accept", "websocket.send"]
    said = [record.getMessage() for record in caplog.records]
    assert "closed '/' with 1013: you do not read" in said
    assert stats.closed == {"1013": 1}


def test_an_event_that_the_server_cannot_send_ends_with_1011(talk, caplog):
    async def handler(socket):
        await socket.accept()
        await socket.send("half of \ud800")
        await socket.receive()

    async def story():
        client = talk(handler, sockets=SECONDS, seconds=100)
        send = client._send

        async def encodes(event):
            event.get("text", "").encode()
            await send(event)

        client._send = encodes
        async with client:
            assert await client.closed() == (1011, "")

    run(story())
    assert caplog.records[0].exc_info[0] is UnicodeEncodeError


@pytest.mark.parametrize("accepted", [True, False])
def test_a_restart_is_logged_before_accept_only(talk, caplog, accepted):
    async def handler(socket):
        if accepted:
            await socket.accept()
        socket.stop(1012, "the server restarts")

    async def story():
        client = talk(handler, sockets=SECONDS, seconds=100)
        if accepted:
            async with client:
                assert (await client.closed())[0] == 1012
        else:
            with pytest.raises(SocketRefused, match="503"):
                await client.__aenter__()

    run(story())
    said = [record.getMessage() for record in caplog.records]
    if accepted:
        assert said == []
    else:
        assert said == ["refused '/' with 503: the server restarts"]


def test_a_handler_whose_own_task_calls_close_has_its_seconds(play):
    seen = []

    async def handler(socket):
        await socket.accept()
        child = asyncio.create_task(socket.close(4000))
        await asyncio.sleep(9)  # it has never read
        seen.append(now())
        await child

    async def waits(client):
        assert (await client.closed())[0] == 4000
        await asyncio.sleep(9.1)

    assert play(handler, waits) == []
    assert seen == [9]


# What the peer gets


@pytest.mark.parametrize("how", ["return", "close", "stop"])
def test_the_goodbye_comes_after_what_a_group_has_said(talk, how):
    async def handler(socket):
        await socket.accept()
        async with groups.join("room", socket):
            for number in range(5):
                await groups.publish("room", str(number))
            if how == "close":
                await socket.close(4000)
            elif how == "stop":
                socket.stop(4000)

    async def story():
        reads = asyncio.Event()
        client = talk(handler, sockets=SECONDS, seconds=100)
        reads_after(client, reads)
        async with client:
            asyncio.get_running_loop().call_later(0.01, reads.set)
            got = [await client.receive() for _ in range(5)]
            code, _ = await client.closed()
        return got, code

    assert run(story()) == (list("01234"), 1000 if how == "return" else 4000)


def test_a_sender_in_a_busy_group_waits_for_its_own_message_only(talk):
    seen = []

    async def handler(socket):
        await socket.accept()
        async with groups.join("room", socket):
            await socket.send("mine")
            seen.append(round(now(), 3))

    async def story():
        client = talk(handler, sockets=SECONDS, seconds=100)
        send = client._send

        async def slow(event):
            if event["type"] == "websocket.send":
                await asyncio.sleep(0.1)
            await send(event)

        client._send = slow
        async with client:
            for _ in range(30):  # for 3 s there is always a message in line
                await groups.publish("room", "busy")
                await asyncio.sleep(0.09)

    run(story())
    assert seen == [0.1]


@pytest.mark.parametrize(
    ("reason", "sent"),
    [("half of \ud800", "half of ?"), (None, ""), ("€" * 50, "€" * 41)],
)
@pytest.mark.parametrize("by", ["close", "stop"])
async def test_a_reason_that_no_frame_can_carry_is_made_one_that_it_can(
    talk, reason, sent, by, caplog
):
    async def handler(socket):
        await socket.accept()
        if by == "close":
            await socket.close(4000, reason)
        else:
            socket.stop(4000, reason)
        assert socket.ending.reason == sent

    async with talk(handler) as client:
        assert await client.closed() == (4000, sent)
    caplog.text.encode()  # and what the log says of it can be written


def test_a_peer_that_leaves_behind_a_full_inbox_is_noticed_late(play):
    seen = []

    async def handler(socket):
        await socket.accept()
        await socket.receive()
        try:
            await asyncio.Event().wait()
        finally:
            seen.append(round(now(), 3))

    async def says_more_than_there_are_places_for(client):
        for number in range(10):
            await client.send(str(number))

    said = play(handler, says_more_than_there_are_places_for, INBOX=2, INBOX_SECONDS=3)
    behind = "closed '/' with 1013: the handler has taken no message for 3 s"
    assert said == [behind, NOT_BACK + AFTER]
    assert seen == [13]


# Two sockets, two tasks


async def test_a_message_to_somebody_who_has_left_goes_nowhere(talk, caplog):
    others = []

    async def handler(socket):
        await socket.accept()
        others.append(socket)
        async for message in socket:
            for other in others:
                await other.send(message)

    async with talk(handler) as writer:
        async with talk(handler):
            await asyncio.sleep(0)
        await writer.send("hello")
        assert await writer.receive() == "hello"
        await writer.send("still here")
        assert await writer.receive() == "still here"
    assert not caplog.records


async def test_a_task_that_is_no_handler_s_sends_to_those_who_are_left(talk, caplog):
    """As a task of the lifespan does: it pushes to all that it knows."""

    async def handler(socket):
        await socket.accept()
        others.append(socket)
        await free.wait()  # busy: it does not notice that its peer has left
        with pytest.raises(Disconnected) as told:
            await socket.receive()
        is_first.append(told.value.is_first)

    async def push():
        await everybody_is_here.wait()
        for other in others:
            await other.send("news")

    others, is_first = [], []
    free, everybody_is_here = asyncio.Event(), asyncio.Event()
    pushing = asyncio.create_task(push(), context=Context())
    async with talk(handler) as gone, talk(handler) as client:
        gone._tell({"type": "websocket.disconnect", "code": 1001})
        while len(others) < 2 or others[0].state is State.OPEN:
            await asyncio.sleep(0)
        everybody_is_here.set()
        assert await client.receive() == "news"
        await pushing
        free.set()
        await gone.leave()
    assert is_first[0] is True
    assert not caplog.records


async def test_a_handler_whose_websocket_another_handler_closes_is_told(talk, caplog):
    victims, seen = [], []
    closed = asyncio.Event()

    async def victim(socket):
        await socket.accept()
        victims.append(socket)
        await closed.wait()
        try:
            await socket.send("x")
        except Disconnected as error:
            seen.append((error.code, error.reason))
            raise

    async def closer(socket):
        await socket.accept()
        await victims[0].close(4000, "enough")
        closed.set()

    async with talk(victim) as client:
        async with talk(closer) as other:
            await other.closed()
        assert await client.closed() == (4000, "enough")
    assert seen == [(4000, "enough")]
    assert not caplog.records


def test_a_handler_that_another_handler_closes_does_not_know_of_it(play):
    """It never reads, so a cancellation after LEAVE_SECONDS tells it."""
    seen = []

    async def handler(socket):
        await socket.accept()
        other = Context()
        closes = other.run(close_as_another, socket)
        try:
            await asyncio.Event().wait()
        finally:
            seen.append(now())
            await closes

    def close_as_another(socket):
        connection.current.set(ref(another))
        return asyncio.create_task(socket.close(4000))

    class Another:
        """Stands for the socket of another handler."""

    another = Another()

    async def waits(client):
        assert (await client.closed())[0] == 4000
        await asyncio.sleep(1)

    assert play(handler, waits) == []
    assert seen == [0.5]


async def test_another_websocket_s_end_is_a_failure_that_is_logged(talk, caplog):
    others = []

    async def leaves(socket):
        others.append(socket)
        await socket.accept()

    async def handler(socket):
        await socket.accept()
        await others[0].receive()

    async with talk(leaves):
        pass
    async with talk(handler) as client:
        assert await client.closed() == (1011, "")
    [record] = caplog.records
    assert record.exc_info[0] is Disconnected


async def test_a_second_task_in_receive_is_told_so(talk):
    seen = []

    async def handler(socket):
        await socket.accept()
        first = asyncio.create_task(socket.receive())
        await asyncio.sleep(0)
        with pytest.raises(HandlerError, match="two tasks wait in receive"):
            await socket.receive()
        seen.append(await first)

    async with talk(handler) as client:
        await client.send("for the first")
        await client.closed()
    assert seen == ["for the first"]


def test_a_handler_that_swallows_the_end_stops_nobody_else(play):
    seen = []

    async def handler(socket):
        await socket.accept()
        while True:
            try:
                await socket.receive()
            except Exception:  # the mistake that is tried
                loop.advance(0.001)  # time passes though nobody waits
                continue

    async def scene(client):
        nonlocal loop
        loop = asyncio.get_running_loop()
        await client.leave()
        seen.append(round(now()))

    loop = None
    assert play(handler, scene) == [NOT_DONE + AFTER]
    assert seen == [10]


async def test_a_handler_that_sends_in_a_loop_lets_others_run(talk):
    turns = []

    async def handler(socket):
        await socket.accept()
        other = asyncio.create_task(count())
        for _ in range(320):
            await socket.send("x")
        other.cancel()

    async def count():
        while True:
            turns.append(1)
            await asyncio.sleep(0)

    async with talk(handler) as client:
        for _ in range(320):
            await client.receive()
        await client.closed()
    assert len(turns) >= 9


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_handler_that_sends_to_a_peer_that_is_gone_lets_others_run(
    talk, at_once, monkeypatch
):
    """The server refuses the events, and has not told of the peer's end yet."""
    turns = []

    async def handler(socket):
        await socket.accept()
        other = asyncio.create_task(count())
        for _ in range(320):
            await socket.send("x")
        other.cancel()

    async def count():
        while True:
            turns.append(1)
            await asyncio.sleep(0)

    async def send(client, event):
        if event["type"] == "websocket.send":
            raise ConnectionResetError
        client._from_handler.put_nowait(event)

    monkeypatch.setattr(SocketClient, "_send", send)
    client = talk(handler)
    if not at_once:
        client._send = lambda event: send(client, event)
    async with client:
        await client._task
    assert len(turns) >= 9


async def test_a_clean_up_that_ends_at_a_send_is_logged(talk, caplog):
    async def handler(socket):
        await socket.accept()
        async for _ in socket:
            pass
        await socket.send("to the one who has left")

    async with talk(handler):
        pass
    [record] = caplog.records
    assert record.getMessage().startswith(
        "the handler at '/' used its websocket after it was told of the end"
    )


async def test_a_refusal_s_reason_that_is_no_utf_8_is_sent_with_replacement(talk):
    async def handler(socket):
        raise Refused(409, "half of \ud800")

    with pytest.raises(SocketRefused, match=r"409: 'half of \?"):
        await talk(handler).__aenter__()


@pytest.mark.parametrize("kind", [BadRequest, SessionInterrupted])
@pytest.mark.parametrize("accepted", [True, False])
async def test_django_s_bad_requests_are_the_peer_s_fault(talk, kind, accepted, caplog):
    async def handler(socket):
        if accepted:
            await socket.accept()
        raise kind("no")

    if accepted:
        async with talk(handler) as client:
            assert await client.closed() == (1008, "This looks wrong.")
    else:
        with pytest.raises(SocketRefused, match="400"):
            await talk(handler).__aenter__()
    [record] = caplog.records
    assert record.exc_info is None
