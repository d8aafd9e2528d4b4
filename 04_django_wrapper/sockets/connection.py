"""One websocket, as its handler sees it: accept, receive, send, close.

State: CONNECTING until the handler calls ``accept()``, then OPEN, then CLOSED.
In:    the runner reads all the time and fills the inbox (inbox.py).
Out:   every event goes through the outbox (outbox.py).
End:   there is one, ``_end()``. It comes by ``leave()`` if the peer has left, by
       ``stop()`` if somebody else ends the websocket, and by ``close()`` or the
       handler's return. The first one counts. The table at the top of runner.py says
       how and when the handler learns of it.

Only this file changes the attributes of a `Socket`, but for ``session`` and ``user``,
which belong to the steps of the handshake. Other files may add to its lists, its set
and ``data``.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, Self
from weakref import ref

from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, WebSocketScope
from django.core.handlers.asgi import ASGIRequest

from . import hints, jsontext, servers
from .answers import NO_ANSWER, Answer, close_event, refusal_events
from .codes import (
    BadMessage,
    CloseCode,
    Disconnected,
    HandlerError,
    sendable,
    sendable_reason,
)
from .conf import Conf
from .deadline import Deadline
from .inbox import Inbox
from .outbox import IN_A_ROW, Event, Outbox, send_event
from .request import request_of

log = logging.getLogger("sockets")


class State:
    """How far a websocket is.

    Not an Enum: Python 3.11 takes longer to look up a member of one than to send a
    message, and each message needs three.
    """

    CONNECTING = "connecting"
    OPEN = "open"
    CLOSED = "closed"


class By(Enum):
    """The side that has ended a websocket."""

    PEER = auto()
    SERVER = auto()
    SITE = auto()
    HANDLER = auto()


class Ending(NamedTuple):
    """How a websocket has ended.

    Attributes:
        code: the close code that was sent or came; 1006 if neither.
        reason: a sentence for people.
        by: who has ended it.
        status: the HTTP status, if the handshake was refused.
    """

    code: int
    reason: str
    by: By
    status: int | None = None


class Socket:
    """One websocket. The runner makes it and gives it to a handler.

    Args:
        scope: the ASGI scope of the connection.
        receive: the server's; it may lead to the transport.
        send: the server's.
        conf: the setting SOCKETS.

    Attributes:
        scope: the ASGI scope, a dict.
        conf: the setting SOCKETS.
        state: a `State`.
        session: Django's, loaded. Save a changed one: ``await socket.session.asave()``.
        user: Django's.
        data: the project's own: whatever a step hands to the handler, by name.
        headers: pairs of bytes, to go out with ``accept()``.
        groups: the names of the groups that it is in; groups.py fills it.
        on_accept: functions that are called with this socket after ``accept()``.
        on_end: functions that are called with this socket when all has ended. They find
            out how in ``ending``, ``failed`` and ``deadline``.
        ending: how it has ended; None before that.
        failed: the handler has raised an error that nobody expects.
        inbox: the way in. ``socket.inbox.received`` counts messages.
        outbox: the way out.
        deadline: how long the handler may go on after the end.
    """

    __slots__ = (
        "__weakref__",
        "_request",
        "conf",
        "data",
        "deadline",
        "ending",
        "failed",
        "groups",
        "headers",
        "inbox",
        "on_accept",
        "on_end",
        "outbox",
        "scope",
        "session",
        "state",
        "user",
    )

    def __init__(
        self,
        scope: WebSocketScope,
        receive: ASGIReceiveCallable,
        send: ASGISendCallable,
        conf: Conf,
    ) -> None:
        self.scope = scope
        self.conf = conf
        self.state = State.CONNECTING
        self.session: Any = None
        self.user: Any = None
        self.data: dict[str, Any] = {}
        self.headers: list[tuple[bytes, bytes]] = []
        self.groups: set[str] = set()
        self.on_accept: list[Callable[[Socket], None]] = []
        self.on_end: list[Callable[[Socket], None]] = []
        self.ending: Ending | None = None
        self.failed = False
        self._request: ASGIRequest | None = None

        self.deadline = Deadline(scope["path"], conf)
        self.inbox = Inbox(conf, self.stop)
        self.outbox = Outbox(
            send,
            conf,
            self.stop,
            at_once=servers.is_servers_own(send),
            transport=servers.transport_of(send, receive),
        )

    # Attributes that a handler reads

    @property
    def request(self) -> ASGIRequest:
        """The handshake as a request of Django's.

        It takes 4 KB. So it is kept until ``accept()``, and made anew at each call
        after that.
        """
        request = self._request
        if request is None:
            request = request_of(self.scope, self.session, self.user)
            if self.state is State.CONNECTING:
                self._request = request
        return request

    @property
    def received(self) -> int:
        """How many messages have come."""
        return self.inbox.received

    @property
    def sent(self) -> int:
        """How many messages the server has taken; the event of ``accept()`` is none."""
        return max(0, self.outbox.sent - 1)

    if not TYPE_CHECKING:  # a type checker finds names that are not there by itself

        def __getattr__(self, name: str) -> NoReturn:
            raise AttributeError(hints.of_a_view(name), name=name, obj=self)

    # Methods that a handler calls

    async def accept(self, subprotocol: str | None = None) -> None:
        """Open the websocket.

        Args:
            subprotocol: one of those that the client offers.

        Raises:
            HandlerError: it is open already, or the client does not offer this one.
            Disconnected: the websocket has ended.
        """
        if self.state is State.OPEN:
            raise HandlerError("accept() comes once, and this is the second")
        offered = list(self.scope.get("subprotocols") or ())
        if subprotocol is not None and subprotocol not in offered:
            raise HandlerError(f"the client offered {offered}, and not {subprotocol!r}")
        if self.state is State.CLOSED:
            await self.not_open("accept")

        self.state = State.OPEN
        self._request = None
        self.deadline.opened()
        self.outbox.put(
            {
                "type": "websocket.accept",
                "subprotocol": subprotocol,
                "headers": self.headers,
            }
        )
        call_each(self.on_accept, self)
        await self.outbox.flushed()

    async def receive(self) -> str | bytes:
        """Wait for the next message.

        Returns:
            Text as str, binary as bytes.

        Raises:
            Disconnected: the websocket has ended, and the inbox is empty.
            HandlerError: before ``accept()``, or while another task receives.
        """
        while not self.inbox.messages:
            if self.state is not State.OPEN:
                await self.not_open("receive")
            await self.inbox.arrival()
        return self.inbox.take()

    async def receive_json(self) -> Any:
        """Wait for the next message, which must be JSON as text.

        Raises:
            BadMessage: it is not.
            Disconnected: as for ``receive()``.
        """
        message = await self.receive()
        if isinstance(message, bytes):
            raise BadMessage("expected JSON as text", CloseCode.UNSUPPORTED_DATA)
        return jsontext.loads(message, self.conf.JSON_DEPTH)

    def __iter__(self) -> NoReturn:
        raise HandlerError(
            "a Socket is read by async for: write  async for message in socket:"
        )

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str | bytes:
        # The lines of receive(), and no call of it: a second coroutine for each message
        # takes 3 % of an echo.
        try:
            while not self.inbox.messages:
                if self.state is not State.OPEN:
                    await self.not_open("receive")
                await self.inbox.arrival()
        except Disconnected:
            raise StopAsyncIteration from None
        return self.inbox.take()

    async def send(self, message: str | bytes) -> None:
        """Send one message, and wait while this peer is behind.

        A message from elsewhere, such as another handler, to a websocket that has ended
        goes nowhere, as in a group: it is no error of the sender's.

        Args:
            message: text as str, binary as bytes.

        Raises:
            Disconnected: this handler's own websocket has ended.
            HandlerError: before ``accept()``, after ``close()``, or this is no message.
        """
        if self.state is not State.OPEN:
            if self.state is State.CLOSED and not is_handled_here(self):
                return
            await self.not_open("send")
        outbox = self.outbox
        outbox.put(send_event(message))
        if outbox.behind:
            await outbox.flushed()
        elif outbox.dead or outbox.taken % IN_A_ROW == 0:
            # A handler that sends in a loop to a peer that keeps up would never wait,
            # and no other task could run. A dead outbox takes nothing and never waits:
            # the runner must have a turn to read that the peer has left.
            await asyncio.sleep(0)

    async def send_json(self, value: Any) -> None:
        """Send a value as JSON text; dates, UUIDs and decimals as Django does."""
        await self.send(jsontext.dumps(value))

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Say goodbye, after all that was sent before. A second time does nothing.

        Args:
            code: a `CloseCode`, or 3000 to 4999.
            reason: cut off at 123 bytes of UTF-8 (RFC 6455, section 5.5).

        Raises:
            HandlerError: before ``accept()``, or no close frame may have this code.
        """
        self.begin_close(code, reason)
        await self.outbox.flushed()

    # Methods that others call, at any time

    def begin_close(self, code: int, reason: str) -> None:
        """``close()`` without its wait; for a thread that must not be kept."""
        if self.state is State.CONNECTING:
            raise HandlerError("before accept() there is no close(): raise Refused")
        if is_handled_here(self):
            by = By.HANDLER
        else:
            by = By.SITE
        self._say_goodbye(Answer(500, code, reason), by)
        if by is By.HANDLER:
            self.deadline.handler_knows()

    def stop(
        self, code: int, reason: str = "", status: int = 503, *, note: str = ""
    ) -> None:
        """End this websocket from outside of its handler. It never waits.

        The peer gets its goodbye now, after all that was sent to it before.

        Args:
            code: a `CloseCode`, or 3000 to 4999.
            reason: as for ``close()``.
            status: of HTTP, if the websocket is not open yet.
            note: what only the log is told.
        """
        if self.ending is not None:
            return
        if self.state is State.CONNECTING:
            what = "refused %r with %d: %s"
            number = status
        else:
            what = "closed %r with %d: %s"
            number = code
        # A restart ends thousands with 1012, and draining.py logs one line for all.
        if code != CloseCode.SERVICE_RESTART or self.state is State.CONNECTING:
            # A log cannot write half of a surrogate pair, either.
            told = str(reason or "").encode(errors="replace").decode()
            if note:
                told += f" ({note!r:.200})"
            log.warning(what, self.scope["path"], number, told)
        self._say_goodbye(Answer(status, code, reason), By.SITE)
        if self.deadline.is_current_task():
            # The handler itself has called for this. For example it logs its user out;
            # Django's signal closes the user's group, which is this websocket, too. A
            # limit of LEAVE_SECONDS would cut off what it is about to finish.
            self.deadline.handler_knows()

    def leave(self, code: int, reason: str, by: By) -> None:
        """For the runner: the peer has left, or the server ends."""
        goodbye: Sequence[Event] = ()
        if self.state is State.CONNECTING and by is By.PEER:
            # Nobody reads this answer. But uvicorn logs an error, and may fail itself,
            # if an application returns and has never answered the handshake.
            goodbye = [NO_ANSWER]
        self._end(Ending(code, reason, by), goodbye)
        self.outbox.drop()

    def finish(self, answer: Answer) -> None:
        """For handling.py: the handler has ended; does nothing after another end."""
        self._say_goodbye(answer, By.HANDLER)

    def fail(self, what: str, error: BaseException) -> None:
        """For handling.py: the handler has failed, which is told to the log."""
        self.failed = True
        log.error(what, self.scope["path"], exc_info=error)

    async def not_open(self, what: str) -> NoReturn:
        """Raise the error for a call that needs an open websocket.

        Args:
            what: the name of the method that was called.

        Raises:
            Disconnected: the websocket has ended.
            HandlerError: before ``accept()``, or for ``send()`` after ``close()``.
        """
        ending = self.ending
        if ending is None:
            raise HandlerError(f"before {what}() comes: await socket.accept()")
        is_mine = is_handled_here(self)
        if what == "send" and is_mine and ending.by is By.HANDLER:
            raise HandlerError("send() came after close()")
        is_first = True
        if is_mine:
            is_first = self.deadline.tell_handler()
        # A handler that catches this error and calls again would never wait, and no
        # other task could run: no deadline, no other websocket.
        await asyncio.sleep(0)
        raise Disconnected(ending.code, ending.reason, is_first=is_first)

    # The end

    def _say_goodbye(self, answer: Answer, by: By) -> None:
        code = sendable(answer.code)
        # The log and the counters read it, too. Half of a surrogate pair in one counter
        # would break the whole page of metrics.
        reason = sendable_reason(answer.reason)
        if self.state is State.CONNECTING:
            extensions = self.scope.get("extensions")
            events = refusal_events(answer.status, answer.reason, extensions)
            self._end(Ending(code, reason, by, answer.status), events)
        else:
            event = close_event(code, reason)
            self._end(Ending(code, reason, by), [event])

    def _end(self, ending: Ending, goodbye: Sequence[Event]) -> None:
        """However a websocket ends, it ends here, and once."""
        if self.ending is not None:
            return
        self.ending = ending
        self.state = State.CLOSED
        self.inbox.no_more()
        if goodbye:
            self.outbox.say_goodbye(goodbye)
        self.deadline.websocket_ended(has_received=self.inbox.has_received)


# The websocket whose handler runs in this task, or has started it. It is a weak
# reference: a task that serves all, such as the connection to Redis, may have been
# started by one handler. It keeps that handler's context, and not its websocket.
current: ContextVar["ref[Socket] | None"] = ContextVar("current", default=None)


def is_handled_here(socket: Socket) -> bool:
    """Does the handler of this websocket run here, or a task that it has started?"""
    reference = current.get()
    return reference is not None and reference() is socket


def call_each(calls: Iterable[Callable[[Socket], None]], socket: Socket) -> None:
    """Call all of them, whatever one of them raises."""
    for call in list(calls):
        try:
            call(socket)
        except Exception:
            log.exception("%r failed for the socket at %r", call, socket.scope["path"])
