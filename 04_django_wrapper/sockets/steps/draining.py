"""SIGTERM, as at a deploy: clients are sent away little by little, then all ends.

1. New websockets are refused with 503. Pages are answered as before.
2. Open ones are closed with 1012, one after the other, within ``DRAIN_SECONDS``: so
   their clients do not all come back at the same moment.
3. Then the server's own handler of SIGTERM ends the rest, and last the lifespan.

A second SIGTERM changes nothing: systemd sends one to each worker, and so does uvicorn.
Ctrl-C goes past all this.
"""

import asyncio
import logging
import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from ..codes import CloseCode, Refused
from ..conf import conf
from ..connection import Socket
from ..deadline import PATIENCE
from . import live

GAP = 0.1  # seconds from one to the next at most: a few need no spreading
log = logging.getLogger("sockets")
under_way = False  # new websockets are refused


def begin(socket: Socket) -> None:
    """A websocket has connected: there is no time left for it."""
    if under_way:
        raise Refused(503, "The server restarts.")


@asynccontextmanager
async def lifetime() -> AsyncIterator[None]:
    """Around all connections: from lifespan.startup to lifespan.shutdown."""
    global under_way
    loop = asyncio.get_running_loop()
    tasks: list[asyncio.Task[None]] = []

    # Only the main thread can catch a signal. And if the server has no handler of
    # Python's for SIGTERM, then it is not for us to stop the server.
    servers: Any = None
    if threading.current_thread() is threading.main_thread():
        servers = signal.getsignal(signal.SIGTERM)

    def caught(*_: Any) -> None:
        loop.call_soon_threadsafe(drain)

    def drain() -> None:
        if not tasks:
            tasks.append(loop.create_task(_drain(servers)))

    if callable(servers):
        signal.signal(signal.SIGTERM, caught)
    try:
        yield
    finally:
        if callable(servers):
            signal.signal(signal.SIGTERM, servers)
        for task in tasks:
            task.cancel()
        under_way = False


async def _drain(servers: Callable[[int, None], Any]) -> None:
    """End all websockets, one after the other, and then call the server's handler."""
    global under_way
    under_way = True
    waiting = list(live.connected)
    seconds = min(conf().DRAIN_SECONDS, GAP * len(waiting))
    log.info("SIGTERM: %d websockets end within %.1f s", len(waiting), seconds)

    loop = asyncio.get_running_loop()
    reason = "the server restarts"
    for number, socket in enumerate(waiting):
        after = seconds * number / len(waiting)
        loop.call_later(after, socket.stop, CloseCode.SERVICE_RESTART, reason)
    # A handler that never reads ends LEAVE_SECONDS after its websocket.
    await live.none_left(seconds + conf().LEAVE_SECONDS + PATIENCE)
    servers(signal.SIGTERM, None)
