"""Groups: one message for many sockets, from anywhere in this process.

1. A socket joins for the length of a block, and is out however the block ends.
2. A message becomes one event, and goes into each member's outbox. That never waits:
   who is behind gets it later, or is cut off, and delays nobody.
3. All members see two messages in the same order: a delivery is one run, no ``await``.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from sockets import jsontext
from sockets.codes import BadMessage, HandlerError
from sockets.connection import CONNECTING, OPEN, Socket
from sockets.outbox import Event, Outbox, send_event

Put = Callable[[Any], None]


class Listener:
    """A member that is no websocket: it is open for its block, and nobody closes it."""

    state = OPEN

    def stop(self, code: int, reason: str = "") -> None:
        """A group's close is for websockets."""


class Groups:
    """The groups of one process."""

    def __init__(self) -> None:
        self.members: dict[str, dict[Socket | Listener, Put]] = {}  # in order
        self._loop: asyncio.AbstractEventLoop | None = None  # where the members live

    @asynccontextmanager
    async def join(
        self, name: str, socket: Socket, put: Put | None = None
    ) -> AsyncIterator[None]:
        """``async with groups.join("room-1", socket):`` what is published arrives.

        With ``put`` it comes to that function, which must not wait, as an ASGI event
        that all members share: to go into the outbox, now, later or not at all.
        ``put(None)`` says that events may have been lost: the database knows better.

        Raises:
            BadMessage: it is in ``SOCKETS["GROUPS"]`` groups already (1008).
            HandlerError: the name is no name, or the socket is not open.
        """
        _check(name)
        if socket.state is CONNECTING or name in socket.groups:
            raise HandlerError(f"to join {name!r}, accept() first, and join once")
        if len(socket.groups) >= socket.conf.GROUPS:
            raise BadMessage("too many groups")
        socket.groups.add(name)
        self._enter(name, socket, put or socket.outbox.put)
        try:
            yield
        finally:
            socket.groups.discard(name)
            self._leave(name, socket)

    @asynccontextmanager
    async def listen(self, name: str, put: Put) -> AsyncIterator[None]:
        """``join`` for code that is no websocket's: ``put`` gets the same events."""
        listener = Listener()
        self._enter(_check(name), listener, put)
        try:
            yield
        finally:
            self._leave(name, listener)

    def _enter(self, name: str, member: Socket | Listener, put: Put) -> None:
        self._loop = asyncio.get_running_loop()
        self.members.setdefault(name, {})[member] = put

    def _leave(self, name: str, member: Socket | Listener) -> None:
        members = self.members.get(name, {})
        members.pop(member, None)
        if not members:
            self.members.pop(name, None)

    def leave_all(self, socket: Socket) -> None:
        """For the runner: a handler that goes on after its end is in no group."""
        while socket.groups:
            self._leave(socket.groups.pop(), socket)

    async def publish(self, name: str, message: str | bytes) -> bool:
        """Send one message to all members; it waits for none of them.

        Returns: whether it has gone to every process; False: this one's members only.
        """
        self.deliver(_check(name), _event(message))
        return True

    async def publish_json(self, name: str, value: Any) -> bool:
        """The same with a value, as JSON text; it is written once for all."""
        return await self.publish(name, jsontext.dumps(value))

    async def close(self, name: str, code: int, reason: str = "") -> bool:
        """Close the websockets of all members."""
        self.deliver(_check(name), {"code": code, "reason": reason})
        return True

    def publish_sync(self, name: str, message: str | bytes) -> None:
        """``publish`` from a thread: a view, a signal, the admin, ``on_commit``.

        It does not wait. Websockets of other processes hear nothing of it; a management
        command is another process.
        """
        self._deliver_soon(_check(name), _event(message))

    def close_sync(self, name: str, code: int, reason: str = "") -> None:
        """``close`` from a thread."""
        self._deliver_soon(_check(name), {"code": code, "reason": reason})

    def _deliver_soon(self, name: str, event: dict[str, Any]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.deliver, name, event)

    def deliver(self, name: str, event: dict[str, Any]) -> None:
        """Give an event to the members in this process."""
        members = self.members.get(name, {})
        if "type" not in event:
            for member in list(members):
                member.stop(**event)
            return
        for member, put in members.items():  # put() must not change the members
            if member.state is OPEN:
                put(event)

    def lost(self) -> None:
        """Tell who has a ``put`` of its own that events may have been lost."""
        for members in self.members.values():
            for member, put in members.items():
                outboxes = getattr(put, "__func__", None) is Outbox.put
                if member.state is OPEN and not outboxes:
                    put(None)


def _event(message: str | bytes) -> Event:
    if isinstance(message, str):
        message.encode()  # half of a surrogate pair fails here, and not at each member
    return send_event(message)


def _check(name: str) -> str:
    if not 0 < len(name) <= 100 or not name.isprintable():
        raise HandlerError(
            f"a group's name has 1 to 100 printable characters, unlike {name!r:.120}"
        )
    return name


groups = Groups()
