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
from ..connection import PATIENCE, Socket
from . import recheck

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
    loop, tasks = asyncio.get_running_loop(), list[asyncio.Task[None]]()
    # Elsewhere than in the main thread nobody can catch a signal, so nobody does. And
    # where the server has no handler of Python's, it is not for us to stop it.
    is_main = threading.current_thread() is threading.main_thread()
    servers: Any = signal.getsignal(signal.SIGTERM) if is_main else None

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
    global under_way
    under_way = True
    loop, waiting = asyncio.get_running_loop(), list(recheck.sockets)
    seconds = min(conf().DRAIN_SECONDS, GAP * len(waiting))
    log.info("SIGTERM: %d websockets end within %.1f s", len(waiting), seconds)
    for number, socket in enumerate(waiting):
        when = loop.time() + seconds * number / len(waiting)
        code, reason = CloseCode.SERVICE_RESTART, "the server restarts"
        loop.call_at(when, socket.stop, code, reason)
    if recheck.rounds is not None:  # they end with the last websocket
        await asyncio.wait([recheck.rounds], timeout=seconds + PATIENCE)
    servers(signal.SIGTERM, None)
