"""Events that each receiver handles itself: one loop for its peer and its groups."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from asgiref.sync import sync_to_async
from sockets import events, waiting
from sockets.codes import HandlerError
from sockets.events import Event, Lost
from sockets.groups import Groups, groups
from sockets.members import Loss

from tests.support.readmes import python_of
from tests.support.redis_server import running_redis


async def room(socket):
    """Each member decides by itself what its peer is told."""
    await socket.accept()
    muted = set()
    async with events.of(socket, "room") as feed:
        await socket.send("in")
        async for item in feed:
            match item:
                case Event(value={"who": who, "text": text}):
                    if who not in muted:
                        await socket.send(f"{who}: {text}")
                case str() if item.startswith("mute "):
                    muted.add(item.removeprefix("mute "))
                case str():
                    said = {"who": socket.request.GET["who"], "text": item}
                    await groups.publish_json("room", said)


async def test_each_receiver_handles_an_event_by_itself(talk):
    async with talk(room, "/?who=anna") as anna, talk(room, "/?who=ben") as ben:
        for client in (anna, ben):
            assert await client.receive() == "in"
        await anna.send("mute ben")
        await ben.send("hello")
        assert await ben.receive() == "ben: hello"
        await anna.send("is it quiet here?")
        for client in (anna, ben):
            assert await client.receive() == "anna: is it quiet here?"
    assert not groups.members


async def test_synchronous_code_sends_an_event(talk):
    async with talk(room, "/?who=anna") as anna:
        assert await anna.receive() == "in"
        event = {"who": "the shop", "text": "sold"}
        await sync_to_async(groups.publish_json_sync)("room", event)
        assert await anna.receive() == "the shop: sold"


async def test_each_receiver_has_a_value_of_its_own(talk):
    """One that changes it changes nothing for the others."""

    async def handler(socket):
        await socket.accept()
        async with events.of(socket, "room") as feed:
            await socket.send("in")
            event = await feed.receive()
            event.value["seen"].append("once")
            await socket.send_json(event.value)

    async with talk(handler) as one, talk(handler) as other:
        for client in (one, other):
            assert await client.receive() == "in"
        await groups.publish_json("room", {"seen": []})
        assert await one.receive_json() == {"seen": ["once"]}
        assert await other.receive_json() == {"seen": ["once"]}


async def test_messages_and_events_that_wait_take_turns(talk):
    async def handler(socket):
        await socket.accept()
        async with events.of(socket, "room") as feed:
            for number in range(3):
                await groups.publish("room", f"event {number}")
            while len(socket.inbox.messages) < 3:
                await asyncio.sleep(0)
            for _ in range(6):
                item = await feed.receive()
                await socket.send(item.message if isinstance(item, Event) else item)

    async with talk(handler) as client:
        for number in range(3):
            await client.send(f"message {number}")
        assert [await client.receive() for _ in range(6)] == [
            f"{kind} {number}" for number in range(3) for kind in ("event", "message")
        ]


async def test_a_feed_takes_groups_and_gives_them_back(talk):
    async def handler(socket):
        await socket.accept()
        async with events.of(socket) as feed:
            async for item in feed:
                match item:
                    case Event(group=name, message=text):
                        await socket.send(f"{name} {text}")
                    case str() if item.startswith("-"):
                        feed.discard(item[1:])
                        await socket.send("done")
                    case str():
                        await feed.add(item)
                        await feed.add(item)  # a second time it changes nothing
                        await socket.send("done")

    async with talk(handler) as client:
        for change in ("one", "two", "-one"):
            await client.send(change)
            assert await client.receive() == "done"
        assert "one" not in groups.members
        await groups.publish("one", "unheard")
        await groups.publish("two", "heard")
        assert await client.receive() == "two heard"
    assert not groups.members


@pytest.mark.parametrize(
    "sockets", [{"EVENTS": 3}, {"EVENTS_BYTES": 3 * waiting.size_of("event 0")}]
)
async def test_a_handler_that_lets_too_many_events_wait_is_closed_with_1013(
    talk, sockets
):
    """Its peer's messages are still its own to finish; and nobody waits for it."""
    done = []

    async def handler(socket):
        await socket.accept()
        async with events.of(socket, "room") as feed:
            await socket.send("in")
            await busy.wait()
            async for item in feed:
                done.append(item)

    busy = asyncio.Event()
    before = waiting.total
    async with talk(handler, sockets=sockets) as client:
        assert await client.receive() == "in"
        await client.send("save this")
        [member] = groups.members["room"]
        while not member.inbox.messages:
            await asyncio.sleep(0)
        for number in range(3):
            await groups.publish("room", f"event {number}")
        assert waiting.total > before
        await groups.publish("room", "event 3")
        reason = "too many events wait for the handler"
        assert await client.closed() == (1013, reason)
        busy.set()
    assert done == ["save this"]
    assert waiting.total == before


async def test_a_handler_that_keeps_up_gets_as_many_events_as_come(talk):
    sockets = {"EVENTS": 1, "EVENTS_BYTES": waiting.size_of("event 0")}

    async def handler(socket):
        await socket.accept()
        async with events.of(socket, "room") as feed:
            for number in range(3):
                await groups.publish("room", f"event {number}")
                await socket.send((await feed.receive()).message)

    async with talk(handler, sockets=sockets) as client:
        for number in range(3):
            assert await client.receive() == f"event {number}"


