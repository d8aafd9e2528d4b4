"""Groups: one message for many, in one order, and nobody waits for anybody."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from django.db import transaction
from django.http import HttpResponse
from django.test import AsyncClient, override_settings
from django.urls import path
from sockets.codes import HandlerError
from sockets.groups import groups
from sockets.members import Loss


async def room(socket):
    await socket.accept()
    async with groups.join("room", socket):
        await socket.send("in")
        async for message in socket:
            await groups.publish("room", message)


async def several(talk, stack, count, handler=room, **options):
    clients = [
        await stack.enter_async_context(talk(handler, **options)) for _ in range(count)
    ]
    for client in clients:
        assert await client.receive() == "in"
    return clients


async def test_a_message_reaches_every_member_and_its_sender(talk):
    async with AsyncExitStack() as stack:
        clients = await several(talk, stack, 3)
        await clients[0].send("hello")
        await clients[0].send(b"bytes")
        for client in clients:
            assert await client.receive() == "hello"
            assert await client.receive() == b"bytes"


async def test_all_members_see_all_messages_in_the_same_order(talk):
    async with AsyncExitStack() as stack:
        clients = await several(talk, stack, 5)
        for number in range(20):
            for client in clients:
                await client.send(f"{number} of {id(client)}")
        orders = {
            tuple([await client.receive() for _ in range(100)]) for client in clients
        }
    assert len(orders) == 1


async def test_a_member_may_say_where_its_messages_go(talk):
    kept = []

    async def handler(socket):
        await socket.accept()
        async with groups.join("kept", socket, kept.append):
            async for message in socket:
                await groups.publish("kept", message)
                socket.outbox.put(kept[-1])

    async with talk(handler) as client:
        await client.send("hello")
        assert await client.receive() == "hello"
    assert kept == [{"type": "websocket.send", "text": "hello"}]


async def test_who_has_a_put_of_its_own_is_told_that_events_may_have_been_lost(talk):
    kept = []

    async def handler(socket):
        await socket.accept()
        async with (
            groups.join("one", socket),
            groups.join("two", socket, kept.append),
            groups.listen("three", kept.append),
        ):
            for name in ("one", "two", "three", "nobody"):
                groups.deliver(name, Loss())
            await socket.send("told")
            await socket.receive()

    async with talk(handler) as client:
        assert await client.receive() == "told"
    assert kept == [None, None]


async def test_a_put_that_fails_closes_its_member_and_disturbs_nobody(talk, caplog):
    def fail(event):
        raise ZeroDivisionError

    async def handler(socket):
        await socket.accept()
        async with groups.join("room", socket, fail):
            async with groups.listen("room", heard.append):
                assert await groups.publish("room", "hello")
            await socket.receive()

    heard = []
    async with talk(handler) as client:
        assert await client.closed() == (1011, "")
    assert [event["text"] for event in heard] == ["hello"]
    [failed, _] = caplog.records
    assert failed.getMessage() == "a member of 'room' could not take a message"
    assert failed.exc_info[0] is ZeroDivisionError


async def test_a_put_that_takes_its_own_socket_out_disturbs_nobody(talk):
    async def handler(socket):
        def leave(event):
            groups.discard("room", socket)

        await socket.accept()
        await groups.add("room", socket, leave)
        async with groups.listen("room", heard.append):
            for text in ("the last one", "nobody but the listener"):
                assert await groups.publish("room", text)
            await socket.send_json(sorted(socket.groups))

    heard = []
    async with talk(handler) as client:
        assert await client.receive_json() == []
    texts = [event["text"] for event in heard]
    assert texts == ["the last one", "nobody but the listener"]


async def test_a_message_of_a_thread_that_fails_keeps_no_other_one_back(
    application, monkeypatch, caplog
):
    def broken():
        raise ValueError("no address")

    def work():
        with monkeypatch.context() as patch:
            patch.setattr(groups, "find_carrier", broken)
            groups.publish_sync("room", "before")
            loop.call_soon_threadsafe(failed.set)
            caught_up.wait(30)
        groups.publish_sync("room", "after")

    loop = asyncio.get_running_loop()
    failed, caught_up, heard = asyncio.Event(), threading.Event(), asyncio.Queue()
    async with groups.listen("room", heard.put_nowait):
        working = asyncio.create_task(asyncio.to_thread(work))
        await failed.wait()
        assert (await heard.get())["text"] == "before"
        while not caplog.records:
            await asyncio.sleep(0)
        caught_up.set()
        await working
        async with asyncio.timeout(30):
            assert (await heard.get())["text"] == "after"
    [record] = caplog.records
    assert record.getMessage() == "a message to 'room' could not be published"


async def test_code_that_is_no_websocket_s_listens_and_is_not_closed(application):
    heard = []
    async with groups.listen("room", heard.append):
        assert await groups.publish("room", "hello")
        assert await groups.close("room", 4000)
        assert await groups.publish_json("room", 7)
    assert not groups.members
    await groups.publish("room", "after its block")
    assert [event["text"] for event in heard] == ["hello", "7"]
    with pytest.raises(HandlerError, match="a group's name"):
        async with groups.listen("", heard.append):
            pass


async def test_a_member_is_out_however_its_block_ends(talk, caplog):
    async def handler(socket):
        await socket.accept()
        with pytest.raises(ZeroDivisionError):
            async with groups.join("room", socket):
                raise ZeroDivisionError
        assert "room" not in groups.members
        async with groups.join("room", socket):
            pass
        assert "room" not in groups.members
        async with groups.join("room", socket):
            await socket.send("in")
            await socket.receive()

    async with talk(handler) as client:
        assert await client.receive() == "in"
        assert len(groups.members["room"]) == 1
    assert not groups.members
    assert not caplog.records


async def test_a_socket_joins_a_group_once(talk):
    async def handler(socket):
        await socket.accept()
        async with groups.join("room", socket):
            with pytest.raises(HandlerError, match="join once"):
                async with groups.join("room", socket):
                    pass
            async with groups.join("another", socket):
                await socket.send("in two")
                await socket.receive()

    async with talk(handler) as client:
        assert await client.receive() == "in two"
        await groups.publish("room", "one")
        assert await client.receive() == "one"
        await groups.publish("another", "two")
        assert await client.receive() == "two"


async def test_a_member_that_has_closed_hears_no_more_and_disturbs_nobody(talk):
    async def leaver(socket):
        await socket.accept()
        async with groups.join("room", socket):
            await socket.send("in")
            await socket.receive()
            await socket.close()
            await groups.publish("room", "after its close")
            await socket.outbox.flushed()

    async with AsyncExitStack() as stack:
        [stays] = await several(talk, stack, 1)
        [leaves] = await several(talk, stack, 1, leaver)
        await leaves.send("close")
        assert await leaves.closed() == (1000, "")
        assert await stays.receive() == "after its close"


async def test_a_group_without_members_is_no_error(application):
    await groups.publish("nobody", "hello")
    await groups.close("nobody", 4000)
    groups.publish_sync("nobody", "hello")
    groups.close_sync("nobody", 4000)


async def test_a_group_is_closed_with_one_code_for_all(talk):
    async with AsyncExitStack() as stack:
        clients = await several(talk, stack, 3)
        await groups.close("room", 4401, "log in again")
        for client in clients:
            assert await client.closed() == (4401, "log in again")
    assert not groups.members


async def test_a_handler_that_closes_its_own_group_is_closed_with_it(talk):
    async def handler(socket):
        await socket.accept()
        async with groups.join("room", socket):
            await socket.send("in")
            await socket.receive()
            await groups.close("room", 4000, "the end")
            await socket.receive()

    async with AsyncExitStack() as stack:
        one, other = await several(talk, stack, 2, handler)
        await one.send("end it")
        assert await one.closed() == await other.closed() == (4000, "the end")


async def test_another_thread_publishes_and_closes(talk):
    def work():
        groups.publish_sync("room", "from a thread")
        groups.publish_sync("room", b"in this order")
        groups.close_sync("room", 4000, "and the end")

    async with AsyncExitStack() as stack:
        clients = await several(talk, stack, 2)
        with ThreadPoolExecutor(1) as threads:
            await asyncio.get_running_loop().run_in_executor(threads, work)
        for client in clients:
            assert await client.receive() == "from a thread"
            assert await client.receive() == b"in this order"
            assert await client.closed() == (4000, "and the end")


@pytest.mark.parametrize("where", ["in the loop", "in a thread"])
async def test_what_is_awaited_comes_after_what_was_published_before(talk, where):
    def work():
        for number in range(1000):
            groups.publish_sync("room", str(number))

    async with AsyncExitStack() as stack:
        [client] = await several(talk, stack, 1)
        if where == "in the loop":
            work()
        else:
            await sync_to_async(work)()
        await groups.publish("room", "done")
        await groups.close("room", 4000, "that was all")
        for number in range(1000):
            assert await client.receive() == str(number)
        assert await client.receive() == "done"
        assert await client.closed() == (4000, "that was all")


async def test_what_another_loop_has_left_keeps_nobody_waiting(application):
    """Threads have published, and their event loop has ended before it was told."""

    async def leave_some():
        for number in range(100):  # 32 in a turn
            groups.publish_sync("room", f"never delivered: {number}")

    def run():
        loop = asyncio.new_event_loop()
        groups.loop = loop
        loop.run_until_complete(leave_some())
        loop.close()

    await asyncio.to_thread(run)
    assert groups._from_threads
    heard = []
    async with groups.listen("room", heard.append), asyncio.timeout(30):
        await groups.publish("room", "hello")
    assert "hello" in [event["text"] for event in heard]
    groups._from_threads.clear()


async def test_a_transaction_publishes_when_it_is_committed_and_only_then(talk, tables):
    async def ring(fail):
        def work():
            with transaction.atomic():
                transaction.on_commit(lambda: groups.publish_sync("room", "stored"))
                groups.publish_sync("room", "not yet")
                if fail:
                    raise ZeroDivisionError

        await sync_to_async(work)()

    async with AsyncExitStack() as stack:
        [client] = await several(talk, stack, 1)
        await ring(fail=False)
        assert await client.receive() == "not yet"
        assert await client.receive() == "stored"
        with pytest.raises(ZeroDivisionError):
            await ring(fail=True)
        assert await client.receive() == "not yet"
        await groups.publish("room", "nothing was stored")
        assert await client.receive() == "nothing was stored"


def view(request):
    groups.publish_sync("room", f"{request.GET['name']} has bought it")
    return HttpResponse("done")


urlpatterns = [path("buy/", view)]


async def test_a_synchronous_view_publishes(talk):
    async with AsyncExitStack() as stack:
        [client] = await several(talk, stack, 1)
        with override_settings(ROOT_URLCONF=tuple(urlpatterns)):
            page = await AsyncClient().get("/buy/?name=Anna")
        assert page.content == b"done"
        assert await client.receive() == "Anna has bought it"


async def test_nothing_is_published_into_a_loop_that_has_ended(application):
    def another_life():
        async def join():
            groups.loop = asyncio.get_running_loop()

        asyncio.run(join())
        groups.publish_sync("room", "hello")

    await sync_to_async(another_life)()


async def test_a_member_that_never_reads_delays_nobody(talk, caplog):
    """Its server's ``send`` waits for ever; the others have all messages at once."""
    sockets = {"OUTBOX": 5, "SEND_SECONDS": 5}
    async with AsyncExitStack() as stack:
        stalled, *others = await several(talk, stack, 4, sockets=sockets)
        reads = asyncio.Event()
        send = stalled._send

        async def wait(event):
            await reads.wait()
            await send(event)

        [member, *_] = groups.members["room"]
        member.outbox.send = wait
        for number in range(7):
            await groups.publish("room", str(number))
            for other in others:  # each is there already
                assert other._from_handler.get_nowait()["text"] == str(number)
        reads.set()  # in time: it hears why it has to leave
        while (said := await stalled._next())["type"] == "websocket.send":
            pass
        assert (said["code"], said["reason"]) == (
            1013,
            "too many messages wait for you",
        )
        assert list(groups.members["room"]) and member not in groups.members["room"]
    [record] = caplog.records
    assert record.exc_info is None


