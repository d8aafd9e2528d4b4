"""A room's feed: what is said in it, for everybody who is in it in this process.

1. A message is announced to all processes, with its id and the id of the one before.
2. Where that one has been told here, the message is told: to the room's group, in this
   process. What has been told already is dropped. So the ids only grow.
3. Else something is missing. Announcements of two processes may have crossed: it comes
   soon. Or it is lost, since Redis was away: then the database says what it was. It is
   asked once, for everybody who is here.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from asgiref.sync import sync_to_async
from sockets.codes import CloseCode
from sockets.database import database
from sockets.groups import groups
from sockets.jsontext import dumps
from sockets.members import close_of, message_of

from chat.models import MISSED, Room

CROSSED = 0.05  # seconds for an announcement that another one has overtaken

log = logging.getLogger("chat")
_feeds: dict[int, "Feed"] = {}  # by the room's id


@asynccontextmanager
async def follow(room: Room) -> AsyncIterator["Feed"]:
    """The feed lives as long as somebody follows it; it has one task, for them all.

    When the block begins, all is told that is not yet in the room's history.
    """
    feed = _feeds.get(room.pk) or Feed(room)
    feed.followers += 1
    try:
        await asyncio.shield(feed.begun)
        yield feed
    finally:
        feed.followers -= 1
        if not feed.followers:
            feed.end()
            feed.task.cancel()
            await asyncio.wait([feed.task])


class Feed:
    """One room in this process. ``turn``: its messages are stored one at a time."""

    def __init__(self, room: Room) -> None:
        self.room, self.turn, self.followers = room, asyncio.Lock(), 0
        self.told = 0  # the highest id
        self.early: list[tuple[int, int, str]] = []  # id before, id, JSON
        self.lost = False  # nobody knows how many announcements
        self.behind = asyncio.Event()
        self.begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.task = asyncio.create_task(self._run())
        _feeds[room.pk] = self

    def end(self) -> None:
        """Who comes now begins another one."""
        if _feeds.get(self.room.pk) is self:
            del _feeds[self.room.pk]

    def put(self, event: Any) -> None:
        """For the group of announcements."""
        if event is None:
            self.lost = True
        else:
            before, number, text = event["text"].split(" ", 2)
            self.early.append((int(before), int(number), text))
        self._tell_early()

    def _tell_early(self) -> None:
        early, self.early = sorted(self.early), []
        for before, number, text in early:
            if before > self.told:
                self.early.append((before, number, text))
            else:
                self._tell(number, text)
        if self.early or self.lost:
            self.behind.set()

    def _tell(self, number: int, text: str) -> None:
        if number > self.told:
            self.told = number
            groups.deliver(self.room.group, message_of(text))

    async def _run(self) -> None:
        try:
            async with groups.listen(self.room.news, self.put):
                async with database():
                    last = await sync_to_async(self.room.last)()
                self.told = max(self.told, last)
                self.begun.set_result(None)
                while True:
                    await self.behind.wait()
                    await asyncio.sleep(CROSSED)
                    self.behind.clear()
                    if self.early or self.lost:
                        await self._ask()
        except Exception as error:
            self.end()
            if not self.begun.done():
                return self.begun.set_exception(error)
            log.exception("the feed of %r has failed", self.room.slug)
            self._close(CloseCode.TRY_AGAIN_LATER, "the room cannot be read")

    async def _ask(self) -> None:
        lost, self.lost = self.lost, False
        async with database():
            room = await Room.objects.filter(pk=self.room.pk).afirst()
            messages = await sync_to_async(self.room.after)(self.told)
        if lost and (room is None or room.members_only):
            # Who had to leave may not have been told: the door knows.
            return self._close(CloseCode.SERVICE_RESTART, "Come in again.")
        for message in messages:
            self._tell(message.pk, dumps(message.as_json()))
        self.lost = self.lost or len(messages) == MISSED  # there may be more
        self._tell_early()

    def _close(self, code: CloseCode, reason: str) -> None:
        groups.deliver(self.room.group, close_of(code, reason))
