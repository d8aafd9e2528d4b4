"""One websocket, as its handler sees it: accept, receive, send, close.

1. It is CONNECTING until the handler calls ``accept()``, then OPEN, then CLOSED.
2. In: the runner reads, always, and fills the inbox. Out: all goes through the outbox.
3. The end has one door, ``stop()``. Whoever wants the handler to end, because the peer
   has left, or reads too slowly, or says too much, brings its deadline forward.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from enum import Enum
from typing import Any, Self, cast

from asgiref.typing import ASGISendCallable as Send
from asgiref.typing import WebSocketScope as Scope
from django.core.handlers.asgi import ASGIRequest

from . import jsontext
from .codes import BadMessage, CloseCode, Disconnected, HandlerError, sendable
from .conf import Conf
from .outbox import Outbox, send_event
from .request import request_of

log = logging.getLogger("sockets")
PATIENCE = 1.0  # seconds for a handler to obey its cancellation
State = Enum("State", ["CONNECTING", "OPEN", "CLOSED"])
CONNECTING, OPEN, CLOSED = State  # Python 3.11 takes 0.15 µs to find State.OPEN


class Socket:
    """One websocket. The runner makes it and gives it to a handler.

    ``scope`` is ASGI's; ``request``, ``user``, ``session`` are Django's; ``received``
    and ``sent`` count messages. Changed the session? ``await socket.session.asave()``.
    ``on_accept`` and ``on_end`` are functions that are called with this socket; of its
    end they can read ``stopped``, ``refused``, ``failed`` and ``left_behind``.
    """

    __slots__ = (
        *("__weakref__", "_arrived", "_request", "conf", "deadline", "failed"),
        *("groups", "headers", "inbox", "left_behind", "on_accept", "on_end", "outbox"),
        *("received", "refused", "room", "scope", "session", "state", "stopped"),
        *("user", "watch"),
    )
    sent = property(lambda self: max(0, self.outbox.taken - 1))  # not accept()

    def __init__(self, scope: Scope, send: Send, conf: Conf) -> None:
        self.scope, self.conf, self.state = scope, conf, State.CONNECTING
        self.received = 0
        self.on_accept: list[Callable[[Socket], None]] = []
        self.on_end: list[Callable[[Socket], None]] = []
        self.refused: tuple[int, str] | None = None  # the status and the reason
        self.failed = False  # by an error that the handler has not caught
        self.left_behind = False  # the handler does not end
        self.session = self.user = cast(Any, None)
        self.headers: list[tuple[bytes, bytes]] = []  # to go out with accept()
        self.inbox: list[str | bytes] = []  # short: a deque would cost 600 bytes
        self.room: asyncio.Future[None] | None = None  # the runner waits: inbox is full
        self.outbox = Outbox(send, conf, self.stop)
        self.deadline = asyncio.timeout(None)  # of the handler
        self.watch = asyncio.timeout(None)  # of the runner, which waits for the handler
        self.stopped: tuple[int, str] | None = None  # code and reason; the first counts
        self.groups: set[str] = set()
        self._arrived: asyncio.Future[None] | None = None  # the handler waits
        self._request: ASGIRequest | None = None

    @property
    def request(self) -> ASGIRequest:
        """Django's view of the handshake: 4 KB, so after accept() made on demand."""
        if (request := self._request) is None:
            request = request_of(self.scope, self.session, self.user)
            if self.state is CONNECTING:
                self._request = request
        return request

    async def accept(self, subprotocol: str | None = None) -> None:
        """Open the websocket; ``subprotocol`` is one that the client has offered."""
        if self.state is OPEN:
            raise HandlerError("accept() comes once, and this is the second")
        offered = [*(self.scope.get("subprotocols") or ())]
        if subprotocol is not None and subprotocol not in offered:
            raise HandlerError(f"the client offered {offered}, and not {subprotocol!r}")
        if self.state is CLOSED:
            raise self._not_open("accept")
        self.state, self._request = State.OPEN, None
        if self.stopped is None:
            self.deadline.reschedule(None)
        accept = {"type": "websocket.accept", "subprotocol": subprotocol}
        self.outbox.put({**accept, "headers": self.headers})
        call_each(self.on_accept, self)
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
            raise self._not_open("send")
        self.outbox.put(send_event(message))
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
            event = {"type": "websocket.close", "code": sendable(code)}
            self.state = State.CLOSED
            self.wake()
            reason = reason.encode()[:123].decode(errors="ignore")
            await self.outbox.end({**event, "reason": reason})

    def _arrival(self) -> asyncio.Future[None]:
        if self.state is not OPEN:
            raise self._not_open("receive")
        self._arrived = asyncio.get_running_loop().create_future()
        return self._arrived

    def _take(self) -> str | bytes:
        if self.room is not None and not self.room.done():
            self.room.set_result(None)
        return self.inbox.pop(0)

    def _not_open(self, what: str) -> Exception:
        if self.state is CONNECTING:
            return HandlerError(f"before {what}() comes: await socket.accept()")
        if self.stopped is None and what == "send":
            return HandlerError("send() came after close()")
        return Disconnected(*(self.stopped or (CloseCode.NORMAL_CLOSURE, "")))

    def wake(self) -> None:
        if (arrived := self._arrived) is not None and not arrived.done():
            arrived.set_result(None)

    def stop(self, code: int, reason: str = "", *, after: float = 0.0) -> None:
        """End the handler in ``after`` seconds, then the websocket with this code."""
        self.stopped = self.stopped or (code, reason)
        when = asyncio.get_running_loop().time() + after
        for timeout, end in ((self.deadline, when), (self.watch, when + PATIENCE)):
            if (before := timeout.when()) is None or end < before:
                with suppress(RuntimeError, AssertionError):  # its block is not running
                    timeout.reschedule(end)


def call_each(calls: Iterable[Callable[[Socket], None]], socket: Socket) -> None:
    """Call all of them, whatever one of them raises."""
    for call in list(calls):
        try:
            call(socket)
        except Exception:
            log.exception("%r failed for the socket at %r", call, socket.scope["path"])
