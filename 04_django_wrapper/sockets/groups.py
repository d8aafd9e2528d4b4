"""Groups: one message for many sockets, from anywhere in the site.

1. A socket joins for the length of a block, and is out however the block ends.
2. A message becomes one event, and goes into each member's outbox. That never waits:
   who is behind gets it later, or is cut off, and delays nobody.
3. All members see two messages in the same order: a delivery is one run, no ``await``.
4. Where ``REDIS_URL`` is set, members in other processes get it, too (redis/).
   Those may see the messages of two processes in another order.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from . import jsontext
from .codes import BadMessage, HandlerError, sendable
from .conf import conf
from .connection import CONNECTING, Socket
from .members import Listener, Members, Put, check
from .outbox import Event, send_event

if TYPE_CHECKING:
    from .redis.carrier import Relay


class Groups(Members):
    """All groups, as this process sees them."""

    def __init__(self) -> None:
        super().__init__()
        self._loop: asyncio.AbstractEventLoop | None = None  # where the members live
        self._relays: dict[Any, Relay] = {}  # by loop: a process has one, tests many

    @asynccontextmanager
    async def join(
        self, name: str, socket: Socket, put: Put | None = None
    ) -> AsyncIterator[None]:
        """``async with groups.join("room-1", socket):`` what is published arrives.

        With ``put`` it comes to that function, which must not wait, as an ASGI event
        that all members share: to go into the outbox, now, later or not at all.
        ``put(None)`` says that events may have been lost: the database knows better.
        With Redis the block begins when other processes' messages come, too, or when
        Redis is known to be away.

        Raises:
            BadMessage: it is in ``SOCKETS["GROUPS"]`` groups already (1008).
            HandlerError: the name is no name, or the socket is not open.
        """
        check(name)
        if socket.state is CONNECTING or name in socket.groups:
            raise HandlerError(f"to join {name!r}, accept() first, and join once")
        if len(socket.groups) >= socket.conf.GROUPS:
            raise BadMessage("too many groups")
        socket.groups.add(name)
        try:
            await self._enter(name, socket, put or socket.outbox.put)
            yield
        finally:
            socket.groups.discard(name)
            self._leave(name, socket)

    @asynccontextmanager
    async def listen(self, name: str, put: Put) -> AsyncIterator[None]:
        """``join`` for code that is no websocket's: ``put`` gets the same events."""
        listener = Listener()
        try:
            await self._enter(check(name), listener, put)
            yield
        finally:
            self._leave(name, listener)

    async def _enter(self, name: str, member: Socket | Listener, put: Put) -> None:
        self._loop = asyncio.get_running_loop()
        self._add(name, member, put)
        if relay := self._relay():
            await relay.follow(name)

    def _leave(self, name: str, member: Socket | Listener) -> None:
        self._remove(name, member)
        if name not in self.members and (relay := self._relays.get(self._loop)):
            relay.leave(name)

    def leave_all(self, socket: Socket) -> None:
        """For the runner: a handler that goes on after its end is in no group."""
        while socket.groups:
            self._leave(socket.groups.pop(), socket)

    async def publish(self, name: str, message: str | bytes) -> bool:
        """Send one message to all members; it waits for none of them.

        Returns: True; False if Redis has not taken it, so only this process hears it.
        """
        return await self._publish(check(name), _event(message))

    async def publish_json(self, name: str, value: Any) -> bool:
        """The same with a value, as JSON text; it is written once for all."""
        return await self.publish(name, jsontext.dumps(value))

    async def close(self, name: str, code: int, reason: str = "") -> bool:
        """Close the websockets of all members."""
        event = {"code": sendable(code), "reason": reason}
        return await self._publish(check(name), event)

    async def _publish(self, name: str, event: Event) -> bool:
        self.deliver(name, event)
        relay = self._relay()
        return relay is None or await relay.publish(name, event)

    def publish_sync(self, name: str, message: str | bytes) -> None:
        """``publish`` from a thread: a view, a signal, the admin, ``on_commit``.

        It does not wait, but for Redis in a process that has no websockets, such as a
        management command: ``PUBLISH_SECONDS`` at most.
        """
        self._publish_soon(check(name), _event(message))

    def close_sync(self, name: str, code: int, reason: str = "") -> None:
        """``close`` from a thread."""
        self._publish_soon(check(name), {"code": sendable(code), "reason": reason})

    def _publish_soon(self, name: str, event: Event) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._publish_now, name, event)
        elif conf().REDIS_URL:
            from .redis.packing import publish

            publish(conf(), name, event)

    def _publish_now(self, name: str, event: Event) -> None:
        self.deliver(name, event)
        if relay := self._relay():
            relay.send(name, event)

    def _relay(self) -> "Relay | None":
        if not conf().REDIS_URL:
            return None
        from .redis.carrier import (
            Relay,  # here: without Redis nobody need install redis
        )

        loop = asyncio.get_running_loop()
        if loop not in self._relays:
            self._relays[loop] = relay = Relay(self, conf())
            relay.task.add_done_callback(lambda _: self._relays.pop(loop))
        return self._relays[loop]

    async def hang_up(self) -> None:
        """For the server's shutdown: send what waits to Redis, and say goodbye."""
        if relay := self._relays.get(asyncio.get_running_loop()):
            await relay.close()


def _event(message: str | bytes) -> Event:
    if isinstance(message, str):
        message.encode()  # half of a surrogate pair fails here, and not at each member
    return send_event(message)


groups = Groups()
