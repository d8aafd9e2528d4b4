"""The life of a websocket: how it ends, by whom, and what the other side is told."""

import asyncio
from contextlib import suppress

import pytest
from sockets.codes import BadMessage, Disconnected, HandlerError
from sockets.groups import groups
from sockets.testing import SocketRefused

from tests.support.clients import reads_after

QUICKLY = {"LEAVE_SECONDS": 0.01, "CLEANUP_SECONDS": 0.01}


async def test_a_handler_that_returns_says_goodbye_with_1000(talk, caplog):
    async def handler(socket):
        await socket.accept()

    async with talk(handler) as client:
        assert await client.closed() == (1000, "")
    assert not caplog.records


async def test_a_handler_that_fails_closes_with_1011_and_is_logged_once(talk, caplog):
    async def handler(socket):
        await socket.accept()
        raise ValueError("a secret of ours")

    async with talk(handler) as client:
        assert await client.closed() == (1011, "")
    [record] = caplog.records
    assert record.getMessage() == "the handler at '/' failed"
    assert record.exc_info[0] is ValueError


async def test_the_error_in_a_task_group_is_taken_out_of_its_group(talk, caplog):
    async def handler(socket):
        await socket.accept()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(socket.receive_json())

    async with talk(handler) as client:
        await client.send("no JSON")
        assert (await client.closed())[0] == 1007
    [record] = caplog.records
    assert record.exc_info is None


async def test_a_task_group_that_ends_as_the_peer_leaves_is_no_failure(talk, caplog):
    async def handler(socket):
        await socket.accept()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(socket.receive())

    async with talk(handler):
        pass
    assert not caplog.records


async def test_in_a_task_group_a_failure_counts_more_than_that_the_peer_has_left(
    talk, caplog
):
    async def handler(socket):
        await socket.accept()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(socket.receive())
            try:
                await asyncio.Event().wait()
            finally:
                raise ValueError("on the way out")

    async with talk(handler):
        pass
    [record] = caplog.records
    assert record.exc_info[0] is ValueError


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_in_a_task_group_a_failure_counts_more_than_a_bad_message(
    talk, caplog, order
):
    errors = [BadMessage("no such move"), ValueError("a fault of ours")]

    async def handler(socket):
        await socket.accept()
        raise ExceptionGroup("both", [errors[number] for number in order])

    async with talk(handler) as client:
        assert await client.closed() == (1011, "")
    [record] = caplog.records
    assert record.exc_info[0] is ValueError


async def test_each_failure_in_a_task_group_is_logged(talk, caplog):
    async def handler(socket):
        await socket.accept()
        inner = ExceptionGroup("inner", [KeyError("second")])
        raise ExceptionGroup("outer", [ValueError("first"), inner])

    async with talk(handler) as client:
        assert await client.closed() == (1011, "")
    kinds = [record.exc_info[0] for record in caplog.records]
    assert kinds == [ValueError, KeyError]


async def test_a_task_of_its_own_that_was_cancelled_fails_a_handler(talk, caplog):
    async def handler(socket):
        await socket.accept()
        task = asyncio.create_task(asyncio.Event().wait())
        task.cancel()
        await task

    async with talk(handler) as client:
        assert await client.closed() == (1011, "")
    assert len(caplog.records) == 1


@pytest.mark.parametrize("accepted", [True, False])
async def test_a_handler_that_the_site_s_own_code_cancels_has_failed(
    talk, caplog, accepted
):
    async def handler(socket):
        if accepted:
            await socket.accept()
        mine = asyncio.current_task()
        child = asyncio.create_task(cancels(mine))
        await asyncio.Event().wait()
        await child

    async def cancels(task):
        task.cancel()

    if accepted:
        async with talk(handler) as client:
            assert await client.closed() == (1011, "")
    else:
        with pytest.raises(SocketRefused, match="500"):
            await talk(handler).__aenter__()
    [record] = caplog.records
    assert record.getMessage() == "the handler at '/' was cancelled by the site's code"
    assert record.exc_info[0] is asyncio.CancelledError


async def test_a_time_out_of_its_own_fails_a_handler(talk, caplog):
    async def handler(socket):
        await socket.accept()
        async with asyncio.timeout(0):
            await asyncio.Event().wait()

    async with talk(handler) as client:
        assert await client.closed() == (1011, "")
    [record] = caplog.records
    assert record.exc_info[0] is TimeoutError


async def test_a_handler_closes_with_a_code_and_a_reason(talk):
    async def handler(socket):
        await socket.accept()
        await socket.send("the last message")
        await socket.close(4001, "that was all")

    async with talk(handler) as client:
        assert await client.receive() == "the last message"
        assert await client.closed() == (4001, "that was all")


async def test_a_reason_is_cut_off_at_123_bytes_between_characters(talk):
    async def handler(socket):
        await socket.accept()
        await socket.close(4001, "€" * 42)

    async with talk(handler) as client:
        assert await client.closed() == (4001, "€" * 41)


