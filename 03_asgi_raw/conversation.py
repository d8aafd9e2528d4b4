"""Talk to an ASGI application with no server: a scope, two queues, one task.

1. A server makes three things: ``scope``, ``receive`` and ``send``. So does this one.
2. ``send`` checks the order of what the application says, as a server would (``NEXT``).
3. Nothing sleeps: a wait ends with an event, with the application, or at a deadline.
4. Leaving the ``async with`` says goodbye and wants the application to have ended.

In quotes: sections of the ASGI spec's "WebSocket" part. Limits: websockets only; an
application that blocks the event loop blocks its test, too.
"""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from enum import Enum
from typing import NamedTuple, NoReturn, Self, cast

from asgi_types import Application, Event, Scope


class Unexpected(AssertionError):
    """Something else was said than a test expected, or nothing at all."""


class PeerLeft(OSError):
    """Raised by ``send`` once the client has gone: "Send", "Disconnected Client"."""


class Refusal(NamedTuple):
    """The answer in place of a handshake."""

    status: int
    body: bytes = b""
    headers: Sequence[tuple[bytes, bytes]] = ()


class Close(NamedTuple):
    """The application's goodbye."""

    code: int
    reason: str


class State(Enum):
    CONNECTING = "before accept"
    OPEN = "open"
    REFUSING = "in a refusal"
    CLOSED = "after the end"


NEXT = {  # what an application may say in which state, and the state that follows
    (State.CONNECTING, "websocket.accept"): State.OPEN,
    (State.CONNECTING, "websocket.close"): State.CLOSED,
    (State.CONNECTING, "websocket.http.response.start"): State.REFUSING,
    (State.REFUSING, "websocket.http.response.body"): State.REFUSING,
    (State.OPEN, "websocket.send"): State.OPEN,
    (State.OPEN, "websocket.close"): State.CLOSED,
}


