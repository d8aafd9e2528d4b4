"""All that differs between servers. No other file here knows any server.

The layer uses ASGI alone, but for three things: whether a ``send`` may be called from
anywhere, what daphne thinks of close codes, and how to cut off a peer that never reads.
"""

import asyncio
import inspect
import logging
from functools import partial
from typing import Any

from .codes import CloseCode

log = logging.getLogger("sockets")

# Packages whose own ``send`` uses no context variable and no time-out of asyncio's, and
# so may be run in whatever task; and the client for tests.
KNOWN = ("uvicorn.", "hypercorn.", "daphne.", "granian", f"{__package__}.testing")

_has_warned = False  # once is enough, and not for each peer


def is_servers_own(send: Any) -> bool:
    """Is this the ``send`` of a server that we know, with nothing wrapped around it?

    A middleware's ``send`` may set a context variable and reset it afterwards, or have
    an ``asyncio.timeout()``. Run in two tasks, it would break the wrong one of them.
    """
    if isinstance(send, partial):  # daphne's
        send = send.func
    owner = getattr(send, "__self__", None)
    if owner is None or hasattr(send, "__wrapped__"):
        return False
    return type(owner).__module__.startswith(KNOWN)


async def send_close(send: Any, event: Any) -> None:
    """Send a close frame, with a code that the server accepts.

    daphne (through autobahn) sends only 1000 and 3000 to 4999. For any other code it
    raises a bare ``Exception``, and 1011 becomes 4011.
    """
    try:
        await send(event)
    except Exception as error:
        is_autobahns = type(error) is Exception and "code" in str(error)
        if not is_autobahns or event["code"] == CloseCode.NORMAL_CLOSURE:
            raise
        await send({**event, "code": event["code"] + 3000})


def transport_of(*calls: Any) -> Any:
    """The connection's transport, if one of ``send`` and ``receive`` leads to it.

    Both are methods of uvicorn's protocol. Middleware often wraps only one of them.
    """
    for call in calls:
        owner = getattr(inspect.unwrap(call), "__self__", None)
        transport = getattr(owner, "transport", None)
        if hasattr(transport, "abort"):
            return transport
    return None


def cut_off(transport: Any, after: float) -> asyncio.TimerHandle | None:
    """Close the TCP connection in ``after`` seconds, where we can reach it.

    A server holds a connection until its last byte has gone. To a peer that never reads
    it never goes.

    Args:
        transport: what `transport_of` has found.
        after: seconds; the peer may need them for its half of the goodbye.

    Returns:
        The timer; None if there is nothing to wait for.
    """
    if transport is None:
        return None
    return asyncio.get_running_loop().call_later(after, transport.abort)


def warn_of_stalled(transport: Any) -> None:
    """Say once that a peer that does not read keeps its connection.

    Only the operating system can end it then: the option TCP_USER_TIMEOUT (man 7 tcp).
    """
    global _has_warned
    if transport is None and not _has_warned:
        _has_warned = True
        log.warning(
            "a peer that does not read keeps its TCP connection: neither send() nor "
            "receive() leads to its transport. This server hides it, or a middleware "
            "wraps both; wrap the pages only: Dispatch(middleware(http))"
        )