async def test_what_comes_at_the_wrong_time_is_named_in_a_sentence(talk, caplog):
    said = []

    async def note(call):
        with pytest.raises(HandlerError) as error:
            await call
        said.append(str(error.value))

    async def handler(socket):
        await note(socket.send("too early"))
        await note(socket.receive())
        await note(socket.close())
        with pytest.raises(HandlerError, match="accept"):
            async with groups.join("room", socket):
                pass
        await socket.accept()
        await note(socket.accept())
        await socket.close()
        await socket.close(4001, "a second goodbye")
        await note(socket.send("too late"))
        with pytest.raises(Disconnected):
            await socket.receive()
        with pytest.raises(Disconnected):
            await socket.receive()

    async with talk(handler) as client:
        assert await client.closed() == (1000, "")
    assert said == [
        "before send() comes: await socket.accept()",
        "before receive() comes: await socket.accept()",
        "before accept() there is no close(): raise Refused",
        "accept() comes once, and this is the second",
        "send() came after close()",
    ]
    assert not caplog.records


async def test_after_the_peer_has_left_all_calls_say_so(talk, caplog):
    heard = []

    async def handler(socket):
        await socket.accept()
        for call in (socket.receive, socket.receive, lambda: socket.send("x")):
            with pytest.raises(Disconnected) as error:
                await call()
            heard.append(error.value.code)
        async for _ in socket:
            heard.append("a message")
        await socket.close()

    async with talk(handler) as client:
        await client.leave(4321)
    assert heard == [4321] * 3
    assert [line for line in client.said if line.startswith("←")][1:] == []
    assert not caplog.records


async def test_messages_sent_just_before_the_peer_s_goodbye_still_arrive(talk):
    heard = []

    async def handler(socket):
        await socket.accept()
        async for message in socket:
            heard.append(message)

    async with talk(handler) as client:
        for number in range(20):
            await client.send(str(number))
    assert heard == [str(number) for number in range(20)]


async def test_a_handler_that_never_reads_ends_with_its_peer(talk):
    ended = asyncio.Event()

    async def handler(socket):
        await socket.accept()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with talk(handler):  # it waits for the handler's end
        pass
    assert ended.is_set()


async def test_a_handler_gets_its_time_to_end_after_its_peer(talk, caplog):
    ended = asyncio.Event()

    async def handler(socket):
        await socket.accept()
        async for _ in socket:
            pass
        await asyncio.sleep(0.02)
        ended.set()

    async with talk(handler, sockets={"LEAVE_SECONDS": 20}):
        pass
    assert ended.is_set()
    assert not caplog.records


async def test_a_handler_that_swallows_its_cancellation_is_left_behind(
    talk, caplog, monkeypatch
):
    monkeypatch.setattr("sockets.deadline.PATIENCE", 0.01)
    goes_on = asyncio.Event()
    ended = asyncio.Event()

    async def handler(socket):
        await socket.accept()
        async with groups.join("room", socket):
            while not goes_on.is_set():
                with suppress(asyncio.CancelledError):
                    await goes_on.wait()
            with suppress(Disconnected):
                await socket.send("nobody hears it")
        ended.set()

    sockets = {"LEAVE_SECONDS": 0.01, "CLEANUP_SECONDS": 0.01}
    async with talk(handler, sockets=sockets) as client:
        pass
    assert [r.getMessage() for r in caplog.records] == [
        "the handler at '/' was not done with its clean-up within 0.01 s after its "
        "websocket's end: cancelled",
        "the handler at '/' goes on after its end",
    ]
    assert not groups.members
    goes_on.set()
    await ended.wait()
    assert "nobody" not in "".join(client.said)


async def test_a_handler_that_is_told_to_end_and_swallows_it_is_closed_for(
    talk, caplog, monkeypatch
):
    monkeypatch.setattr("sockets.deadline.PATIENCE", 0.01)
    goes_on = asyncio.Event()

    async def handler(socket):
        await socket.accept()
        async with groups.join("room", socket):
            await socket.send("in")
            while not goes_on.is_set():
                with suppress(asyncio.CancelledError):
                    await goes_on.wait()

    async with talk(handler, sockets=QUICKLY) as client:
        await client.receive()
        await groups.close("room", 4401, "log in again")
        assert await client.closed() == (4401, "log in again")
        goes_on.set()


async def test_a_handler_that_obeys_at_the_second_try_is_closed_for(talk, monkeypatch):
    monkeypatch.setattr("sockets.deadline.PATIENCE", 0.01)

    async def handler(socket):
        await socket.accept()
        socket.stop(4401, "log in again")
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    async with talk(handler, sockets=QUICKLY) as client:
        assert await client.closed() == (4401, "log in again")


