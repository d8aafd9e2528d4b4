"""The way out of one connection: at once if the server takes it, else in order.

1. The server's ``send(event)`` is a coroutine. For a peer that keeps up it ends without
   waiting. So we make its first step by hand (eager.py), and the event is sent.
2. For a peer that does not read, that step yields a future: the server waits. Only then
   do we make a task, the writer. It takes over the coroutine where it stands. The peer
   is *behind* now, and later events wait in line.
3. A peer that lets too much wait is told "try again later" (1013) after all that was
   sent before. A peer that takes longer than SEND_SECONDS for one event is cut off: a
   goodbye cannot reach a peer that does not read. The log and the counters say 1013 of
   both. So one stalled peer delays nobody, and its cost is limited.
4. The goodbye is the last event, and always the writer's. It comes after all that was
   put before, within the time that the peer has: SEND_SECONDS from the start of the
   event that is being sent.
5. A ``send`` that middleware has wrapped runs in the writer only, and always in the
   context of its own connection (servers.py says why).

Only this file changes the attributes of an `Outbox`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextvars import copy_context
from typing import Any

from django.utils.functional import Promise

from . import servers, waiting
from .codes import CloseCode, HandlerError
from .conf import Conf
from .eager import first_step

log = logging.getLogger("sockets")

# Code that sends in a loop must give control back (yield) to the event loop now and
# then: otherwise no other task runs, no writer sends, and a peer that reads at full
# speed would be told that it reads too slowly. So every 32nd message does.
IN_A_ROW = 32

Event = Any  # one of asgiref.typing.ASGISendEvent's many kinds

# A server raises these when the websocket has ended. The event "websocket.disconnect"
# tells the runner of it, so nobody else need be told. A TimeoutError is an OSError.
GONE = (OSError, RuntimeError)


def send_event(message: str | bytes) -> Event:
    """The event for one message.

    Args:
        message: text or bytes; lazy text of Django's becomes text here.

    Raises:
        HandlerError: it is neither.
    """
    if isinstance(message, Promise):
        message = str(message)
    if isinstance(message, str):
        return {"type": "websocket.send", "text": message}
    if isinstance(message, bytes):
        return {"type": "websocket.send", "bytes": message}
    if asyncio.iscoroutine(message):
        message.close()  # else Python would also say that nobody has awaited it
        raise HandlerError(
            f"a message is str or bytes, and {message.__qualname__}() is a coroutine: "
            "write await before it"
        )
    raise HandlerError(
        f"a message is str or bytes, and not {message!r:.80}; see send_json"
    )


class Outbox:
    """The way out of one connection.

    Args:
        send: the server's, perhaps wrapped.
        conf: with the limits.
        stop: called with a close code and a reason at a limit.
        at_once: ``send`` may be run in any task.
        transport: the connection's, if it can be reached.

    Attributes:
        behind: the writer is at work, and new events wait in line.
        dead: nothing more can be sent: the peer does not read, or has left.
        line: the events that wait, the oldest first.
        taken: how many events the server has taken.
        most: the most events that have waited at one time.
        writer: the task, while the peer is behind; then the last one.
    """

    __slots__ = (
        "_at_once",
        "_before_goodbye",
        "_bytes",
        "_conf",
        "_context",
        "_since",
        "_stop",
        "_timer",
        "_transport",
        "_waiters",
        "behind",
        "closed",
        "dead",
        "line",
        "most",
        "send",
        "taken",
        "writer",
    )

    def __init__(
        self,
        send: Any,
        conf: Conf,
        stop: Callable[[int, str], None],
        *,
        at_once: bool,
        transport: Any = None,
    ) -> None:
        self.send = send
        self._conf = conf
        self._stop = stop
        self._at_once = at_once
        self._transport = transport
        self._context = copy_context()
        self.line: list[Event] = []
        self._bytes = 0  # of the events in line
        self.writer: asyncio.Task[None] | None = None
        self._since = 0.0  # when the writer began to wait for its present event
        # One at a time, after the goodbye: its limit, or the end of the connection.
        self._timer: asyncio.TimerHandle | None = None
        # Tasks in flushed(): each waits until so many events are taken.
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []
        self.behind = False
        self.closed = False  # the goodbye is put, and nothing can follow it
        self.dead = False
        self.taken = 0
        self.most = 0
        # So many events were sent or in line when the goodbye came: see `sent`.
        self._before_goodbye: int | None = None

    def put(self, event: Event) -> None:
        """Send an event, or keep it for the writer. It never waits."""
        if self.closed or self.dead:
            return
        if self.behind:
            self._keep(event)
        else:
            self._begin(event)

    async def flushed(self) -> None:
        """Wait until all that has been put so far is sent, or can never be sent."""
        if not self.behind:
            return
        number = self._number_of_the_last()
        done = asyncio.get_running_loop().create_future()
        self._waiters.append((number, done))
        await done

    def say_goodbye(self, events: Sequence[Event]) -> None:
        """Send these after all that waits, and accept nothing more. It never waits.

        Args:
            events: a close frame, or the answer to a handshake.
        """
        if self.closed:
            return
        self.closed = True
        self._before_goodbye = self._number_of_the_last()
        if self.dead:
            self._cut_off()
            return

        self.line += events
        if not self.behind:
            # In a task, always: a server may wait here for the peer's half of the
            # goodbye, with a time-out of its own, which must not end the caller's task.
            self._start_writer(self.line.pop(0), None)
        loop = asyncio.get_running_loop()
        when = self._since + self._conf.SEND_SECONDS
        self._timer = loop.call_at(when, self._stalled)

    def drop(self) -> None:
        """The peer has left: send nothing more, and accept nothing more."""
        if self.closed and self.behind:
            # The goodbye is on its way. Cancelled now, a server that waits for the
            # peer's half of it could not finish. But a peer that is gone needs no more
            # than LEAVE_SECONDS; SEND_SECONDS would hold up a server that shuts down.
            if self._timer is not None:
                self._timer.cancel()
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._conf.LEAVE_SECONDS, self._drop)
        elif not self.dead:
            self.closed = True
            self._drop()
            self._cut_off()

    def end(self) -> None:
        """The connection's tasks have ended: forget what can never be sent."""
        if self.behind:
            self._drop()

    @property
    def sent(self) -> int:
        """How many events the server has taken, the goodbye left out.

        The log and the counters tell it: a peer was sent two messages, and not three.
        """
        if self._before_goodbye is None:
            return self.taken
        return min(self.taken, self._before_goodbye)

    # The way of one event

    def _begin(self, event: Event) -> None:
        """Make the first step, and let the writer make the others, if there are any."""
        rest = None
        if self._at_once:
            try:
                rest = first_step(self.send(event))
            except GONE:
                self.dead = True
                return
            if rest is None:
                self.taken += 1
                return
        self._start_writer(event, rest)

    def _start_writer(self, event: Event, rest: Awaitable[None] | None) -> None:
        self.behind = True
        self._since = asyncio.get_running_loop().time()
        writing = self._write(event, rest)
        self.writer = asyncio.create_task(writing, context=self._context)

    def _keep(self, event: Event) -> None:
        size = _size_of(event)
        conf = self._conf
        is_full = (
            len(self.line) >= conf.OUTBOX or self._bytes + size > conf.OUTBOX_BYTES
        )
        # The process's limit is for those with a line: each peer may have one event.
        if is_full or (self.line and waiting.total + size > conf.WAITING_BYTES):
            self._stop(CloseCode.TRY_AGAIN_LATER, "too many messages wait for you")
            return
        self.line.append(event)
        self._count(size)
        self.most = max(self.most, len(self.line))

    async def _write(self, event: Event, rest: Awaitable[None] | None) -> None:
        """Send one event, and then all that waits.

        Args:
            event: the first one.
            rest: what is left of its sending, if that has begun.
        """
        try:
            while True:
                async with asyncio.timeout(self._conf.SEND_SECONDS):
                    await (rest or self._sending(event))
                rest = None
                self.taken += 1
                self._wake()
                if not self.line:
                    break
                event = self.line.pop(0)
                self._count(-_size_of(event))
                self._since = asyncio.get_running_loop().time()
        except TimeoutError:
            self._stalled()
            self._stop(CloseCode.TRY_AGAIN_LATER, "you do not read")
        except GONE:
            self._drop()
        except Exception:
            # The server cannot send this event: half of a surrogate pair, for example.
            log.exception("the server could not send an event")
            self._clear()
            if self.closed:
                self._cut_off()
            else:
                self._stop(CloseCode.INTERNAL_ERROR, "")
        else:
            self.behind = False
            if self.closed:
                self._cut_off()

    def _sending(self, event: Event) -> Coroutine[Any, Any, None]:
        if event["type"] == "websocket.close" and "code" in event:
            return servers.send_close(self.send, event)
        sending: Coroutine[Any, Any, None] = self.send(event)
        return sending

    # The end

    def _stalled(self) -> None:
        """The peer has had its time, and has not read."""
        servers.warn_of_stalled(self._transport)
        self._drop()

    def _drop(self) -> None:
        """Nothing more can be sent. Data that the server still holds is lost, too.

        A peer that was behind until now is cut off at once.
        """
        was_behind = self.behind
        self.dead = True
        if self._timer is not None:
            self._timer.cancel()
        if self.writer is not None and self.writer is not asyncio.current_task():
            self.writer.cancel()
        self._clear()
        if was_behind:
            servers.cut_off(self._transport, 0)

    def _clear(self) -> None:
        """Forget what waits: it can never be sent."""
        self.line.clear()
        self._count(-self._bytes)
        self.behind = False
        self._wake_all()

    def _cut_off(self) -> None:
        """See to it that the TCP connection ends, after all that was sent is taken."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = servers.cut_off(self._transport, self._conf.SEND_SECONDS)

    # Tools of the above

    def _number_of_the_last(self) -> int:
        if self.behind:
            return self.taken + 1 + len(self.line)
        return self.taken

    def _wake(self) -> None:
        """Let those go on whose event is taken now."""
        while self._waiters and self._waiters[0][0] <= self.taken:
            _, done = self._waiters.pop(0)
            if not done.done():
                done.set_result(None)

    def _wake_all(self) -> None:
        for _, done in self._waiters:
            if not done.done():
                done.set_result(None)
        self._waiters.clear()

    def _count(self, size: int) -> None:
        self._bytes += size
        waiting.add(size)


def _size_of(event: Event) -> int:
    """Bytes of what an event carries; an answer or a goodbye counts as nothing."""
    if event["type"] != "websocket.send":
        return 0
    text = event.get("text")
    return waiting.size_of(event["bytes"] if text is None else text)
