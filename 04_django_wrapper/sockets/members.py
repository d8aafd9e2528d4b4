"""Members: which sockets are in which group in this process.

Only the event loop that the members live in may call what is here. A delivery has no
``await``: so all members see two messages in the same order.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .codes import CloseCode, HandlerError, sendable
from .connection import Socket, State
from .outbox import Event, Outbox, send_event

Put = Callable[[Any], None]
log = logging.getLogger("sockets")

LONGEST_NAME = 100  # characters
# Zero-width non-joiner and joiner. Persian words and emoji of families have them;
# ``str.isprintable`` takes them for control characters.
JOINERS = dict.fromkeys([0x200C, 0x200D])


@dataclass(frozen=True, slots=True)
class Message:
    """For all members. They share the event, so nobody may change it."""

    event: Event  # ASGI's "websocket.send", with "text" or "bytes"
    but: Socket | None = None  # this member, and no other one, does not get it


@dataclass(frozen=True, slots=True)
class Close:
    """The websockets of all members end with this code and this reason."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Loss:
    """Some messages may have been lost on their way from other processes."""


News = Message | Close | Loss


def message_of(message: str | bytes, but: Socket | None = None) -> Message:
    """A message as news for a group.

    Args:
        message: text as str, binary as bytes.
        but: a member of this process that does not get it.

    Raises:
        HandlerError: it is neither str nor bytes, or it is no text that UTF-8 knows, or
            ``but`` is no socket.
    """
    if but is not None and not isinstance(but, Socket):
        # Anything else would be no member, and the sender would get its own message.
        raise HandlerError(f"but= is a Socket, and not {but!r:.80}")
    if isinstance(message, str):
        # Without this, half of a surrogate pair would fail later, at each member.
        try:
            message.encode()
        except UnicodeEncodeError as error:
            raise HandlerError(
                f"a message is text that UTF-8 can carry, and this is not: {error}"
            ) from None
    return Message(send_event(message), but)


def close_of(code: int, reason: str = "") -> Close:
    """The close of a group as news for it; HandlerError: no frame has this code."""
    text = (reason or "").encode(errors="replace").decode()
    return Close(sendable(code), text)


def check_name(name: str) -> str:
    """A group's name, if it is one.

    Raises:
        HandlerError: it is not.
    """
    if not isinstance(name, str):
        kind = type(name).__name__
        raise HandlerError(
            f"a group's name is a str, and {name!r:.120} is of type {kind}: "
            f'write f"room-{{…}}" or str(…)'
        )
    visible = name.translate(JOINERS)
    if not 0 < len(name) <= LONGEST_NAME or not visible.isprintable() or not visible:
        raise HandlerError(
            f"a group's name has 1 to {LONGEST_NAME} printable characters, "
            f"unlike {name!r:.120}"
        )
    return name


class Listener:
    """A member that is not a websocket. It is open for the length of its block."""

    state = State.OPEN

    def stop(self, code: int, reason: str = "") -> None:
        """The close of a group is for its websockets only."""


class Members:
    """The members of all groups in this process."""

    def __init__(self) -> None:
        # Members in the order in which they came, each with the function that takes
        # its messages. A group without members has no entry.
        self.members: dict[str, dict[Socket | Listener, Put]] = {}

    def put_in(self, name: str, member: Socket | Listener, put: Put) -> None:
        """One more member of a group."""
        self.members.setdefault(name, {})[member] = put

    def take_out(self, name: str, member: Socket | Listener) -> None:
        """One member less, if it was one."""
        members = self.members.get(name, {})
        members.pop(member, None)
        if not members:
            self.members.pop(name, None)

    def deliver(self, name: str, news: News) -> None:
        """Give news to the members of a group in this process. It never waits.

        A ``put`` that fails is its own member's fault: only that member is closed.
        """
        members = self.members.get(name, {})
        if isinstance(news, Close):
            for member in list(members):
                member.stop(news.code, news.reason)
            return

        event: Event = None
        if isinstance(news, Message):
            event = news.event
            if news.but is not None:
                members = {m: put for m, put in members.items() if m is not news.but}
        else:  # a loss: a peer is not told of it
            members = {m: put for m, put in members.items() if not _is_outbox(put)}

        # This loop is what a message to thousands costs. It looks State.OPEN up once,
        # since Python 3.11 takes longer for that than for a call. The list is a copy: a
        # put() may take its own member out of the group.
        is_open = State.OPEN
        for member, put in list(members.items()):
            if member.state is is_open:
                try:
                    put(event)
                except Exception:
                    log.exception("a member of %r could not take a message", name)
                    member.stop(CloseCode.INTERNAL_ERROR)


def _is_outbox(put: Put) -> bool:
    """Does a member's news go straight to its peer?"""
    return getattr(put, "__func__", None) is Outbox.put
