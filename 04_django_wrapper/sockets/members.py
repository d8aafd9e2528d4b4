"""Members: who is in which group in this process, and how an event reaches them."""

import logging
from collections.abc import Callable
from typing import Any

from .codes import CloseCode, HandlerError
from .connection import OPEN, Socket
from .outbox import Event, Outbox

Put = Callable[[Any], None]
log = logging.getLogger("sockets")


def check(name: str) -> str:
    """A group's name, if it is one."""
    if not 0 < len(name) <= 100 or not name.isprintable():
        raise HandlerError(
            f"a group's name has 1 to 100 printable characters, unlike {name!r:.120}"
        )
    return name


class Listener:
    """A member that is no websocket: it is open for its block, and nobody closes it."""

    state = OPEN

    def stop(self, code: int, reason: str = "") -> None:
        """A group's close is for websockets."""


class Members:
    """The members of all groups in this process."""

    def __init__(self) -> None:
        self.members: dict[str, dict[Socket | Listener, Put]] = {}  # in order

    def _add(self, name: str, member: Socket | Listener, put: Put) -> None:
        self.members.setdefault(name, {})[member] = put

    def _remove(self, name: str, member: Socket | Listener) -> None:
        members = self.members.get(name, {})
        members.pop(member, None)
        if not members:
            self.members.pop(name, None)

    def deliver(self, name: str, event: Event) -> None:
        """Give an event to the members in this process; it never waits.

        A ``put`` that fails is its member's fault: that one is closed with 1011.

        Args:
            event: a message as an ASGI event; ``code`` and ``reason`` of a close; None:
                messages may have been lost, for those who have a ``put`` of their own.
        """
        members = self.members.get(name, {})
        if event is None:
            members = {m: put for m, put in members.items() if not _is_outbox(put)}
        elif "type" not in event:
            for member in list(members):
                member.stop(**event)
            return
        for member, put in members.items():  # put() must not change the members
            if member.state is OPEN:
                try:
                    put(event)
                except Exception:
                    log.exception("a member of %r could not take a message", name)
                    member.stop(CloseCode.INTERNAL_ERROR)


def _is_outbox(put: Put) -> bool:
    return getattr(put, "__func__", None) is Outbox.put