async def test_a_receiver_is_told_that_events_may_have_been_lost(talk):
    async def handler(socket):
        await socket.accept()
        async with events.of(socket, "room") as feed:
            groups.deliver("room", Loss())
            assert await feed.receive() == Lost("room")
            await socket.send("told")

    async with talk(handler) as client:
        assert await client.receive() == "told"


async def test_a_handler_busy_with_events_is_not_taken_for_one_that_never_reads(talk):
    """Such a one would be cancelled LEAVE_SECONDS after its websocket's end."""

    async def handler(socket):
        await socket.accept()
        async with events.of(socket, "room") as feed:
            groups.deliver("room", Loss())
            await feed.receive()
            await socket.send_json(socket.inbox.has_received)

    async with talk(handler) as client:
        assert await client.receive_json() is True


async def test_a_receive_that_is_cancelled_loses_no_event(talk):
    async def handler(socket):
        await socket.accept()
        async with events.of(socket, "room") as feed:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0):
                    await feed.receive()
            await groups.publish("room", "one")
            await socket.send((await feed.receive()).message)
            with pytest.raises(HandlerError, match="an event is JSON"):
                _ = Event("room", "one").value

    async with talk(handler) as client:
        assert await client.receive() == "one"
        assert await client.closed() == (1000, "")


async def test_a_peer_s_json_is_read_beside_events(talk):
    async def handler(socket):
        await socket.accept()
        async with events.of(socket, "room") as feed:
            async for item in feed:
                await socket.send_json(feed.loads(item))

    async with talk(handler) as client:
        await client.send_json({"a": 1})
        assert await client.receive_json() == {"a": 1}
        await client.send("{")
        assert (await client.closed())[0] == 1007


async def test_an_event_of_another_process_reaches_its_receivers(talk, tmp_path):
    from sockets.redis.setting import carrier_for

    with running_redis(tmp_path) as server:
        sockets = {"REDIS_URL": server.url, "PUBLISH_SECONDS": 30}
        async with AsyncExitStack() as stack:
            anna = talk(room, "/?who=anna", sockets)
            await stack.enter_async_context(anna)
            assert await anna.receive() == "in"
            elsewhere = Groups()
            elsewhere.find_carrier = carrier_for(elsewhere)
            event = {"who": "ben", "text": "hello"}
            assert await elsewhere.publish_json("room", event)
            assert await anna.receive() == "ben: hello"
            await elsewhere.hang_up()
        await groups.hang_up()


# What the reference shows


def names_of(heading, word):
    """What the one snippet below ``heading`` that has ``word`` defines."""
    [program] = [
        block for block in python_of("04_django_wrapper", heading) if word in block
    ]
    names = {"__name__": "snippet"}
    exec(program, names)
    return names


async def test_the_reference_s_room_mutes_somebody(talk, tables):
    from django.contrib.auth.models import User

    names = names_of("Events that each receiver handles itself", "mute")

    async def handler(socket):
        await names["room"](socket, "lobby")

    anna = await User.objects.acreate(username="anna")
    ben = await User.objects.acreate(username="ben")
    async with talk(handler, user=anna) as a, talk(handler, user=ben) as b:
        await a.send("/mute ben")
        await b.send("hello")
        assert await b.receive_json() == {"who": "ben", "text": "hello"}
        await a.send("quiet")
        for client in (a, b):
            assert await client.receive_json() == {"who": "anna", "text": "quiet"}
        groups.deliver("room-lobby", Loss())
        assert await a.receive_json() == {"reload": True}
    await User.objects.all().adelete()


async def test_the_reference_s_prices_are_watched_by_command(talk):
    names = names_of("Groups by command, and all but one", "prices")
    async with talk(names["prices"]) as client:
        for share, watched in [("watch a", {"share-a"}), ("leave a", set())]:
            await client.send(share)
            while {n for n in groups.members if n.startswith("share-")} != watched:
                await asyncio.sleep(0)


async def test_a_group_that_was_joined_without_the_feed_stays_joined(talk):
    async def handler(socket):
        await socket.accept()
        async with groups.join("room", socket):
            async with events.of(socket) as feed:
                with pytest.raises(HandlerError, match="join once"):
                    await feed.add("room")
                feed.discard("room")
            await groups.publish("room", "still in")
            await socket.receive()

    async with talk(handler) as client:
        assert await client.receive() == "still in"


async def test_the_reference_s_one_websocket_is_a_group_of_its_own(talk):
    export = names_of("Groups by command, and all but one", "export")["export"]
    async with talk(export) as one, talk(export) as other:
        address = (await one.receive_json())["reply_to"]
        assert (await other.receive_json())["reply_to"] != address
        await other.send(address)
        assert await one.receive() == "for you alone"


async def test_the_reference_s_task_in_the_background_answers_as_long_as_it_lives(talk):
    export = names_of("Groups by command, and all but one", "export")["export"]
    adding = names_of("Code that runs beside the websockets", "def answer(")["adding"]
    async with adding(), talk(export) as client:
        question = {"numbers": [1, 2], **(await client.receive_json())}
        await groups.publish_json("sums", question)
        assert await client.receive_json() == 3
    assert "sums" not in groups.members
