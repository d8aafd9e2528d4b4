"""Groups over Redis: how publish and subscribe make many processes one.

1. A process has one connection to Redis, however many sockets and groups it has
   (connection.py). A group is a channel there, and we SUBSCRIBE to those with members
   here.
2. A message goes to the members here at once, and by PUBLISH to Redis, which passes it
   on to every process that has subscribed; there it is delivered as if it were theirs.
   Ours comes back, too. It begins with our id: so we ignore it.
3. While Redis is away, the members here still hear each other, and nobody waits. Redis
   keeps nothing for those who are away. So when it is back, all who may have missed
   something are told to look into the database: the members here, and those elsewhere
   of the groups to which we could not publish.
"""

import asyncio
import logging
import os
from collections.abc import Iterator, Sequence
from typing import Any

from redis.asyncio import ConnectionPool

from ..conf import Conf
from ..members import Members
from ..outbox import Event
from ..steps.stats import stats
from . import connection as line
from .connection import Batch
from .packing import LOST, channel_prefix, pack, unpack

QUEUE = 8_000_000  # bytes of messages that wait to go out; what is over does not

log = logging.getLogger("sockets")


class Relay:
    """The way from one event loop to the other processes, and back.

    Args:
        here: the members in this process, and how an event is given to them.
        conf: with ``REDIS_URL``, and ``PUBLISH_SECONDS`` for each wait.
    """

    def __init__(self, here: Members, conf: Conf) -> None:
        self.here, self.seconds = here, conf.PUBLISH_SECONDS
        # RESP3, the newer protocol: messages and answers come on one connection.
        options: Any = {
            "protocol": 3,
            "socket_timeout": None,
        }  # connection.py has time-outs
        self.pool: Any = ConnectionPool.from_url(conf.REDIS_URL, **options)
        self.prefix = channel_prefix(self.pool.connection_kwargs)
        self.id = os.urandom(8)
        self.subscribed: set[str] = set()  # groups of whose members here Redis knows
        self.unheard: set[str] = set()  # those to which we could not publish
        self.answers = 0  # of Redis, and messages that it has passed on
        self.away = False  # there is no connection: nobody need wait
        self.outage = False  # there was none, and who missed something is not told yet
        self.sent, self.next, self.news = Batch(), Batch(), asyncio.Event()
        self.task = asyncio.create_task(line.keep(self))
        self.task.add_done_callback(lambda _: self._fail())

    async def follow(self, name: str) -> None:
        """A group has a member: wait until its messages come, or Redis is away."""
        if name not in self.subscribed and (batch := self._ask(name)):
            await batch.wait(self.seconds)

    def leave(self, name: str) -> None:
        """A group has no member any more."""
        self._ask(name)

    def _ask(self, name: str) -> Batch | None:
        if self.away:
            return None
        self.next.groups.add(name)
        self.news.set()
        return self.next

    async def publish(self, name: str, event: Event) -> bool:
        """Send an event to the other processes, and wait: has Redis taken it?"""
        batch = self.send(name, event)
        return batch is not None and await batch.wait(self.seconds)

    def send(self, name: str, event: Event) -> Batch | None:
        """The same without waiting; None: it does not go out."""
        if self.away or self.next.size > QUEUE:
            self.unheard.add(name)
            stats.published(0, ok=False)
            return None
        self.next.add(name, pack(event))
        self.news.set()
        return self.next

    async def close(self) -> None:
        """Send what waits, and hang up."""
        self.news.set()
        if not self.away:
            await self.next.wait(self.seconds)
        self.task.cancel()
        await asyncio.wait([self.task])

    # What follows is called by connection.py.

    def connected(self) -> None:
        """A new connection: Redis knows nothing of us."""
        self.away = False
        self.next.groups = set(self.here.members)
        self.news.set()

    def commands(self, batch: Batch) -> Iterator[Sequence[str | bytes]]:
        """What a batch says to Redis."""
        empty = {name for name in batch.groups if name not in self.here.members}
        gone = empty & self.subscribed
        batch.groups = batch.groups - empty - self.subscribed
        self.subscribed -= gone
        while self.unheard:
            batch.add(self.unheard.pop(), LOST)
        for command, names in (("SUBSCRIBE", batch.groups), ("UNSUBSCRIBE", gone)):
            if names:
                yield command, *(self.prefix + name.encode() for name in names)
        for name, message in batch.messages:
            yield "PUBLISH", self.prefix + name.encode(), self.id + message

    def answered(self, batch: Batch) -> None:
        """Redis has done all that a batch says."""
        self.subscribed |= batch.groups
        batch.end(True)
        if self.outage:
            self.outage = False
            log.warning("Redis is back, and groups reach all processes again")
            for name in batch.groups:
                self._deliver(name, LOST)

    def heard(self, channel: bytes, message: bytes) -> None:
        """Redis has passed a message on."""
        if not message.startswith(self.id):
            name = channel.removeprefix(self.prefix).decode()
            self._deliver(name, message[len(self.id) :])

    def _deliver(self, name: str, message: bytes) -> None:
        try:
            self.here.deliver(name, unpack(message))
        except Exception:  # bytes of somebody else, who shares our Redis
            log.exception("a message to %r could not be read", name)

    def lost(self, error: Exception) -> None:
        """There is no connection any more, or still none."""
        if not self.outage:
            what = "Redis is away, and groups end at this process: %s: %s"
            log.warning(what, type(error).__name__, error)
        self.outage = self.away = True
        self.subscribed.clear()
        self._fail()

    def _fail(self) -> None:
        for batch in (self.sent, self.next):
            if batch.end(False):
                self.unheard.update(name for name, _ in batch.messages)
        self.next = Batch()
