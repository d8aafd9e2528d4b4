"""Hints, check and solution of exercise 4.7, and what must not pass."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from unittest.mock import patch

from exercises.answers.prepare import raise_failure
from exercises.e7_nothing_lost import (
    Room,
    Socket,
    SocketClient,
    application,
    groups,
    path,
    urlpatterns,
)

from workshop.exercises import Wrong, shown

HINTS = (
    "Which comes first, so that nothing is lost between the two: to join, or to read "
    "the history? What has to happen to a message that comes meanwhile?",
    "Give `join` a `put` of your own. Until the history is out it appends the events "
    "to a list. Then the list goes out, without those whose id the history had.",
    "`held = []`, `groups.join(room.group, socket, held.append)` will not do for later "
    "messages: let `put` look at a flag. Behind the history: for each event of `held` "
    'with `json.loads(event["text"])["id"] > last`: `socket.outbox.put(event)`.',
)


class Watched(Room):
    """Says something at chosen moments of its own history()."""

    def __init__(self, moments: dict[str, list[str]]) -> None:
        super().__init__()
        self.moments = moments

    async def history(self) -> list[dict[str, Any]]:
        await self._say_at("before it is read")
        await asyncio.sleep(0.1)
        found = list(self.said)
        await self._say_at("after it is read")
        await asyncio.sleep(0.1)
        return found

    async def _say_at(self, moment: str) -> None:
        for text in self.moments.get(moment, ()):
            await self.say(text)


async def check(enter: Callable[[Socket, Room], Awaitable[None]]) -> str:
    after = "after it is read"
    before = "before it is read"
    await _visit(enter, {}, "nobody said anything while the history was read")
    told = "something was said just before the history was read"
    await _visit(enter, {before: ["meanwhile"]}, told)
    told = "something was said just after the history was read"
    await _visit(enter, {after: ["meanwhile"]}, told)
    told = "the same text was said before and while the history was read"
    await _visit(enter, {before: ["one"], after: ["one", "two"]}, told)
    await _visit(enter, {}, "nobody had ever said anything", ())
    return "join first, hold what comes, then the history, and the rest by its ids."


async def _visit(
    enter: Callable[[Socket, Room], Awaitable[None]],
    moments: dict[str, list[str]],
    told: str,
    earlier: Sequence[str] = ("one", "two"),
) -> None:
    room = Watched(moments)
    for text in earlier:
        await room.say(text)

    urlpatterns[:] = [path("room/", enter, {"room": room})]
    heard: list[Any] = []
    rejoined: list[str] = []
    with _joins_watched(rejoined):
        await _listen(room, heard)
    raise_failure()
    _compare(heard, room.said, told)
    if rejoined:
        raise Wrong(
            f"Where {told}, the socket left the group and joined it again. Nothing was "
            "lost here. With Redis a join takes a moment, and what another process "
            "says in it is lost.",
            ask="What can one `put` do first, and what later? One `join` lasts then.",
        )


async def _listen(room: Room, heard: list[Any]) -> None:
    """Visit the room, and note what its visitor receives."""
    async with SocketClient(application, "/room/", seconds=2) as socket:
        await asyncio.sleep(1)
        await room.say("last")
        try:
            while not heard or heard[-1]["text"] != "last":
                heard.append(await socket.receive_json())
        except AssertionError:
            pass
        await asyncio.sleep(1)
        await room.say("end")
        try:
            while heard[-1:] != [room.said[-1]]:
                heard.append(await socket.receive_json())
        except AssertionError:
            pass


@contextmanager
def _joins_watched(rejoined: list[str]) -> Iterator[None]:
    """Note each group that a socket joins after it has left it."""
    join = type(groups).join
    left: set[str] = set()

    @asynccontextmanager
    async def watched(
        self: Any, name: str, socket: Socket, put: Any = None
    ) -> AsyncIterator[None]:
        if name in left:
            rejoined.append(name)
        async with join(self, name, socket, put):
            try:
                yield
            finally:
                left.add(name)

    with patch.object(type(groups), "join", watched):
        yield


def _compare(heard: list[Any], said: list[Any], told: str) -> None:
    for message in said:
        count = heard.count(message)
        if count == 0:
            ask = "Who listened to the group at that moment?"
            if message["text"] in ("last", "end"):
                ask = "The history is out by then. Who sends what is said later?"
            raise Wrong(
                f"Where {told}, the message {shown(message)} was lost.", ask=ask
            )
        if count > 1:
            raise Wrong(
                f"Where {told}, the message {shown(message)} came {count} times.",
                ask="By what can you tell that the history had it already?",
            )
    if heard != said:
        ids = [message["id"] for message in heard]
        raise Wrong(
            f"Where {told}, the ids came in the order {ids}.",
            ask="Where does a message wait until the history is out?",
        )


async def enter(socket: Socket, room: Room) -> None:
    """Send the history of the room, then all that is said, until the peer leaves.

    ``socket.outbox.put(event)`` sends an event that the group has given.
    """
    await socket.accept()
    held: list[Any] | None = []

    def put(event: Any) -> None:
        if held is None:
            socket.outbox.put(event)
        else:
            held.append(event)

    async with groups.join(room.group, socket, put):
        last = 0
        for message in await room.history():
            await socket.send_json(message)
            last = message["id"]
        # No await from here on: nothing that is said comes in between.
        missed = held or []
        held = None
        for event in missed:
            if json.loads(event["text"])["id"] > last:
                socket.outbox.put(event)
        async for _ in socket:
            pass


async def join_first_without_put(socket, room):
    await socket.accept()
    async with groups.join(room.group, socket):
        for message in await room.history():
            await socket.send_json(message)
        async for _ in socket:
            pass


async def history_twice(socket, room):
    await socket.accept()
    for message in await room.history():
        await socket.send_json(message)
    async with groups.join(room.group, socket):
        for message in await room.history():
            await socket.send_json(message)
        async for _ in socket:
            pass


async def held_and_not_sorted_out(socket, room):
    await socket.accept()
    held = []
    ready = False

    def put(event):
        if ready:
            socket.outbox.put(event)
        else:
            held.append(event)

    async with groups.join(room.group, socket, put):
        for message in await room.history():
            await socket.send_json(message)
        ready = True
        for event in held:
            socket.outbox.put(event)
        async for _ in socket:
            pass


async def sorted_out_by_text(socket, room):
    await socket.accept()
    held = []
    ready = False

    def put(event):
        if ready:
            socket.outbox.put(event)
        else:
            held.append(event)

    async with groups.join(room.group, socket, put):
        texts = set()
        for message in await room.history():
            await socket.send_json(message)
            texts.add(message["text"])
        ready = True
        for event in held:
            if json.loads(event["text"])["text"] not in texts:
                socket.outbox.put(event)
        async for _ in socket:
            pass


async def held_and_forgotten(socket, room):
    await socket.accept()
    ready = False

    def put(event):
        if ready:
            socket.outbox.put(event)

    async with groups.join(room.group, socket, put):
        for message in await room.history():
            await socket.send_json(message)
        ready = True
        async for _ in socket:
            pass


async def held_for_ever(socket, room):
    await socket.accept()
    held = []
    async with groups.join(room.group, socket, held.append):
        last = 0
        for message in await room.history():
            await socket.send_json(message)
            last = message["id"]
        for event in held:
            if json.loads(event["text"])["id"] > last:
                socket.outbox.put(event)
        async for _ in socket:
            pass


async def the_last_of_nothing(socket, room):
    await socket.accept()
    held = []
    ready = False

    def put(event):
        if ready:
            socket.outbox.put(event)
        else:
            held.append(event)

    async with groups.join(room.group, socket, put):
        history = await room.history()
        for message in history:
            await socket.send_json(message)
        last = history[-1]["id"]
        ready = True
        for event in held:
            if json.loads(event["text"])["id"] > last:
                socket.outbox.put(event)
        async for _ in socket:
            pass


async def left_and_joined_again(socket, room):
    await socket.accept()
    held = []
    last = 0
    async with groups.join(room.group, socket, held.append):
        for message in await room.history():
            await socket.send_json(message)
            last = message["id"]
        for event in held:
            if json.loads(event["text"])["id"] > last:
                socket.outbox.put(event)
    async with groups.join(room.group, socket):
        async for _ in socket:
            pass


async def filtered_and_not_held(socket, room):
    await socket.accept()
    sent = set()

    def put(event):
        number = json.loads(event["text"])["id"]
        if number not in sent:
            sent.add(number)
            socket.outbox.put(event)

    async with groups.join(room.group, socket, put):
        for message in await room.history():
            if message["id"] not in sent:
                sent.add(message["id"])
                await socket.send_json(message)
        async for _ in socket:
            pass


WRONG = (
    (join_first_without_put, "something was said just before the history was read"),
    (history_twice, "Where nobody said anything while the history was read"),
    (held_and_not_sorted_out, "something was said just before the history was read"),
    (sorted_out_by_text, "the same text was said before and while"),
    (held_and_forgotten, "something was said just after the history was read"),
    (held_for_ever, "The history is out by then. Who sends what is said later?"),
    (the_last_of_nothing, "IndexError was raised at line"),
    (left_and_joined_again, "the socket left the group and joined it again"),
    (filtered_and_not_held, "the ids came in the order"),
)
