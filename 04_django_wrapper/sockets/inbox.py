"""The messages that come in on one connection, in order, until the handler takes it.

1. The runner puts messages in, the handler takes them out.
2. A full inbox makes the runner wait. It reads nothing meanwhile, so the server stops
   reading from the network, and the peer must wait: that is backpressure.
3. A message over a limit is not put in: it ends the websocket.

Only this file changes the attributes of an `Inbox`.
"""

import asyncio
from collections.abc import Callable

from . import waiting
from .codes import CloseCode, HandlerError
from .conf import Conf


class Inbox:
    """The way in of one connection.

    Args:
        conf: with the limits.
        stop: called with a close code and a reason at a limit.

    Attributes:
        messages: those that the handler has not taken yet, text as str, binary as
            bytes. A list, for it is short: a deque would take 600 bytes.
        received: how many have come, those over a limit included.
        has_received: the handler has called ``receive()`` at least once.
    """

    __slots__ = (
        "_arrived",
        "_bytes",
        "_conf",
        "_place",
        "_rate",
        "_stop",
        "_surely_short",
        "has_received",
        "messages",
        "received",
    )

    def __init__(self, conf: Conf, stop: Callable[[int, str], None]) -> None:
        self._conf = conf
        self._stop = stop
        # A character is 1 to 4 bytes in UTF-8.
        self._surely_short = conf.MESSAGE_BYTES // 4
        self.messages: list[str | bytes] = []
        self.received = 0
        self.has_received = False
        # Under uvloop this clock costs nothing: it is read once in a turn of the loop.
        clock = asyncio.get_running_loop().time
        self._rate = Rate(conf.MESSAGES_AT_ONCE, conf.MESSAGES_PER_SECOND, clock)
        # The first message in line is not counted: each websocket may have one.
        self._bytes = 0
        self._arrived: asyncio.Future[None] | None = None  # the handler waits
        self._place: asyncio.Future[None] | None = None  # the runner waits

    # Called by the handler, through its socket

    def arrival(self) -> "asyncio.Future[None]":
        """A future that is done when a message has come, or no more can come.

        Raises:
            HandlerError: another task waits already.
        """
        if self._arrived is not None and not self._arrived.done():
            # Only one of the two would be woken, and the other one would never be.
            raise HandlerError(
                "two tasks wait in receive(): let one task receive, and pass on what "
                "it receives"
            )
        self.has_received = True
        self._arrived = asyncio.get_running_loop().create_future()
        return self._arrived

    def take(self) -> str | bytes:
        """The oldest message; there must be one."""
        self.has_received = True
        message = self.messages.pop(0)
        if self.messages:
            # This one is the first in line now, which is not counted.
            self._count(-waiting.size_of(self.messages[0]))
        if self._place is not None:
            _wake(self._place)
        return message

    # Called by the runner

    def is_full(self) -> bool:
        """Must the next message wait? Not in an empty inbox: each may have one."""
        conf = self._conf
        return len(self.messages) > 0 and (
            len(self.messages) >= conf.INBOX
            or self._bytes >= conf.INBOX_BYTES
            or waiting.total >= conf.WAITING_BYTES
        )

    async def place(self) -> None:
        """Wait until the handler takes a message; end the websocket if it takes none.

        A peer that leaves now is noticed later: its goodbye is behind its messages.
        """
        seconds = self._conf.INBOX_SECONDS
        self._place = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(seconds):
                await self._place
        except TimeoutError:
            reason = f"the handler has taken no message for {seconds:g} s"
            self._stop(CloseCode.TRY_AGAIN_LATER, reason)
        finally:
            self._place = None

    def put(self, message: str | bytes) -> None:
        """Keep one message for the handler, or end the websocket because of it."""
        self.received += 1
        if len(message) > self._surely_short and self._is_too_long(message):
            self._stop(CloseCode.MESSAGE_TOO_BIG, "this message is too long")
        elif not self._rate.allows_one_more():
            self._stop(CloseCode.POLICY_VIOLATION, "too many messages")
        else:
            if self.messages:
                self._count(waiting.size_of(message))
            self.messages.append(message)
            _wake(self._arrived)

    # Called by the socket

    def no_more(self) -> None:
        """Nothing more comes: let the handler and the runner look again."""
        _wake(self._arrived)
        _wake(self._place)

    def clear(self) -> None:
        """Forget what nobody will take."""
        self.messages.clear()
        self._count(-self._bytes)

    def _is_too_long(self, message: str | bytes) -> bool:
        limit = self._conf.MESSAGE_BYTES
        if isinstance(message, str) and len(message) <= limit:
            # A text of 15 MB is never encoded.
            return len(message.encode()) > limit
        return len(message) > limit

    def _count(self, size: int) -> None:
        self._bytes += size
        waiting.add(size)


class Rate:
    """A token bucket: ``at_once`` in a burst, ``per_second`` in the long run.

    Args:
        at_once: messages.
        per_second: messages.
        clock: gives the time in seconds.

    Source: https://en.wikipedia.org/wiki/Token_bucket
    """

    __slots__ = ("_at", "_at_once", "_clock", "_per_second", "_tokens")

    def __init__(
        self, at_once: float, per_second: float, clock: Callable[[], float]
    ) -> None:
        self._clock = clock
        self._at_once = at_once
        self._per_second = per_second
        self._tokens = float(at_once)
        self._at = clock()  # when the bucket had so many tokens

    def allows_one_more(self) -> bool:
        """Take a token, if there is one."""
        now = self._clock()
        tokens = self._tokens + (now - self._at) * self._per_second
        # Without this, an hour of silence would be good for an hour of messages.
        tokens = min(tokens, self._at_once)
        self._tokens = tokens - 1
        self._at = now
        return tokens >= 1


def _wake(waiter: "asyncio.Future[None] | None") -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)
