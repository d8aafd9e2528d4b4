"""Something new every few seconds, without a question."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from django.core.cache import cache
from sockets.connection import Socket
from sockets.groups import groups
from sockets.routing import path

SECONDS = 5.0
log = logging.getLogger(__name__)


def news() -> dict[str, Any]:
    """What is pushed; yours asks the database or a sensor."""
    return {"time": time.time()}


async def for_one(socket: Socket) -> None:
    """A timer of this websocket's own."""
    await socket.accept()
    while True:
        await socket.send_json({"user": str(socket.user), **news()})
        await asyncio.sleep(SECONDS)


async def for_all(socket: Socket) -> None:
    """Hears what `ticking` publishes."""
    await socket.accept()
    async with groups.join("ticks", socket):
        async for _ in socket:
            pass  # nothing is expected; reading ends with the websocket


@asynccontextmanager
async def ticking() -> AsyncIterator[None]:
    """One timer for all websockets, as long as the server lives."""
    task = asyncio.create_task(tick())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def tick() -> None:
    """At the beginning of each turn, which is SECONDS long."""
    while True:
        await asyncio.sleep(SECONDS - time.time() % SECONDS)
        try:
            await publish_once(int(time.time() / SECONDS))
        except Exception:
            # Without this the first error would be the end of all that is pushed.
            log.exception("nothing is pushed in this turn")


async def publish_once(turn: int) -> None:
    """Publish the news of a turn, however many processes call this."""
    # add() is True for the first process of this turn, and False for the others.
    if await cache.aadd(f"tick-{turn}", True, timeout=10 * SECONDS):
        await groups.publish_json("ticks", news())


websockets = [path("ws/for-one/", for_one), path("ws/for-all/", for_all)]