class Conversation:
    """One websocket to ``application``: ``async with Conversation(app, "/") as talk:``

    Args:
        application: called once, in a task of its own ("Connection Scope").
        path: with a query string, if you like: ``/rooms/1?since=4``.
        headers: name and value as text.
        subprotocols: what the client offers.
        origin: the page that a browser would name in its ``Origin`` header.
        deadline: seconds that the application has for each thing that is expected.

    Raises:
        Unexpected: with all that was said so far, in both directions.
        Exception: whatever the application raised.
    """

    def __init__(
        self,
        application: Application,
        path: str = "/",
        *,
        headers: Iterable[tuple[str, str]] = (),
        subprotocols: Iterable[str] = (),
        origin: str | None = None,
        deadline: float = 1.0,
    ) -> None:
        path, _, query = path.partition("?")
        pairs = [("host", "testserver"), *headers]
        if origin is not None:
            pairs.append(("origin", origin))
        self.scope: Scope = {
            "type": "websocket",
            "asgi": {"version": "3.0", "spec_version": "2.5"},
            "http_version": "1.1",
            "scheme": "ws",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(k.lower().encode(), v.encode("latin-1")) for k, v in pairs],
            "client": ("testclient", 50000),
            "server": ("testserver", 80),
            "subprotocols": list(subprotocols),
            "state": {},
            "extensions": {"websocket.http.response": {}},  # "Denial Response"
        }
        self.said: list[str] = []  # "→" to the application, "←" from it
        self._application = application
        self._deadline = deadline
        self._state = State.CONNECTING
        self._left = False
        self._to_app: asyncio.Queue[Event] = asyncio.Queue()
        self._from_app: asyncio.Queue[Event | None] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        self._tell({"type": "websocket.connect"})
        call = self._application(self.scope, self._to_app.get, self._send)
        self._task = asyncio.ensure_future(call)
        self._task.add_done_callback(lambda _: self._from_app.put_nowait(None))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                await self.disconnect()
                await self.ended()
        finally:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def accepted(self) -> Event:
        """The ``websocket.accept`` event, with its subprotocol and headers."""
        return await self._expect("websocket.accept")

    async def refused(self) -> Refusal:
        """How the handshake is refused; a bare close is a 403 ("Close")."""
        event = await self._next("a refusal")
        if event["type"] == "websocket.close":
            return Refusal(403)
        if event["type"] != "websocket.http.response.start":
            self._fail(f"expected a refusal, but {event['type']} came")
        body = b""
        more = True
        while more:
            part = await self._expect("websocket.http.response.body")
            body += part.get("body", b"")
            more = part.get("more_body", False)
        return Refusal(event["status"], body, list(event.get("headers", ())))

    async def send(self, message: str | bytes) -> None:
        """One message; its event has only its own key, as "Receive" allows."""
        if isinstance(message, str):
            self._tell({"type": "websocket.receive", "text": message})
        else:
            self._tell({"type": "websocket.receive", "bytes": message})

    async def text(self) -> str:
        """The next message, which is a text."""
        return cast(str, await self._message("text"))

    async def data(self) -> bytes:
        """The next message, which is bytes."""
        return cast(bytes, await self._message("bytes"))

    async def closed(self) -> Close:
        """The application's close of an open connection ("Close": 1000 if unsaid)."""
        event = await self._expect("websocket.close")
        return Close(event.get("code") or 1000, event.get("reason") or "")

    async def disconnect(self, code: int = 1000, reason: str = "") -> None:
        """The client goes, or is lost (1006); nothing where it is over already."""
        if not self._left and self._state is not State.CLOSED:
            self._left = True
            self._goodbye(code, reason)

    async def ended(self) -> None:
        """Wait until the application returns; what it raises comes out here."""
        await asyncio.wait([self._task], timeout=self._deadline)
        if not self._task.done():
            self._fail(f"the application has not ended within {self._deadline:g} s")
        with suppress(PeerLeft):  # it was in a send(): no fault of the application
            self._task.result()

    async def _send(self, said: Event) -> None:
        if self._left:
            raise PeerLeft("the client has disconnected")
        self.said.append(f"← {_shown(said)}")
        state = NEXT.get((self._state, said["type"]))
        if state is None:
            words = f"{said['type']} must not be sent {self._state.value}"
            raise RuntimeError(f"{words}\n{self._so_far()}")
        if state is State.REFUSING and said["type"].endswith("body"):
            state = state if said.get("more_body") else State.CLOSED
        refused = self._state is not State.OPEN
        self._state = state
        self._from_app.put_nowait(said)
        if (
            state is State.CLOSED
        ):  # "Disconnect": whoever ended it, the application hears
            self._goodbye(1006 if refused else said.get("code") or 1000, "")

    def _goodbye(self, code: int, reason: str) -> None:
        self._tell({"type": "websocket.disconnect", "code": code, "reason": reason})

    def _tell(self, event: Event) -> None:
        self.said.append(f"→ {_shown(event)}")
        self._to_app.put_nowait(event)

    async def _message(self, key: str) -> str | bytes:
        event = await self._expect("websocket.send")
        if event.get(key) is None:
            self._fail(f"expected a message with {key}, but {_shown(event)} came")
        return cast(str | bytes, event[key])

    async def _expect(self, kind: str) -> Event:
        event = await self._next(kind)
        if event["type"] != kind:
            self._fail(f"expected {kind}, but {event['type']} came")
        return event

    async def _next(self, expected: str) -> Event:
        try:
            async with asyncio.timeout(self._deadline):
                event = await self._from_app.get()
        except TimeoutError:
            self._fail(f"expected {expected}, but nothing came in {self._deadline:g} s")
        if event is None:
            self._from_app.put_nowait(None)  # for whoever asks once more
            self._task.result()  # raises what the application raised
            self._fail(f"expected {expected}, but the application has returned")
        return event

    def _fail(self, words: str) -> NoReturn:
        raise Unexpected(f"{words}\n{self._so_far()}") from None

    def _so_far(self) -> str:
        lines = self.said[-20:]
        if len(self.said) > 20:
            lines.insert(0, f"… {len(self.said) - 20} before")
        lines.insert(0, "said so far (→ to the application):")
        return "\n".join(lines)


def _shown(event: Event) -> str:
    pairs = [f"{k}={v!r:.60}" for k, v in event.items() if k != "type"]
    return " ".join([str(event["type"]), *pairs])
