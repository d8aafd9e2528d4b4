"""One websocket, as its handler sees it: accept, receive, send, close.

1. It is CONNECTING until the handler calls ``accept()``, then OPEN, then CLOSED.
2. In: the runner reads, always, and puts messages into the inbox.
3. Out: everything goes through the outbox, the handler's messages and the groups'.
4. The end has one door, ``stop()``. Whoever wants the handler to end, because the peer
   has left, or reads too slowly, or says too much, brings its deadline forward.
"""

import asyncio
from contextlib import suppress
from enum import Enum
from typing import Any, Self, cast

from asgiref.typing import ASGISendCallable, WebSocketScope

from sockets import jsontext
from sockets.codes import BadMessage, CloseCode, Disconnected, HandlerError
from sockets.conf import Conf
from sockets.outbox import Outbox

PATIENCE = 1.0  # seconds for a handler to obey its cancellation

State = Enum("State", ["CONNECTING", "OPEN", "CLOSED"])
CONNECTING, OPEN, CLOSED = State  # Python 3.11 takes 0.15 µs to find State.OPEN


class Socket:
    """One websocket. The runner makes it and gives it to a handler.

    ``scope`` is ASGI's; ``request``, ``user`` and ``session`` are Django's. After a
    change of the session: ``await socket.session.asave()``.
    """

    __slots__ = (
        *("__weakref__", "_arrived", "conf", "counted", "deadline", "groups"),
        *("headers", "inbox", "outbox", "request", "room", "scope", "session"),
        *("state", "stopped", "user", "watch"),
    )

    def __init__(
        self, scope: WebSocketScope, send: ASGISendCallable, conf: Conf
    ) -> None:
        self.scope, self.conf, self.state = scope, conf, State.CONNECTING
        self.request = self.session = self.user = cast(Any, None)
        self.headers: list[tuple[bytes, bytes]] = []  # to go out with accept()
        self.inbox: list[str | bytes] = []  # short: a deque would cost 600 bytes
        self.room: asyncio.Future[None] | None = None  # the runner waits: inbox is full
        self.outbox = Outbox(send, conf, self.stop)
        self.deadline = asyncio.timeout(None)  # of the handler
        self.watch = asyncio.timeout(None)  # of the runner, which waits for the handler
        self.stopped: tuple[int, str] | None = None  # code and reason; the first counts
        self.groups: set[str] = set()
        self.counted: list[str] = []  # what the step ``limits`` counts it as
        self._arrived: asyncio.Future[None] | None = None  # the handler waits

    async def accept(self, subprotocol: str | None = None) -> None:
        """Open the websocket; ``subprotocol`` is one that the client has offered."""
        if self.state is OPEN:
            raise HandlerError("accept() comes once, and this is the second")
        offered = [*(self.scope.get("subprotocols") or ())]
        if subprotocol is not None and subprotocol not in offered:
            raise HandlerError(f"the client offered {offered}, and not {subprotocol!r}")
        if self.state is CLOSED:
            raise self._disconnected()
        self.state = State.OPEN
        if self.stopped is None:
            self.deadline.reschedule(None)
        accept = {"type": "websocket.accept", "subprotocol": subprotocol}
        self.outbox.put({**accept, "headers": self.headers})
        await self.outbox.flushed()

    async def receive(self) -> str | bytes:
        """The next message, text as str, binary as bytes. Disconnected: no more."""
        while not self.inbox:
            await self._arrival()
        return self._take()

    async def receive_json(self) -> Any:
        """The next message, which must be JSON as text; else BadMessage."""
        message = await self.receive()
        if isinstance(message, bytes):
            raise BadMessage("expected JSON as text", CloseCode.UNSUPPORTED_DATA)
        return jsontext.loads(message, self.conf.JSON_DEPTH)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str | bytes:
        try:
            while not self.inbox:
                await self._arrival()
        except Disconnected:
            raise StopAsyncIteration from None
        return self._take()

    async def send(self, message: str | bytes) -> None:
        """Send one message, and wait for a slow peer. Disconnected: it has left."""
        if self.state is not OPEN:
            if self.state is CONNECTING:
                raise HandlerError("before send() comes: await socket.accept()")
            if self.stopped is None:
                raise HandlerError("send() came after close()")
            raise self._disconnected()
        kind = "text" if isinstance(message, str) else "bytes"
        self.outbox.put({"type": "websocket.send", kind: message})
        if self.outbox.writer is not None:
            await self.outbox.flushed()

    async def send_json(self, value: Any) -> None:
        """Send ``value`` as JSON text; dates, UUIDs and decimals as Django does."""
        await self.send(jsontext.dumps(value))

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Say goodbye, once: a `CloseCode` or 3000 to 4999, and 123 bytes of reason."""
        if self.state is CONNECTING:
            raise HandlerError("before accept() there is no close(): raise Refused")
        if self.state is OPEN:
            self.state = State.CLOSED
            self.wake()
            reason = reason.encode()[:123].decode(errors="ignore")
            event = {"type": "websocket.close", "code": int(code), "reason": reason}
            await self.outbox.end(event)

    def _arrival(self) -> asyncio.Future[None]:
        if self.state is CLOSED:
            raise self._disconnected()
        if self.state is CONNECTING:
            raise HandlerError("before receive() comes: await socket.accept()")
        self._arrived = asyncio.get_running_loop().create_future()
        return self._arrived

    def _take(self) -> str | bytes:
        if self.room is not None and not self.room.done():
            self.room.set_result(None)
        return self.inbox.pop(0)

    def _disconnected(self) -> Disconnected:
        return Disconnected(*(self.stopped or (CloseCode.NORMAL_CLOSURE, "")))

    def wake(self) -> None:
        """There is something for a handler that waits: a message, or the end."""
        if (arrived := self._arrived) is not None and not arrived.done():
            arrived.set_result(None)

    def leave(self, code: int, reason: str) -> None:
        """The peer has left: that ends a handler that reads, the deadline any other."""
        self.state = State.CLOSED
        self.wake()
        self.stop(code, reason, after=self.conf.LEAVE_SECONDS)

    def stop(self, code: int, reason: str = "", *, after: float = 0.0) -> None:
        """End the handler in ``after`` seconds, then the websocket with this code."""
        self.stopped = self.stopped or (code, reason)
        when = asyncio.get_running_loop().time() + after
        for timeout, end in ((self.deadline, when), (self.watch, when + PATIENCE)):
            if (before := timeout.when()) is None or end < before:
                with suppress(RuntimeError, AssertionError):  # its block is not running
                    timeout.reschedule(end)
