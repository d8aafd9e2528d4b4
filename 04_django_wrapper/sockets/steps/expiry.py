"""The end of a token: a websocket is closed with 4401 at a given time.

The rounds of ``recheck`` find out when a session ends, since only the database knows
that. A token says by itself when it ends. So a step that reads tokens sets a timer, and
nobody need ask.
"""

import asyncio
import time
from datetime import datetime

from ..codes import CloseCode, HandlerError, Refused
from ..connection import Socket, State

REASON = "the token has expired"

# A websocket has one timer at most. Only this file changes the dictionary.
_timers: dict[Socket, asyncio.TimerHandle] = {}


def expire_at(socket: Socket, when: datetime | float) -> None:
    """Close this websocket with 4401 at this time; before ``accept()``, refuse it.

    A later call takes the place of an earlier one: so a client may send a new token on
    its open websocket, and stay.

    Args:
        socket: of a step, or of a handler.
        when: seconds since 1970, as ``exp`` in a JSON Web Token (RFC 7519, section
            4.1.4), or a `datetime` with a time zone. The machine's clock counts.

    Raises:
        Refused: 401, if the time has come already and the websocket is not open yet.
        HandlerError: the time has no zone.
    """
    if isinstance(when, datetime):
        if when.tzinfo is None:
            # Python would take it for the server's local time.
            raise HandlerError(
                "a token ends at seconds since 1970, or at a time with a zone, as "
                f"datetime.now(UTC) gives it, and not at {when!r}"
            )
        when = when.timestamp()
    seconds = when - time.time()
    if seconds <= 0 and socket.state is State.CONNECTING:
        raise Refused(401, REASON)

    if socket in _timers:
        _timers[socket].cancel()
    else:
        socket.on_end.append(_forget)
    loop = asyncio.get_running_loop()
    _timers[socket] = loop.call_later(seconds, _expire, socket)


def _expire(socket: Socket) -> None:
    socket.stop(CloseCode.UNAUTHORIZED, REASON, 401)


def _forget(socket: Socket) -> None:
    """The websocket has ended: its timer would keep it in memory."""
    _timers.pop(socket).cancel()
