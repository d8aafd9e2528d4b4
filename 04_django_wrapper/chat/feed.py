"""A room's feed: what is said in it, for everybody who is in it in this process.

1. A message is announced to the feeds of all processes, with its id and with the id of
   the room's message before it.
2. If this feed has told the message before, it tells the new one to the room's group in
   this process. A message that it has told already is dropped. So the ids only grow.
3. Otherwise something is missing. Two announcements may have crossed: then the missing
   one comes soon. Or it is lost, because Redis was away: then the database knows what
   it said. The feed asks once for everybody who is here.
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
    """Follow the room's feed for the length of the block.

    A feed lives as long as somebody follows it, and has one task for all of them. When
    the block begins, the feed tells whatever is not yet in the room's history.

    Raises:
        Exception: whatever the database has raised while the feed began.
    """
    feed = _feeds.get(room.pk)
    if feed is None:
        feed = Feed(room)
    feed.followers += 1
    try:
        # Shielded: a follower who leaves meanwhile must not cancel it for the others.
        await asyncio.shield(feed.begun)
        yield feed
    finally:
        feed.followers -= 1
        if feed.followers == 0:
            feed.end()
            feed.task.cancel()
            await asyncio.wait([feed.task])


class Feed:
    """One room in this process.

    Attributes:
        turn: the room's messages are stored one at a time.
        followers: how many websockets follow it.
        told: the highest id that it has told.
        early: announcements whose message before is missing: the id before, the id, and
            the message as JSON.
        lost: whether announcements may have been lost; nobody knows how many.
        behind: set when something is missing.
        begun: done when it knows which messages are history.
    """

    def __init__(self, room: Room) -> None:
        self.room = room
        self.turn = asyncio.Lock()
        self.followers = 0
        self.told = 0
        self.early: list[tuple[int, int, str]] = []
        self.lost = False
        self.behind = asyncio.Event()
        self.begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.task = asyncio.create_task(self._run())
        _feeds[room.pk] = self

    def end(self) -> None:
        """The next follower begins another feed."""
        if _feeds.get(self.room.pk) is self:
            del _feeds[self.room.pk]

    def put(self, event: Any) -> None:
        """Take an announcement from the group; None: some may have been lost."""
        if event is None:
            self.lost = True
        else:
            before, number, text = event["text"].split(" ", 2)
            self.early.append((int(before), int(number), text))
        self._tell_early()

    def _tell_early(self) -> None:
        waiting = sorted(self.early)
        self.early = []
        for before, number, text in waiting:
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
            # First listen, then read: else a message between the two would be lost.
            async with groups.listen(self.room.news, self.put):
                async with database():
                    last = await sync_to_async(self.room.last)()
                self.told = max(self.told, last)
                self.begun.set_result(None)
                await self._fill_gaps()
        except Exception as error:
            self.end()
            if not self.begun.done():
                self.begun.set_exception(error)  # for those who want to follow
                return
            log.exception("the feed of %r has failed", self.room.slug)
            self._close(CloseCode.TRY_AGAIN_LATER, "the room cannot be read")

    async def _fill_gaps(self) -> None:
        while True:
            await self.behind.wait()
            await asyncio.sleep(CROSSED)  # what has only crossed comes by itself
            self.behind.clear()
            if self.early or self.lost:
                await self._ask()

    async def _ask(self) -> None:
        was_lost = self.lost
        self.lost = False  # now: what is lost from here on must be asked for again
        async with database():
            room = await Room.objects.filter(pk=self.room.pk).afirst()
            messages = await sync_to_async(self.room.after)(self.told)
        if was_lost and (room is None or room.members_only):
            # Nobody may have told those who had to leave. They come in again, and the
            # handler looks who may.
            self._close(CloseCode.SERVICE_RESTART, "Come in again.")
            return
        for message in messages:
            self._tell(message.pk, dumps(message.as_json()))
        if len(messages) == MISSED:
            self.lost = True  # there may be more
        self._tell_early()

    def _close(self, code: CloseCode, reason: str) -> None:
        groups.deliver(self.room.group, close_of(code, reason))
