"""One line in the log when a websocket opens, and one when it has ended.

They tell who, where, how long and how much. No message, no query, no cookie is in them.
Whatever strangers choose is cut, and escaped, so that a line is one line. The values
are attributes of the record, too: a formatter for JSON writes them as fields.
"""

import logging
import time
from typing import Any

from ..connection import Socket
from .stats import stats

LONGEST = 200  # characters of a path or an address
log = logging.getLogger("sockets.connections")


def begin(socket: Socket) -> None:
    """A websocket has connected: hear of its beginning and of its end."""
    socket.on_accept.append(opened)
    socket.on_end.append(ended)


def opened(socket: Socket) -> None:
    """The handler has accepted it."""
    stats.open(socket, time.monotonic())
    _line("opened", socket)


def ended(socket: Socket) -> None:
    """Its handler has ended. Of one that was refused a warning has told already."""
    stats.end(socket)
    if socket not in stats.live:
        return
    code, began = stats.close(socket)
    seconds = round(time.monotonic() - began, 3)
    counts = {"received": socket.received, "sent": socket.sent}
    _line("closed", socket, code=code, seconds=seconds, **counts)


def _line(what: str, socket: Socket, **more: Any) -> None:
    if not log.isEnabledFor(logging.INFO):
        return
    user = getattr(socket.user, "pk", None)  # None: a guest
    client = socket.scope.get("client")
    values = {
        "path": _cut(socket.scope["path"]),
        "user": user if isinstance(user, int | None) else str(user),
        "address": _cut(client[0]) if client else None,
        **more,
    }
    text = " ".join(f"{name}={value!r}" for name, value in values.items())
    log.info("%s %s", what, text, extra=values)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"