async def test_a_publisher_is_not_delayed_by_its_own_stalled_socket(talk):
    """It hears others, and they hear it, while nothing goes out to it."""
    async with AsyncExitStack() as stack:
        stalled, other = await several(talk, stack, 2, sockets={"SEND_SECONDS": 5})

        async def never(event):
            await asyncio.Event().wait()

        [member, *_] = groups.members["room"]
        member.outbox.send = never
        for number in range(3):
            await stalled.send(str(number))
            assert await other.receive() == str(number)


# Names and messages


@pytest.mark.parametrize("name", [7, UUID(int=7), None, b"room"])
async def test_a_name_that_is_not_text_gets_a_sentence(application, name):
    kind = type(name).__name__
    with pytest.raises(HandlerError, match=f"is a str, and .* is of type {kind}"):
        await groups.publish(name, "hello")


@pytest.mark.parametrize("name", ["می‌خواهم", "👨‍👩‍👧", "क्‍ष"])
async def test_a_name_may_have_joiners_as_persian_and_emoji_do(application, name):
    heard = []
    async with groups.listen(name, heard.append):
        await groups.publish(name, "hello")
    assert [event["text"] for event in heard] == ["hello"]


@pytest.mark.parametrize("name", ["", "\u200d", "a\u200b", "a\u202eb", "\ud800", "a\n"])
async def test_a_name_that_nobody_can_see_gets_a_sentence(application, name):
    with pytest.raises(HandlerError, match="1 to 100 printable characters"):
        await groups.publish(name, "hello")


