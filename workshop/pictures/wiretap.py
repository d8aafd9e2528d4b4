"""Listen between a server and an application: ``Wiretap(application)``.

It is an ASGI application that passes everything on, the same objects in the same order,
exceptions and cancellation too, and notes what passes. It sees events, not bytes: those
are written in by a server that has been told of the tap.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from asgiref.typing import (
    ASGI3Application,
    ASGIReceiveCallable,
    ASGIReceiveEvent,
    ASGISendCallable,
    ASGISendEvent,
    Scope,
)

from workshop.pictures import svg
from workshop.pictures.conversation import HEAD, NOT_CALLED, Conversation, Entry
from workshop.pictures.shown import shown
from workshop.pictures.units import seconds
from workshop.pictures.wiretap_svg import Drawing


class Connection(Conversation, svg.Picture):
    """A conversation that draws itself, finished or still growing."""

    def text(self) -> str:
        """One line an arrow, at most 80 columns."""
        rows = [f"{self.title} · the application {self.state}"]
        for number, entry in enumerate(self.entries):
            if number == HEAD and self.left_out:
                rows.append(f"{'…':>9} {self.left_out} more")
            rows.append(_row(entry))
        cut = [row if len(row) <= 80 else row[:79] + "…" for row in rows]
        return "\n".join(cut)

    def svg(self, *, narrow: bool = False) -> str:
        """The picture, 860 units wide; or 340, of the events only, for a phone."""
        return Drawing(self, narrow).document()


def _row(entry: Entry) -> str:
    """An entry in one line of text."""
    sides = "         server {} app"
    if entry.wire:
        sides = "browser {} server"
    sides = sides.format("→" if entry.direction == "in" else "←")
    since = ""
    if entry.since is not None:
        since = f"+{seconds(entry.since)}"
    row = f"{since:>9} {sides:25} {entry.title}"
    if entry.words:
        row += f"  {entry.words}"
    return row


class Wiretap:
    """ASGI middleware that notes what passes between a server and ``application``.

    Args:
        application: called with the server's own scope, events and exceptions.
        connections: the pictures of so many connections are kept, the last ones.
        events: so many arrows are kept of each, beside the first five.
        clock: gives seconds.
    """

    def __init__(
        self,
        application: ASGI3Application,
        *,
        connections: int = 20,
        events: int = 16,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.application = application
        self.connections: deque[Connection] = deque(maxlen=connections)
        self._events = events
        self._clock = clock
        self._news = asyncio.Event()

    @property
    def last(self) -> Connection:
        """The connection that began last; websockets before requests and lifespan.

        Raises:
            LookupError: nobody has connected yet.
        """
        if not self.connections:
            raise LookupError("nobody has connected yet")
        newest = list(reversed(self.connections))
        return next((c for c in newest if c.title.startswith("websocket")), newest[0])

    def begin(self, client: tuple[object, ...] | None) -> Connection:
        """A new picture; the call of the application from ``client`` will join it.

        A server that lets itself be tapped needs it: the first bytes come before the
        call. Without it, the call begins its own.
        """
        connection = Connection(self._events, self._clock, self._tell)
        connection.client = client
        self.connections.append(connection)
        return connection

    def news(self) -> asyncio.Event:
        """An event that is set when something has been noted after this call."""
        return self._news

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        connection = self._begun(scope)
        connection.called(scope)

        # One coroutine of the application may receive while another one sends.
        waits: list[str] = []

        @contextmanager
        def waiting(where: str) -> Iterator[None]:
            waits.append(where)
            connection.doing(f"waits in {where}")
            try:
                yield
            finally:
                waits.remove(where)
                if not connection.ended:
                    connection.doing(f"waits in {waits[-1]}" if waits else "runs")

        async def tapped_receive() -> ASGIReceiveEvent:
            with waiting("receive()"):
                event = await receive()
            connection.event("in", event)
            return event

        async def tapped_send(event: ASGISendEvent) -> None:
            connection.event("out", event)
            with waiting("send()"):
                await send(event)

        try:
            await self.application(scope, tapped_receive, tapped_send)
        except asyncio.CancelledError:
            connection.doing("was cancelled", ended=True, failed=True)
            raise
        except BaseException as error:
            words = f"raised {type(error).__name__}: {shown(error)}"
            connection.doing(words, ended=True, failed=True)
            raise
        connection.doing("has returned", ended=True)

    def _begun(self, scope: Scope) -> Connection:
        """The picture that a server has begun for this call, or a new one."""
        address = cast(Mapping[str, Any], scope).get("client")
        if not address or not isinstance(address, list | tuple):
            return self.begin(None)
        client = tuple(address)
        for connection in reversed(self.connections):
            if connection.client == client and connection.state == NOT_CALLED:
                return connection
        return self.begin(client)

    def _tell(self) -> None:
        """Wake those who wait for news, and let the next ones wait for newer news."""
        news = self._news
        self._news = asyncio.Event()
        news.set()
