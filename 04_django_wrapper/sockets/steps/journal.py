"""One line in the log when a websocket opens, and one when it has ended.

They tell who, where, how long and how much. No message, no query, no cookie is in them.
Whatever strangers choose is cut, and escaped, so that a line is one line. The values
are attributes of the record, too: a formatter for JSON writes them as fields.
"""

import logging
import time
from typing import Any

from ..connection import Socket
from .live import opened
from .stats import stats

LONGEST = 200  # characters of a path or an address
log = logging.getLogger("sockets.connections")


def begin(socket: Socket) -> None:
    """A websocket has connected: hear of its beginning and of its end."""
    socket.on_accept.append(_accepted)
    socket.on_end.append(_ended)


def _accepted(socket: Socket) -> None:
    stats.open()
    _line("opened", socket)


def _ended(socket: Socket) -> None:
    stats.end(socket)
    if socket not in opened:
        return  # it was refused, and a warning has told so
    code = stats.close(socket)
    seconds = round(time.monotonic() - opened[socket], 3)
    _line(
        "closed",
        socket,
        code=code,
        seconds=seconds,
        received=socket.received,
        sent=socket.sent,
    )


def _line(what: str, socket: Socket, **more: Any) -> None:
    if not log.isEnabledFor(logging.INFO):
        return
    values = {
        "path": _cut(socket.scope["path"]),
        "user": _key_of(socket.user),
        "address": address_of(socket),
    }
    values.update(more)
    text = " ".join(f"{name}={value!r}" for name, value in values.items())
    log.info("%s %s", what, text, extra=values)


def address_of(socket: Socket) -> str | None:
    """The peer's address; None if there is none, as on a unix socket."""
    client = socket.scope.get("client")
    if client is None or not client[0]:  # granian says ('', '0')
        return None
    return _cut(client[0])


def _key_of(user: Any) -> int | str | None:
    """The primary key of a user as a field of JSON; None for a guest."""
    key = getattr(user, "pk", None)
    if isinstance(key, int | None):
        return key
    return str(key)


def _cut(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    return text[:LONGEST] + "…"
