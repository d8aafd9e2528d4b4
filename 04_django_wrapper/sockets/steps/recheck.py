"""The rounds that look again at all websockets of this process.

1. One task for all, as long as there are any, makes a round every ``RECHECK_SECONDS``.
2. A websocket whose session or whose user's rights have ended is closed with 4401
   (rights.py).
3. A websocket whose peer has been silent for ``IDLE_SECONDS`` is closed with 1001.
4. After a log-out nobody waits for a round: all processes that hear of it close the
   websockets of that session at once.
"""

import asyncio
import logging
from functools import lru_cache
from hashlib import sha256
from typing import Any

from asgiref.sync import sync_to_async

from ..codes import CloseCode
from ..conf import conf
from ..connection import Socket, State
from ..database import database
from ..groups import groups
from . import live
from .rights import lost, session_key_of, session_of

BATCH = 500  # websockets for one query of users and one of sessions
LOGGED_OUT = "sockets: logged out"  # a group that every process listens to
log = logging.getLogger("sockets")

rounds: asyncio.Task[None] | None = None  # while there are websockets

# For each socket: how many messages it had received at the last round, and when that
# number last changed, by the event loop's clock.
_received: dict[Socket, tuple[int, float]] = {}


def begin(socket: Socket) -> None:
    """A websocket has connected: see that somebody makes rounds."""
    global rounds
    loop = asyncio.get_running_loop()
    if rounds is None or rounds.done() or rounds.get_loop() is not loop:
        rounds = loop.create_task(_rounds())
        rounds.add_done_callback(_ended)


def _ended(task: asyncio.Task[None]) -> None:
    global rounds
    if rounds is task:
        rounds = None
    if not task.cancelled() and task.exception() is not None:
        # Without a line nobody would know that sessions are not looked at any more.
        log.error("the rounds have ended", exc_info=task.exception())


async def _rounds() -> None:
    failed = False
    async with groups.listen(LOGGED_OUT, _close_the_logged_out):
        while not await live.none_left(conf().RECHECK_SECONDS):
            try:
                await look()
                failed = False
            except Exception as error:  # the database is away, and may come back
                if not failed:  # one line, however long that takes
                    log.error("sessions and users cannot be read", exc_info=error)
                failed = True


async def look() -> None:
    """One round; for 10,000 websockets 40 queries, in threads."""
    present = [socket for socket in live.connected if socket.state is State.OPEN]
    _close_the_silent(present)
    for start in range(0, len(present), BATCH):
        async with database():
            gone = await sync_to_async(lost)(present[start : start + BATCH])
        for socket, reason in gone:
            socket.stop(CloseCode.UNAUTHORIZED, reason)


def _close_the_silent(present: list[Socket]) -> None:
    global _received
    idle = conf().IDLE_SECONDS
    if not idle:
        return
    now = asyncio.get_running_loop().time()
    before = _received
    _received = {}  # those that have ended are not in it any more
    for socket in present:
        number, since = before.get(socket, (-1, now))
        if number != socket.received:
            since = now
        elif now - since >= idle:
            # RFC 6455, 7.4.1: we turn away. 1008 is for a message, and there is none.
            socket.stop(CloseCode.GOING_AWAY, "silent for too long")
        _received[socket] = (socket.received, since)


def logged_out(request: Any, **_: Any) -> None:
    """Django's signal: this session has ended, and not the person's other ones."""
    key = session_key_of(getattr(request, "session", None))
    if key is not None:
        groups.publish_sync(LOGGED_OUT, _alias(key))


def _close_the_logged_out(event: Any) -> None:
    if event is None:
        return  # something may be lost: the next round finds out
    for socket in list(live.connected):
        key = session_key_of(session_of(socket))
        if key is not None and _alias(key) == event["text"]:
            socket.stop(CloseCode.UNAUTHORIZED, "logged out")


@lru_cache(20_000)  # for each log-out all sessions are asked for theirs
def _alias(key: str) -> str:
    """A name of a session that others may know. The key would be the session."""
    return sha256(key.encode()).hexdigest()