async def test_a_handler_that_swallows_its_end_before_accept_is_refused_for(
    talk, caplog, monkeypatch
):
    monkeypatch.setattr("sockets.deadline.PATIENCE", 0.01)
    goes_on = asyncio.Event()

    async def handler(socket):
        socket.stop(1012, "the server restarts")
        while not goes_on.is_set():
            with suppress(asyncio.CancelledError):
                await goes_on.wait()

    try:
        with pytest.raises(SocketRefused, match="503: 'the server restarts"):
            await talk(handler, sockets=QUICKLY).__aenter__()
    finally:
        goes_on.set()


async def test_a_peer_that_leaves_during_the_handshake_ends_the_step(talk, caplog):
    begun = asyncio.Event()
    ended = asyncio.Event()

    async def handler(socket):
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    client = talk(handler, sockets={"LEAVE_SECONDS": 0.01})
    opening = asyncio.create_task(client.__aenter__())
    await begun.wait()
    client._tell({"type": "websocket.disconnect", "code": 1006, "reason": ""})
    with pytest.raises(AssertionError, match="refused with 403"):
        await opening
    assert ended.is_set()
    assert not caplog.records


async def test_accept_after_the_peer_has_left_says_so(talk, caplog):
    begun, left = asyncio.Event(), asyncio.Event()

    async def handler(socket):
        begun.set()
        await left.wait()
        await socket.accept()

    client = talk(handler)
    opening = asyncio.create_task(client.__aenter__())
    await begun.wait()
    client._tell({"type": "websocket.disconnect", "code": 1006, "reason": ""})
    await asyncio.sleep(0)  # the runner reads it
    left.set()
    with pytest.raises(AssertionError, match="refused with 403"):
        await opening
    assert not caplog.records


async def test_a_full_inbox_makes_the_peer_wait_and_loses_nothing(talk):
    free = asyncio.Event()
    heard = []

    async def handler(socket):
        await socket.accept()
        await free.wait()
        async for message in socket:
            heard.append(message)

    async with talk(handler, sockets={"INBOX": 3}) as client:
        for number in range(10):
            await client.send(str(number))
        while client._to_handler.qsize() > 6:
            await asyncio.sleep(0)
        for _ in range(100):
            await asyncio.sleep(0)  # nothing more is read, however long we wait
        assert client._to_handler.qsize() == 6  # 3 in the inbox, one in the hand
        free.set()
    assert heard == [str(number) for number in range(10)]


async def test_a_handler_that_does_not_empty_its_inbox_is_closed_with_1013(
    talk, caplog
):
    async def handler(socket):
        await socket.accept()
        await asyncio.Event().wait()

    sockets = {"INBOX": 2, "INBOX_SECONDS": 0.01}
    async with talk(handler, sockets=sockets) as client:
        for _ in range(3):
            await client.send("x")
        assert await client.closed() == (
            1013,
            "the handler has taken no message for 0.01 s",
        )
    [record] = caplog.records
    assert record.exc_info is None


async def test_a_handler_that_sends_waits_for_a_peer_that_is_behind(talk):
    reads, sent = asyncio.Event(), []

    async def handler(socket):
        await socket.accept()
        for number in range(10):
            await socket.send(str(number))
            sent.append(number)

    client = talk(handler, sockets={"OUTBOX": 2})
    reads_after(client, reads)
    async with client:
        for _ in range(20):
            await asyncio.sleep(0)  # however often it could go on
        assert sent == []
        reads.set()
        assert [int(await client.receive()) for _ in range(10)] == list(range(10))


async def test_a_message_that_a_cancelled_receive_missed_is_not_lost(talk):
    async def handler(socket):
        await socket.accept()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await socket.receive()
        await socket.send("go on")
        await socket.send(await socket.receive())

    async with talk(handler) as client:
        assert await client.receive() == "go on"
        await client.send("hello")
        assert await client.receive() == "hello"


@pytest.mark.parametrize("code", [0, 999, 1005, 1006, 1015, 2000, 5000])
@pytest.mark.parametrize("by", ["close", "BadMessage", "groups.close"])
async def test_a_code_that_is_never_sent_is_the_handler_s_error(talk, caplog, by, code):
    async def handler(socket):
        await socket.accept()
        if by == "close":
            await socket.close(code)
        elif by == "BadMessage":
            raise BadMessage("no", code)
        else:
            await groups.close("room", code)

    async with talk(handler) as client:
        assert await client.closed() == (1011, "")
    assert f"3000 to 4999, and not {code}" in caplog.text


async def test_a_bad_message_of_one_s_own_closes_with_its_code(talk, caplog):
    async def handler(socket):
        await socket.accept()
        raise BadMessage("there is no such move", 4009)

    async with talk(handler) as client:
        assert await client.closed() == (4009, "there is no such move")
    [record] = caplog.records
    assert record.exc_info is None


async def test_the_handshake_s_language_and_prefix_are_the_handler_s(talk):
    from django.urls import get_script_prefix

    async def handler(socket):
        await socket.accept()
        await socket.send(get_script_prefix())

    client = talk(handler, "/site/ws/")
    scope = client._scope() | {"root_path": "/site"}
    client._scope = lambda: scope
    async with client:
        assert await client.receive() == "/site/"