async def test_half_of_a_surrogate_pair_is_the_publisher_s_error(application):
    with pytest.raises(HandlerError, match="UTF-8 can carry"):
        await groups.publish("room", "\ud83d")


async def test_a_close_may_have_any_text_as_its_reason(talk):
    async with AsyncExitStack() as stack:
        [client] = await several(talk, stack, 1)
        await groups.close("room", 4000, "half \ud83d")
        assert await client.closed() == (4000, "half ?")


# Other threads, and processes without websockets


async def test_another_thread_s_loop_hands_over_and_a_late_reader_gets_all(talk):
    """As `async_to_sync` does in a thread, and as schedulers do."""

    def work():
        async def publish():
            return [await groups.publish("room", str(n)) for n in range(3)]

        return asyncio.run(publish())

    async with AsyncExitStack() as stack:
        [client] = await several(talk, stack, 1)
        reads_late = asyncio.Event()
        send = client._send

        async def wait(event):
            await reads_late.wait()
            await send(event)

        [member] = groups.members["room"]
        member.outbox.send = wait
        assert await asyncio.to_thread(work) == [True] * 3
        reads_late.set()
        assert [await client.receive() for _ in range(3)] == ["0", "1", "2"]


async def test_members_of_another_running_loop_get_a_sentence(talk):
    def work():
        async def listen():
            async with groups.listen("room", print):
                pass

        asyncio.run(listen())

    async with AsyncExitStack() as stack:
        await several(talk, stack, 1)
        with pytest.raises(HandlerError, match="live in one event loop"):
            await asyncio.to_thread(work)


