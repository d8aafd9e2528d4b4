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
from sockets.outbox import Event, send_event

Put = Callable[[Any], None]


class Groups:
    """The groups of one process."""

    def __init__(self) -> None:
        self.members: dict[str, dict[Socket, Put]] = {}  # name → members, in order
        self._loop: asyncio.AbstractEventLoop | None = None  # where the members live

    @asynccontextmanager
    async def join(
        self, name: str, socket: Socket, put: Put | None = None
    ) -> AsyncIterator[None]:
        """``async with groups.join("room-1", socket):`` what is published arrives.

        With ``put`` it comes to that function, which must not wait, as an ASGI event
        that all members share: to go into the outbox, now, later or not at all.

        Raises:
            BadMessage: it is in ``SOCKETS["GROUPS"]`` groups already (1008).
            HandlerError: the name is no name, or the socket is not open.
        """
        _check(name)
        if socket.state is CONNECTING or name in socket.groups:
            raise HandlerError(f"to join {name!r}, accept() first, and join once")
        if len(socket.groups) >= socket.conf.GROUPS:
            raise BadMessage("too many groups")
        self._loop = asyncio.get_running_loop()
        socket.groups.add(name)
        self.members.setdefault(name, {})[socket] = put or socket.outbox.put
        try:
            yield
        finally:
            self._leave(name, socket)

    def _leave(self, name: str, socket: Socket) -> None:
        socket.groups.discard(name)
        members = self.members.get(name, {})
        members.pop(socket, None)
        if not members:
            self.members.pop(name, None)

    def leave_all(self, socket: Socket) -> None:
        """For the runner: a handler that goes on after its end is in no group."""
        for name in list(socket.groups):
            self._leave(name, socket)

    async def publish(self, name: str, message: str | bytes) -> None:
        """Send one message to all members; it waits for none of them."""
        self.deliver(_check(name), _event(message))

    async def publish_json(self, name: str, value: Any) -> None:
        """The same with a value, as JSON text; it is written once for all."""
        await self.publish(name, jsontext.dumps(value))

    async def close(self, name: str, code: int, reason: str = "") -> None:
        """Close the websockets of all members."""
        self.deliver(_check(name), {"code": code, "reason": reason})

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
            for socket in list(members):
                socket.stop(**event)
            return
        for socket, put in members.items():  # put() must not change the members
            if socket.state is OPEN:
                put(event)


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
