"""Draw a connection as a sequence diagram: browser ⇄ protocol server ⇄ application.

``Wiretap(application)`` is an ASGI application that passes everything on, the same
objects in the same order, exceptions and cancellation too, and notes what passes. It
sees events, not bytes: those are written in by a server that has been told of the tap.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple, cast

from asgiref.typing import (
    ASGI3Application,
    ASGIReceiveCallable,
    ASGIReceiveEvent,
    ASGISendCallable,
    ASGISendEvent,
    Scope,
)

from workshop.pictures import svg
from workshop.pictures.units import seconds

Direction = Literal["in", "out"]  # towards the application, or from it

NOT_CALLED = "not called yet"
HEAD = 5  # the first entries of a connection are always kept: its whole handshake
SHOWN = 60  # characters of a payload
ROW = 44.0  # height of an arrow with its words
SMALL = 6.95  # width of an 11.5 px monospaced character, rounded up
EXPLAINED = {
    "websocket.connect": "may I come in?",
    "websocket.accept": "yes, come in",
    "websocket.receive": "one whole message",
    "websocket.send": "one whole message",
    "websocket.disconnect": "the last event: leave the loop",
    "websocket.close": "the server says goodbye for it",
    "websocket.http.response.start": "no: an HTTP answer, no websocket",
    "http.request": "the body of the request",
    "http.response.start": "status and headers, not sent yet",
    "http.disconnect": "nobody waits for an answer any more",
    "lifespan.startup": "may the server begin?",
    "lifespan.startup.complete": "yes: connections may come",
    "lifespan.shutdown": "all connections have ended",
    "lifespan.shutdown.complete": "the server may go",
}


class Entry(NamedTuple):
    """One arrow: a short text, and never the payload itself."""

    number: int  # of the connection's arrows, from 1
    since: float | None  # seconds since the entry before it
    direction: Direction
    title: str
    words: str
    wire: bool = False  # on the left: bytes
    failed: bool = False
    fields: tuple[tuple[str, str, str], ...] = ()


class Connection(svg.Picture):
    """What passed on one connection; a picture of itself, finished or still growing.

    Attributes:
        title: what for: ``websocket /chat``.
        client: the peer's address and port, where the server tells them.
        query: the query string, as text.
        state: what the application does just now, or how it has ended.
    """

    def __init__(
        self, keep: int, clock: Callable[[], float], changed: Callable[[], None]
    ) -> None:
        self.title = "connection"
        self.client: tuple[object, ...] | None = None
        self.query = ""
        self.count = 0
        self.state = NOT_CALLED
        self.ended = self.failed = False
        self._head: list[Entry] = []
        self._tail: deque[Entry] = deque(maxlen=keep)
        self._clock = clock
        self._last: float | None = None
        self._changed: Callable[[], None] = changed

    @property
    def entries(self) -> list[Entry]:
        """The arrows that are kept: the first five, and the last ones."""
        return [*self._head, *self._tail]

    @property
    def left_out(self) -> int:
        """So many arrows between the first five and the last ones are forgotten."""
        return self.count - len(self._head) - len(self._tail)

    def wire(
        self,
        direction: Direction,
        data: bytes,
        words: str,
        fields: Iterable[tuple[str, str, str]] = (),
    ) -> None:
        """Note bytes on the wire; for a server that lets itself be tapped.

        Args:
            direction: ``"in"`` from the browser, ``"out"`` to it.
            data: the bytes; an HTTP head is shown by its first line, others in hex.
            words: what they mean, for the second line.
            fields: the bytes part by part: name, value, meaning. Kept as they are.
        """
        start = bytes(data[:200])
        if start.startswith((b"GET ", b"HEAD ", b"POST ", b"HTTP/1.")):
            title = shown(start.partition(b"\r\n")[0].decode("latin-1"))
        else:
            title = start[:16].hex(" ") + (" …" if len(data) > 16 else "")
        self._note(direction, title, shown(words, 200), wire=True, fields=tuple(fields))

    def called(self, scope: Scope) -> None:
        """Note that the application is called, and what for."""
        of: Mapping[str, Any] = cast(Mapping[str, Any], scope)
        self.title = f"{shown(of.get('type'))} {shown(of.get('path', ''))}".strip()
        query = of.get("query_string", b"")
        self.query = shown(query.decode("latin-1") if isinstance(query, bytes) else "")
        parts = [f"{key}: {shown(of[key])}" for key in ("type", "path") if key in of]
        about = []
        if isinstance(headers := of.get("headers"), list | tuple):
            about.append(f"{len(headers)} headers")
        if isinstance(client := of.get("client"), list | tuple):
            about.append("client " + ":".join(map(shown, client)))
        if isinstance(offered := of.get("subprotocols"), list | tuple) and offered:
            about.append("subprotocols: " + ", ".join(map(shown, offered[:5])))
        self.state = "runs"
        self._note("in", "  ".join(["scope", *parts]), ", ".join(about))

    def event(self, direction: Direction, event: object) -> None:
        """Note an event, whatever it is: broken applications send anything."""
        if not isinstance(event, Mapping):
            self._note(direction, shown(event), "not a dictionary", failed=True)
            return
        kind = shown(event.get("type", "no type"))
        title, others = kind, []
        for key, value in event.items():
            if key in ("text", "bytes", "body", "code", "status") and value is not None:
                title += f"  {key}: {payload(value)}"
            elif key == "headers" and isinstance(value, list | tuple):
                others += [f"{len(value)} headers"] if value else []
            elif key in ("text", "bytes") or (
                key != "type" and value not in (None, "")
            ):
                others.append(f"{shown(key)}: {payload(value)}")
        if not others and kind in EXPLAINED:
            others.append(EXPLAINED[kind])
        self._note(direction, title, ", ".join(others))

    def doing(self, state: str, *, ended: bool = False, failed: bool = False) -> None:
        """Note what the application does just now, or how it has ended."""
        self.state, self.ended, self.failed = state, ended, failed
        self._changed()

    def _note(self, direction: Direction, title: str, words: str, **how: Any) -> None:
        now = self._clock()
        since = None if self._last is None else now - self._last
        self._last, self.count = now, self.count + 1
        entry = Entry(self.count, since, direction, title, words, **how)
        (self._head if len(self._head) < HEAD else self._tail).append(entry)
        self._changed()

    def text(self) -> str:
        """One line an arrow, at most 80 columns."""
        rows = [f"{self.title} · the application {self.state}"]
        for n, entry in enumerate(self.entries):
            if n == HEAD and self.left_out:
                rows.append(f"{'…':>9} {self.left_out} more")
            sides = "browser {} server" if entry.wire else "         server {} app"
            sides = sides.format("→" if entry.direction == "in" else "←")
            since = "" if entry.since is None else f"+{seconds(entry.since)}"
            words = f"  {entry.words}" if entry.words else ""
            rows.append(f"{since:>9} {sides:25} {entry.title}{words}")
        return "\n".join(r if len(r) <= 80 else r[:79] + "…" for r in rows)

    def svg(self, *, narrow: bool = False) -> str:
        """The picture, 860 units wide; or 340, of the events only, for a phone."""
        return _Drawing(self, narrow).document()


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

        waits: list[str] = []  # of coroutines: one may listen while another one speaks

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
        address = cast(Mapping[str, Any], scope).get("client")
        client = tuple(address) if isinstance(address, list | tuple) else None
        for connection in reversed(self.connections):
            if client and (connection.client, connection.state) == (client, NOT_CALLED):
                return connection
        return self.begin(client)

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()


def shown(value: object, room: int = SHOWN) -> str:
    """``value`` as short text in which every character can be printed.

    Control characters, lone surrogates and signs that turn the direction of writing
    become escapes: no picture, no page and no terminal can be led astray.
    """
    try:
        text = str(value)
    except Exception as error:  # it is the learner's object
        text = f"({type(value).__name__}, whose str() raises {type(error).__name__})"
    escaped = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text[:room])
    return escaped + (" …" if len(text) > room else "")


def payload(value: object) -> str:
    """A value of an event: text in quotes, bytes in hex, both shortened."""
    if isinstance(value, str):
        if len(value) > 40:
            return f"{len(value):,} characters, “{shown(value[:40])}…”"
        return f"“{shown(value)}”"
    if isinstance(value, bytes | bytearray):
        start = bytes(value[:8]).hex(" ")
        if len(value) > 8:
            return f"{len(value):,} bytes, {start} …"
        return start or "(0 bytes)"
    return shown(value)


class _Drawing:
    """One SVG: the lifelines' names, an arrow a row, and how it stands at the end."""

    def __init__(self, connection: Connection, narrow: bool) -> None:
        self.connection = connection
        self.narrow = narrow
        self.width: float = 340 if narrow else svg.WIDTH
        self.box = 124.0 if narrow else 140.0  # width of a name's box
        self.entries = [e for e in connection.entries if not (narrow and e.wire)]
        wire = any(entry.wire for entry in self.entries)
        self.browser, self.server, self.app = 90.0, 430.0 if wire else 250.0, 770.0
        if narrow:
            self.server, self.app = 68.0, 272.0
        self.lifelines = {
            "browser": self.browser,
            "protocol server": self.server,
            "application": self.app,
        }
        self.captions = [
            ("bytes on one TCP connection" if wire else "bytes: not seen"),
            "events, as dictionaries",
        ]
        if narrow:
            del self.lifelines["browser"], self.captions[0]

    def document(self) -> str:
        y, arrows = 140.0, []
        left_out = self.connection.left_out
        for entry in self.entries:
            if left_out and entry.number > HEAD:
                words, left_out = f"… {left_out:,} more, not kept …", 0
                middle = (self.server + self.app) / 2
                arrows.append(svg.text(middle, y, words, "small soft", "middle"))
                y += ROW
            arrows += self._arrow(entry, y)
            y += ROW
        bottom = y - 4
        shapes = [
            svg.text(16, 28, svg.fitted(self.connection.title, self.width - 60), "b"),
            *self._lifelines(bottom),
            *arrows,
            *self._state(bottom),
        ]
        title = f"{self.connection.title}: the application {self.connection.state}"
        return svg.document(title, bottom + 38, shapes, self.width)

    def _lifelines(self, bottom: float) -> list[str]:
        shapes, top = [], 44.0
        for name, x in self.lifelines.items():
            shapes += [
                svg.line(x, top + 28, x, bottom),
                svg.rect(
                    x - self.box / 2,
                    top,
                    self.box,
                    28,
                    "panel",
                    stroke="line",
                    radius=6,
                ),
                svg.text(x, top + 19, name, "b", "middle"),
            ]
        ends = list(self.lifelines.values())
        for left, right, words in zip(ends, ends[1:], self.captions, strict=False):
            shapes.append(
                svg.text((left + right) / 2, top + 46, words, "small soft", "middle")
            )
        return shapes

    def _arrow(self, entry: Entry, y: float) -> list[str]:
        left, right = (
            (self.browser, self.server) if entry.wire else (self.server, self.app)
        )
        inward = entry.direction == "in"
        color = "fail" if entry.failed else "run" if inward else "done"
        tip, back = (right, -8) if inward else (left, 8)
        room, middle = right - left - 16, (left + right) / 2
        title, words = entry.title, entry.words
        if self.narrow:  # a payload has the second line for itself
            title, _, content = title.partition("  ")
            words = content or words
        elif entry.since is not None and not entry.wire:
            words = f"{seconds(entry.since)} later" + (f" · {words}" if words else "")
        words = svg.fitted(words, room * svg.CHARACTER / SMALL)
        return [
            svg.text(middle, y - 7, svg.fitted(title, room), "mono", "middle"),
            f'<path d="M{left:g} {y:g}H{right:g}" stroke="var(--{color})" '
            'stroke-width="2"/>',
            f'<path d="M{tip:g} {y:g}l{back} -5v10z" fill="var(--{color})"/>',
            svg.text(middle, y + 15, words, "mono small soft", "middle"),
        ]

    def _state(self, y: float) -> list[str]:
        of = self.connection
        mark = "" if not of.ended else "✗ " if of.failed else "✓ "
        kind = "fail" if of.failed else "done" if of.ended else "soft"
        words = svg.fitted(f"{mark}{of.state}", self.width - 60)
        color = "fail" if of.failed else "done" if of.ended else "wait"
        return [
            svg.rect(self.app - 5, y - 5, 10, 10, color, radius=5),
            svg.text(self.app + self.box / 2, y + 22, words, f"mono b {kind}", "end"),
        ]