@pytest.fixture
def alone(application, monkeypatch):
    """As in a management command: no websocket has been here."""
    monkeypatch.setattr(groups, "loop", None)
    monkeypatch.setattr(groups, "warned", False)


def test_a_process_without_websockets_and_redis_warns_once(alone, caplog):
    groups.publish_sync("room", "hello")
    groups.publish_sync("room", "hello")
    asyncio.run(groups.publish("room", "hello"))
    groups.close_sync("room", 4000)
    [record] = caplog.records
    assert record.levelname == "WARNING"
    assert "'room' reaches nobody" in record.getMessage()
    assert 'SOCKETS["REDIS_URL"]' in record.getMessage()


def test_a_process_that_publishes_in_a_loop_of_its_own_warns_too(alone, caplog):
    asyncio.run(groups.publish("room", "hello"))
    [record] = caplog.records
    assert "reaches nobody" in record.getMessage()


async def test_a_server_without_connections_does_not_warn(alone, caplog):
    async with groups.lifetime():
        await groups.publish("room", "hello")
        await asyncio.to_thread(groups.publish_sync, "room", "hello")
    assert not caplog.records


# Blocks that are written in another way


async def test_a_join_that_is_not_an_async_with_says_how_it_is_written(talk):
    async def handler(socket):
        await socket.accept()
        how = "write  async with groups.join\\(name, socket\\):"
        with pytest.raises(HandlerError, match=f"'await' alone: {how}"):
            await groups.join("room", socket)
        with pytest.raises(HandlerError, match=f"'with' alone: {how}"):
            with groups.join("room", socket):
                pass
        with pytest.warns(RuntimeWarning, match=f"never entered: {how}") as warnings:
            groups.join("room", socket)
        assert warnings[0].filename == __file__
        await socket.send("all said")

    async with talk(handler) as client:
        assert await client.receive() == "all said"
    assert not groups.members


