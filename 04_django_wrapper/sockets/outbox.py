"""What goes out on one connection: now, if the server takes it now; else in order.

1. The server's ``send(event)`` is a coroutine. For a peer that keeps up it ends without
   waiting once. So one step of it by hand, as in stage 02, and the event is on its way.
   (Python 3.12 calls that an eager task. It costs more, and 3.11 has none.)
2. For a peer that does not read, that step yields a future: the server waits. Only then
   a task is made, the writer. It takes over the coroutine where it stands, and later
   events wait in line behind it.
3. Who takes too long for one event, or lets too many wait, is told "try again later"
   (1013) and cut off. One stalled peer delays nobody, and what it costs has a bound.
"""

import asyncio
import types
from collections.abc import Awaitable, Callable, Generator
from contextlib import suppress
from typing import Any

from asgiref.typing import ASGISendCallable

from .codes import CloseCode, HandlerError
from .conf import Conf

Event = Any  # one of asgiref.typing.ASGISendEvent's many kinds
# What a server raises when the websocket has ended; a disconnect event says it for all.
GONE = (OSError, RuntimeError)
DONE = object()  # `next()` returns it: no StopIteration need be made and caught


def send_event(message: str | bytes) -> Event:
    """The event for one message; HandlerError for what is none."""
    if isinstance(message, str):
        return {"type": "websocket.send", "text": message}
    if isinstance(message, bytes):
        return {"type": "websocket.send", "bytes": message}
    raise HandlerError(
        f"a message is str or bytes, and not {message!r:.80}; see send_json"
    )


class Outbox:
    """The way out of one connection; ``stop(code, reason)`` is called at a limit."""

    __slots__ = (
        *("conf", "ended", "goodbye", "most", "send", "since", "stop", "taken"),
        *("waiting", "writer"),
    )

    def __init__(
        self, send: ASGISendCallable, conf: Conf, stop: Callable[[int, str], None]
    ) -> None:
        self.send: Any = send
        self.conf, self.stop = conf, stop
        self.waiting: list[Event] = []
        self.writer: asyncio.Task[None] | None = None  # while the peer is behind
        self.since = 0.0  # when the writer began to wait for its present event
        self.ended = False
        self.goodbye: Event | None = None  # its last event
        self.most = 0  # events that have waited at one time
        self.taken = 0  # events that the server has taken

    def put(self, event: Event) -> None:
        """Send it, or keep it for the writer. This never waits."""
        if self.ended:
            return
        if self.writer is None:
            try:
                steps = self.send(event).__await__()
                if (future := next(steps, DONE)) is DONE:
                    self.taken += 1
                    return
            except GONE:
                return
            self.since = asyncio.get_running_loop().time()
            self.writer = asyncio.create_task(self._write(_rest(steps, future)))
        elif len(self.waiting) < self.conf.OUTBOX:
            self.waiting.append(event)
            self.most = max(self.most, len(self.waiting))
        else:
            self.stop(CloseCode.TRY_AGAIN_LATER, "you read too slowly")

    async def _write(self, sending: Awaitable[None]) -> None:
        loop, seconds = asyncio.get_running_loop(), self.conf.SEND_SECONDS
        try:
            while True:
                self.since = loop.time()
                async with asyncio.timeout(seconds):
                    await sending
                self.taken += 1
                if not self.waiting:
                    self.writer = None
                    return
                sending = self.send(self.waiting.pop(0))
        except TimeoutError:  # and it stays the writer: nobody else need try
            self.stop(CloseCode.TRY_AGAIN_LATER, "you do not read")
        except GONE:
            self.waiting.clear()
        except Exception:  # not for the wire, like half of a surrogate pair
            self.stop(CloseCode.INTERNAL_ERROR, "")
            raise

    async def flushed(self) -> None:
        """Wait while the peer is behind: backpressure."""
        while self.writer is not None and not self.writer.done():
            await asyncio.wait([self.writer])

    async def end(self, event: Event | None) -> None:
        """Drop what waits, and send a last event; None: the peer has left already."""
        if self.ended:
            return
        self.ended, self.goodbye = True, event
        blocked, seconds = self.writer is not None, self.conf.SEND_SECONDS
        try:
            if self.writer is not None:  # the time that the peer has had counts
                seconds -= asyncio.get_running_loop().time() - self.since
                self.writer.cancel()
                await asyncio.wait([self.writer])
            if event is not None:
                with suppress(*GONE):  # a TimeoutError is an OSError
                    async with asyncio.timeout(seconds):
                        await self._last(event)
                        blocked = False
        finally:
            self.waiting.clear()
            self._cut(0 if blocked else self.conf.SEND_SECONDS)

    async def _last(self, event: Event) -> None:
        try:
            await self.send(event)
        except GONE:
            raise
        except Exception:
            if "code" not in event:
                raise
            # daphne sends 1000 and 3000 to 4999 only, so there 1011 becomes 4011.
            await self.send({**event, "code": event["code"] + 3000})

    def _cut(self, after: float) -> None:
        # A server holds a connection until its last byte has gone, and to a peer that
        # never reads it never goes. uvicorn lets us reach the transport. Under other
        # servers the operating system has to end it: TCP_USER_TIMEOUT.
        transport = getattr(getattr(self.send, "__self__", None), "transport", None)
        if abort := getattr(transport, "abort", None):
            asyncio.get_running_loop().call_later(after, abort)


@types.coroutine
def _rest(steps: Generator[Any, Any, None], future: Any) -> Generator[Any, Any, None]:
    """The rest of a coroutine whose first step is made, and has yielded ``future``."""
    with suppress(StopIteration):
        while True:
            try:
                yield future
            except BaseException as error:  # a cancellation is meant for it
                future = steps.throw(error)
            else:
                return (yield from steps)
