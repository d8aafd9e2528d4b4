"""All websockets of this process: the one place that knows them.

``begin`` is called with each new socket, and a hook of the socket's takes it out again
when it has ended. Only this file changes the two dictionaries; other steps read them.
"""

import asyncio
import time
from contextlib import suppress

from ..connection import Socket

# From the connection to the end, in the order in which they came.
connected: dict[Socket, None] = {}

# From accept() to the end, and when that was, by time.monotonic().
opened: dict[Socket, float] = {}

_waiters: list[asyncio.Future[None]] = []


def begin(socket: Socket) -> None:
    """A websocket has connected."""
    connected[socket] = None
    socket.on_accept.append(_accepted)
    socket.on_end.append(_ended)


async def none_left(seconds: float) -> bool:
    """Wait until no websocket is left.

    Args:
        seconds: to wait at most.

    Returns:
        True if there is none.
    """
    if connected:
        waiter = asyncio.get_running_loop().create_future()
        _waiters.append(waiter)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await waiter
        finally:
            _waiters.remove(waiter)
    return not connected


def _accepted(socket: Socket) -> None:
    opened[socket] = time.monotonic()


def _ended(socket: Socket) -> None:
    connected.pop(socket, None)
    opened.pop(socket, None)
    if not connected:
        for waiter in _waiters:
            if not waiter.done():
                waiter.set_result(None)