async def test_a_listen_that_is_not_an_async_with_says_how_it_is_written(application):
    with pytest.raises(HandlerError, match=r"async with groups\.listen"):
        await groups.listen("room", print)


# Membership by command, and all but one


async def test_a_socket_joins_and_leaves_by_command_as_often_as_it_likes(talk):
    async def handler(socket):
        await socket.accept()
        async for message in socket:
            if message == "in":
                await groups.add("room", socket)
                await groups.add("room", socket)
            else:
                groups.discard("room", socket)
                groups.discard("room", socket)
            await socket.send("done")

    async with talk(handler) as client:
        for change, members in [("in", 1), ("out", 0), ("in", 1)]:
            await client.send(change)
            assert await client.receive() == "done"
            assert len(groups.members.get("room", ())) == members
        await groups.publish("room", "once")
        await groups.publish("room", "twice")
        assert await client.receive() == "once"
        assert await client.receive() == "twice"
    assert not groups.members


async def test_a_command_says_what_a_block_says(talk):
    async def handler(socket):
        with pytest.raises(HandlerError, match=r"accept\(\) first"):
            await groups.add("room", socket)
        await socket.accept()
        await groups.add("room", socket, print)
        with pytest.raises(HandlerError, match="join once"):
            await groups.add("room", socket)  # with another way for its messages
        await groups.add("another", socket)

    async with talk(handler, sockets={"GROUPS": 1}) as client:
        assert await client.closed() == (1008, "too many groups")
    assert not groups.members


async def test_an_add_that_is_cancelled_while_it_waits_joins_nothing(talk, monkeypatch):
    class Away:
        """Redis, on a day when it does not answer."""

        async def follow(self, name):
            await asyncio.Event().wait()

        def leave(self, name):
            left.append(name)

    async def handler(socket):
        await socket.accept()
        with monkeypatch.context() as patch, pytest.raises(TimeoutError):
            patch.setattr(groups, "find_carrier", Away)
            async with asyncio.timeout(0):
                await groups.add("room", socket)
        await socket.send_json(sorted(socket.groups))

    left = []
    async with talk(handler) as client:
        assert await client.receive_json() == []
        assert "room" not in groups.members
        assert left == ["room"]


async def test_all_but_the_sender_get_a_message(talk):
    async def handler(socket):
        await socket.accept()
        async with groups.join("room", socket):
            await socket.send("in")
            async for message in socket:
                await groups.publish("room", message, but=socket)
                await groups.publish_json("room", [message], but=socket)
                work = sync_to_async(groups.publish_json_sync)
                await work("room", {"by": "a thread"}, but=socket)
                await socket.send("sent")

    async with AsyncExitStack() as stack:
        sender, *others = await several(talk, stack, 3, handler)
        await sender.send("hello")
        assert await sender.receive() == "sent"
        for other in others:
            assert await other.receive() == "hello"
            assert await other.receive_json() == ["hello"]
            assert await other.receive_json() == {"by": "a thread"}


async def test_but_is_a_socket_and_nothing_else(application):
    with pytest.raises(HandlerError, match="but= is a Socket, and not 'anna'"):
        await groups.publish("room", "hello", but="anna")
