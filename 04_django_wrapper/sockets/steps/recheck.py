"""All websockets of this process, and the rounds that look at them again.

1. One task for all, while there are any, makes a round every ``RECHECK_SECONDS``.
2. Who has lost the session or the rights (rights.py) is closed with 4401.
3. Who has been silent for ``IDLE_SECONDS`` is closed with 1001.
4. Who logs out need not wait for a round: all processes that hear of it close at once.
"""

import asyncio
import logging
from functools import lru_cache
from hashlib import sha256
from typing import Any

from asgiref.sync import sync_to_async

from ..codes import CloseCode
from ..conf import conf
from ..connection import OPEN, Socket
from ..database import database
from ..groups import groups
from .rights import lost, session_key_of

BATCH = 500  # websockets for one query of users and one of sessions
LOGGED_OUT = "sockets: logged out"  # a group that every process listens to
log = logging.getLogger("sockets")

# Each with the messages that the rounds have counted, and since when they are so many.
sockets: dict[Socket, tuple[int, float]] = {}
rounds: asyncio.Task[None] | None = None  # while there are any


def begin(socket: Socket) -> None:
    """A websocket has connected: look at this one, too, until it ends."""
    global rounds
    socket.on_end.append(end)
    sockets[socket] = (-1, 0.0)
    loop = asyncio.get_running_loop()
    if rounds is None or rounds.done() or rounds.get_loop() is not loop:
        rounds = loop.create_task(_rounds())


def end(socket: Socket) -> None:
    """It has ended."""
    global rounds
    del sockets[socket]
    if not sockets and rounds is not None:
        rounds.cancel()
        rounds = None


async def _rounds() -> None:
    failed = False
    async with groups.listen(LOGGED_OUT, _close_the_logged_out):
        while True:
            await asyncio.sleep(conf().RECHECK_SECONDS)
            try:
                await look()
                failed = False
            except Exception as error:  # the database is away, and may come back
                if not failed:  # one line, however long that takes
                    log.error("sessions and users cannot be read", exc_info=error)
                failed = True


async def look() -> None:
    """One round; for 10,000 websockets 40 queries, in threads."""
    now, idle = asyncio.get_running_loop().time(), conf().IDLE_SECONDS
    present = [socket for socket in sockets if socket.state is OPEN]
    for socket in present if idle else ():
        received, since = sockets[socket]
        if received != socket.received:
            sockets[socket] = socket.received, now
        elif now - since >= idle:
            # RFC 6455, 7.4.1: we turn away. 1008 is for a message, and there is none.
            socket.stop(CloseCode.GOING_AWAY, "silent for too long")
    for start in range(0, len(present), BATCH):
        async with database():
            gone = await sync_to_async(lost)(present[start : start + BATCH])
        for socket, reason in gone:
            socket.stop(CloseCode.UNAUTHORIZED, reason)


def logged_out(request: Any, **_: Any) -> None:
    """Django's signal: this session has ended, and not the person's other ones."""
    if key := session_key_of(request):
        groups.publish_sync(LOGGED_OUT, _alias(key))


def _close_the_logged_out(event: Any) -> None:
    for socket in sockets if event is not None else ():  # None: a round will find out
        if (key := session_key_of(socket)) and _alias(key) == event["text"]:
            socket.stop(CloseCode.UNAUTHORIZED, "logged out")


@lru_cache(20_000)  # for each log-out all sessions are asked for theirs
def _alias(key: str) -> str:
    """What others may know of a session: who has its key has the session."""
    return sha256(key.encode()).hexdigest()
