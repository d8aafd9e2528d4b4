"""Events that each receiver handles itself: messages and groups in one loop.

1. A group's message goes to the peers of its members, as a rule. A member that reads
   the group by ``events.of`` gets it as an `Event`, and its handler decides what the
   peer is told.
2. Events wait for the handler in a line beside the inbox. Nobody may delay whoever
   publishes. So a handler that lets more than ``EVENTS`` or ``EVENTS_BYTES`` wait ends
   its websocket with 1013, as an outbox that is too full does.
3. If a message and an event wait, they take turns: a peer that sends all the time
   delays no event, and a busy group delays no message.
4. When the websocket has ended, its events are dropped, since nobody is left to be told
   of them. The peer's messages are still the handler's to finish.

Only this file changes the attributes of a `Feed`.
"""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Self

from . import jsontext, waiting
from .blocks import block
from .codes import BadMessage, CloseCode, Disconnected, HandlerError
from .connection import Socket, State
from .groups import groups
from .members import Put


@dataclass(frozen=True)
class Event:
    """One message to a group, for a handler.

    Attributes:
        group: the group's name.
        message: as it was published, text as str, binary as bytes.
    """

    group: str
    message: str | bytes

    @cached_property
    def value(self) -> Any:
        """The value that ``publish_json`` was given; each receiver has its own copy.

        Raises:
            HandlerError: the message is no JSON text.
        """
        try:
            return json.loads(self.message)
        except ValueError:
            raise HandlerError(
                "an event is JSON: write  await groups.publish_json(name, value)  or "
                f"read event.message, and not event.value, of {self.message!r:.80}"
            ) from None


@dataclass(frozen=True)
class Lost:
    """Events of a group may have been lost on their way from other processes.

    Redis was away (REFERENCE.md, "Groups over Redis"). The database knows what they
    said.
    """

    group: str


class Feed:
    """The way in of one handler: its peer's messages, and the events of its groups.

    Args:
        socket: the handler's, open.
    """

    __slots__ = ("_arrival", "_bytes", "_event_is_next", "_line", "_puts", "_socket")

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._line: deque[Event | Lost] = deque()
        self._bytes = 0  # of the events in line
        self._event_is_next = True  # where a message waits, too
        # The groups of this feed, each with the function that takes its messages.
        self._puts: dict[str, Put] = {}
        # The handler waits for this: the inbox wakes it for a message, `_put` for an
        # event.
        self._arrival: asyncio.Future[None] | None = None

    async def add(self, name: str) -> None:
        """One more group; one that is in the feed already stays in it.

        Raises:
            BadMessage, Disconnected, HandlerError: as for ``groups.join``.
        """
        # It is written down before the wait: somebody may add the group once more, or
        # discard it, while Redis is asked.
        put = self._puts.setdefault(name, partial(self._put, name))
        try:
            await groups.add(name, self._socket, put)
        except BaseException:
            # Not in the group, or in it by a ``groups.join`` of the handler's own.
            if groups.members.get(name, {}).get(self._socket) is not put:
                self._puts.pop(name, None)
            raise

    def discard(self, name: str) -> None:
        """One group less. Events that wait already are still handed out."""
        if self._puts.pop(name, None) is not None:
            groups.discard(name, self._socket)

    async def receive(self) -> str | bytes | Event | Lost:
        """Wait for whatever comes next.

        Returns:
            A message of the peer as str or bytes, an `Event` of a group, or `Lost`.

        Raises:
            Disconnected: the websocket has ended, and the inbox is empty.
            HandlerError: another task receives.
        """
        socket = self._socket
        inbox = socket.inbox
        while True:
            is_open = socket.state is State.OPEN
            if inbox.messages and not (self._event_is_next and self._line and is_open):
                self._event_is_next = True
                return inbox.take()
            if self._line and is_open:
                self._event_is_next = False
                return self._take()
            if not is_open:
                await socket.not_open("receive")
            self._arrival = inbox.arrival()
            await self._arrival

    def loads(self, message: str | bytes) -> Any:
        """The value of a peer's message that must be JSON, as for ``receive_json()``.

        Raises:
            BadMessage: it is not.
        """
        if isinstance(message, bytes):
            raise BadMessage("expected JSON as text", CloseCode.UNSUPPORTED_DATA)
        return jsontext.loads(message, self._socket.conf.JSON_DEPTH)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str | bytes | Event | Lost:
        try:
            return await self.receive()
        except Disconnected:
            raise StopAsyncIteration from None

    def end(self, _: object = None) -> None:
        """Leave all groups, and forget what waits."""
        for name in list(self._puts):
            self.discard(name)
        self._line.clear()
        self._count(-self._bytes)

    def _put(self, group: str, event: Any) -> None:
        """Take a message from a group; None: some may have been lost. It never waits.

        Args:
            group: its name.
            event: ASGI's, which all members of the group share.
        """
        item: Event | Lost = Lost(group)
        if event is not None:
            text = event.get("text")
            item = Event(group, event["bytes"] if text is None else text)
        size = _size_of(item)
        conf = self._socket.conf
        is_full = (
            len(self._line) >= conf.EVENTS or self._bytes + size > conf.EVENTS_BYTES
        )
        # The process's limit is for those with a line: each feed may have one event.
        if is_full or (self._line and waiting.total + size > conf.WAITING_BYTES):
            reason = "too many events wait for the handler"
            self._socket.stop(CloseCode.TRY_AGAIN_LATER, reason)
            return
        self._line.append(item)
        self._count(size)
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    def _take(self) -> Event | Lost:
        item = self._line.popleft()
        self._count(-_size_of(item))
        return item

    def _count(self, size: int) -> None:
        self._bytes += size
        waiting.add(size)


@block("async with events.of(socket, name) as feed:")
async def of(socket: Socket, *names: str) -> AsyncIterator[Feed]:
    """``async with events.of(socket, "room-1") as feed: async for event in feed:``.

    Args:
        socket: the handler's, open.
        names: groups that it is not in yet; ``feed.add(name)`` adds others.

    Raises:
        BadMessage, Disconnected, HandlerError: as for ``groups.join``.
    """
    feed = Feed(socket)
    # A handler that is left behind never comes to the end of the block.
    socket.on_end.append(feed.end)
    try:
        for name in names:
            await feed.add(name)
        # This handler reads. Without this line, one that has been busy with events
        # from the beginning would be taken for one that never does, and cancelled.
        socket.inbox.arrival().cancel()
        yield feed
    finally:
        feed.end()
        socket.on_end.remove(feed.end)


def _size_of(item: Event | Lost) -> int:
    """Bytes that one item keeps in memory; a loss counts as nothing."""
    if isinstance(item, Lost):
        return 0
    return waiting.size_of(item.message)
