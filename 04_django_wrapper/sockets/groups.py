"""Groups: one message for many sockets, from anywhere in the site.

1. A socket joins for the length of a block. It is out however the block ends.
2. A message becomes one event, and goes into the outbox of each member (members.py).
   That never waits: a member that is behind gets it later or is cut off, and delays
   nobody.
3. All members of this process live in one event loop. A call from another thread is
   handed over to that loop.
4. A carrier brings news to other processes, and theirs to the members here. ``apps.py``
   says how to find it (redis/); nothing in this file depends on what it is. Members of
   two processes may see the messages of two processes in different orders.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol

from . import jsontext
from .blocks import block
from .codes import BadMessage, HandlerError
from .connection import Socket, State
from .members import (
    Listener,
    Members,
    News,
    Put,
    check_name,
    close_of,
    message_of,
)
from .outbox import IN_A_ROW

log = logging.getLogger("sockets")


class Carrier(Protocol):
    """The way to other processes. Each method may be called in any event loop."""

    async def follow(self, name: str) -> None:
        """Wait until the news of this group comes here, or it is known not to come."""

    def leave(self, name: str) -> None:
        """A group has no member here any more."""

    async def publish(self, name: str, news: News) -> bool:
        """Wait until the news is on its way. False: it has not gone out."""

    def publish_soon(self, name: str, news: News) -> None:
        """The same without waiting."""

    def publish_blocking(self, name: str, news: News) -> None:
        """The same from a thread that has no event loop; it waits a little."""

    async def hang_up(self) -> None:
        """Send what waits to go out from this event loop, and end."""


class Groups(Members):
    """All groups, as this process sees them."""

    def __init__(self) -> None:
        super().__init__()
        # None instead of a carrier: groups end at this process.
        self.find_carrier: Callable[[], Carrier | None] = lambda: None
        # The event loop of the members and of the server. None: there was none yet.
        self.loop: asyncio.AbstractEventLoop | None = None
        self.warned = False  # that nobody can hear what this process publishes
        self._in_a_row = 0  # messages since publish() has given control back
        self._from_threads: deque[tuple[str, News]] = deque()
        self._delivered = 0  # how many of those have gone out, until now
        # The loop that will deliver those; None: nobody has been asked to.
        self._delivering: asyncio.AbstractEventLoop | None = None

    @block("async with groups.join(name, socket):")
    async def join(
        self, name: str, socket: Socket, put: Put | None = None
    ) -> AsyncIterator[None]:
        """``async with groups.join("room-1", socket):`` what is published arrives.

        The block begins when the messages of other processes come, too, or when the
        carrier is known to be away.

        Args:
            name: 1 to 100 printable characters.
            socket: not in this group yet. A handler that has messages to finish after
                the end may still join: the group gives it nothing.
            put: called with each message in place of ``socket.outbox.put``: as an ASGI
                event that all members share. It must not wait and must not change the
                event. ``put(None)`` means: messages may have been lost, and the
                database knows what they were.

        Raises:
            BadMessage: it is in ``SOCKETS["GROUPS"]`` groups already (1008).
            Disconnected: the websocket has ended, and its inbox is empty, as for
                ``receive()``.
            HandlerError: the name is no name, or this comes before ``accept()``, or the
                socket is in this group already.
        """
        await self._reserve(name, socket)
        try:
            await self._enter(name, socket, put or socket.outbox.put)
            yield
        finally:
            self.discard(name, socket)

    async def add(self, name: str, socket: Socket, put: Put | None = None) -> None:
        """``await groups.add("room-1", socket)``: join without a block.

        For a handler whose peer says which groups it wants. ``join`` is the first
        choice: a block cannot forget to leave. This membership ends with ``discard``,
        and with the handler. A socket that is in the group already stays in it.

        Args:
            name: 1 to 100 printable characters.
            socket: any open one.
            put: as for ``join``.

        Raises:
            BadMessage, Disconnected: as for ``join``.
            HandlerError: as for ``join``; the socket may be in this group already, but
                not with another ``put``.
        """
        put = put or socket.outbox.put
        present = self.members.get(check_name(name), {}).get(socket)
        if present == put:
            await self._follow(name)
            return
        await self._reserve(name, socket)
        try:
            await self._enter(name, socket, put)
        except BaseException:
            self.discard(name, socket)
            raise

    def discard(self, name: str, socket: Socket) -> None:
        """Leave a group now. It never waits; for a socket that is not in it, nothing.

        Inside ``async with groups.join(name, socket):`` the rest of the block goes on
        without the group.
        """
        if name in socket.groups:
            socket.groups.discard(name)
            self._leave(name, socket)

    @block("async with groups.listen(name, put):")
    async def listen(self, name: str, put: Put) -> AsyncIterator[None]:
        """``join`` for code that is not a websocket's: ``put`` gets the same events."""
        check_name(name)
        listener = Listener()
        try:
            await self._enter(name, listener, put)
            yield
        finally:
            self._leave(name, listener)

    async def publish(
        self, name: str, message: str | bytes, *, but: Socket | None = None
    ) -> bool:
        """Send one message to all members; it waits for none of them.

        Every 32nd call gives control back to the event loop. So a loop that publishes
        thousands of messages ends no member that reads them.

        Args:
            name: the group's.
            message: text as str, binary as bytes.
            but: a socket of this process that does not get it, such as the sender's.

        Returns:
            True; False if the carrier has not taken it: only this process gets it.

        Raises:
            HandlerError: this is no name or no message, or ``but`` is no socket.
        """
        return await self._publish(check_name(name), message_of(message, but))

    async def publish_json(
        self, name: str, value: Any, *, but: Socket | None = None
    ) -> bool:
        """The same with a value, as JSON text; it is written once for all."""
        return await self.publish(name, jsontext.dumps(value), but=but)

    async def close(self, name: str, code: int, reason: str = "") -> bool:
        """Close the websockets of all members.

        Raises:
            HandlerError: this is no name, or no close frame may have this code.
        """
        return await self._publish(check_name(name), close_of(code, reason))

    def publish_sync(
        self, name: str, message: str | bytes, *, but: Socket | None = None
    ) -> None:
        """``publish`` from a thread: a view, a signal, the admin, ``on_commit``.

        It does not wait, except in a process that has no websockets, such as a
        management command: there it waits for Redis, ``PUBLISH_SECONDS`` at most.
        """
        self._publish_from_thread(check_name(name), message_of(message, but))

    def publish_json_sync(
        self, name: str, value: Any, *, but: Socket | None = None
    ) -> None:
        """``publish_json`` from a thread."""
        self.publish_sync(name, jsontext.dumps(value), but=but)

    def close_sync(self, name: str, code: int, reason: str = "") -> None:
        """``close`` from a thread."""
        self._publish_from_thread(check_name(name), close_of(code, reason))

    # The layer itself uses these.

    @asynccontextmanager
    async def lifetime(self) -> AsyncIterator[None]:
        """Around all connections of a server: its loop is the members' loop."""
        self.loop = asyncio.get_running_loop()
        try:
            yield
        finally:
            await self.hang_up()

    async def hang_up(self) -> None:
        """Send what waits to go to other processes, and say goodbye to the carrier."""
        while self._from_threads:
            self._publish_next()
        carrier = self.find_carrier()
        if carrier is not None:
            await carrier.hang_up()

    def leave_all(self, socket: Socket) -> None:
        """A handler that goes on after its end is in no group."""
        while socket.groups:
            self._leave(socket.groups.pop(), socket)

    async def _reserve(self, name: str, socket: Socket) -> None:
        """Note that a socket is in this group, if it may be."""
        check_name(name)
        if socket.state is State.CONNECTING or name in socket.groups:
            raise HandlerError(f"to join {name!r}, accept() first, and join once")
        if socket.state is State.CLOSED and not socket.inbox.messages:
            # A handler that was left behind would stay a member for ever.
            await socket.not_open("join")
        if len(socket.groups) >= socket.conf.GROUPS:
            raise BadMessage("too many groups")

        socket.groups.add(name)
        if self.leave_all not in socket.on_end:
            socket.on_end.append(self.leave_all)

    async def _enter(self, name: str, member: Socket | Listener, put: Put) -> None:
        here = asyncio.get_running_loop()
        home = self._home()
        if home is not None and home is not here and home.is_running() and self.members:
            # Two loops run in two threads. Neither may touch what the other one uses.
            raise HandlerError(
                "the members of groups live in one event loop, and this is another one"
            )
        self.loop = here
        self.put_in(name, member, put)
        await self._follow(name)

    async def _follow(self, name: str) -> None:
        """Wait until the news of other processes comes, or cannot come now."""
        carrier = self.find_carrier()
        if carrier is not None:
            await carrier.follow(name)

    def _leave(self, name: str, member: Socket | Listener) -> None:
        self.take_out(name, member)
        carrier = self.find_carrier()
        if carrier is not None and name not in self.members:
            carrier.leave(name)

    def _home(self) -> asyncio.AbstractEventLoop | None:
        """The members' event loop, as long as it can do something."""
        if self.loop is None or self.loop.is_closed():
            return None
        return self.loop

    async def _publish(self, name: str, news: News) -> bool:
        here = asyncio.get_running_loop()
        home = self._home()
        if home is not None and home is not here and home.is_running():
            # A member's outbox may make a task. In this loop, that would be a task that
            # waits for another loop's connection, and that perhaps never runs again.
            there: Coroutine[Any, Any, bool] = self._publish_here(name, news)
            try:
                handed_over = asyncio.run_coroutine_threadsafe(there, home)
            except RuntimeError:  # that loop was closed at this moment
                there.close()
            else:
                return await asyncio.wrap_future(handed_over)
        elif home is None:
            self._warn_if_alone(name)
        return await self._publish_here(name, news)

    async def _publish_here(self, name: str, news: News) -> bool:
        if self._from_threads:
            await self._those_before()
        self.deliver(name, news)
        carrier = self.find_carrier()
        taken = carrier is None or await carrier.publish(name, news)
        self._in_a_row += 1
        if self._in_a_row >= IN_A_ROW:
            self._in_a_row = 0
            await asyncio.sleep(0)
        return taken

    async def _those_before(self) -> None:
        """Wait until all that threads have published before has gone out."""
        number = self._delivered + len(self._from_threads)
        here = asyncio.get_running_loop()
        while self._delivered < number and self._delivering is here:
            await asyncio.sleep(0)

    def _publish_from_thread(self, name: str, news: News) -> None:
        home = self._home()
        if home is not None and home is _running_loop():
            self._take_over(name, news)
            return
        if home is not None:
            with suppress(RuntimeError):  # that loop was closed at this moment
                home.call_soon_threadsafe(self._take_over, name, news)
                return
        self._warn_if_alone(name)
        carrier = self.find_carrier()
        if carrier is not None:
            carrier.publish_blocking(name, news)

    def _take_over(self, name: str, news: News) -> None:
        """For ``publish_sync``: deliver this after what came by it before."""
        # A thread may publish a thousand messages in one turn of the loop. Delivered at
        # once, they would fill the outbox of a member that reads. So they wait here,
        # and 32 of them go out in each turn.
        self._from_threads.append((name, news))
        loop = asyncio.get_running_loop()
        if self._delivering is not loop:  # nobody, or a loop that has ended
            self._delivering = loop
            loop.call_soon(self._publish_some)

    def _publish_some(self) -> None:
        for _ in range(min(IN_A_ROW, len(self._from_threads))):
            self._publish_next()
        if self._from_threads:
            asyncio.get_running_loop().call_soon(self._publish_some)
        else:
            self._delivering = None

    def _publish_next(self) -> None:
        """For a thread, which does not wait: an error must not keep back the others."""
        name, news = self._from_threads.popleft()
        self._delivered += 1
        try:
            self._publish_soon(name, news)
        except Exception:
            log.exception("a message to %r could not be published", name)

    def _publish_soon(self, name: str, news: News) -> None:
        self.deliver(name, news)
        carrier = self.find_carrier()
        if carrier is not None:
            carrier.publish_soon(name, news)

    def _warn_if_alone(self, name: str) -> None:
        """Say once that nobody can hear this process."""
        if not self.warned and self.find_carrier() is None:
            self.warned = True
            log.warning(
                "a message to %r reaches nobody: this process has no websockets, and "
                'SOCKETS["REDIS_URL"] is not set, which would bring it to those that '
                "have some",
                name,
            )


def _running_loop() -> asyncio.AbstractEventLoop | None:
    """This thread's event loop; a thread of a view has none."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


groups = Groups()
