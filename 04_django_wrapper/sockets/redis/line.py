"""One event loop's part of the way to other processes.

1. A process has one connection to Redis, however many sockets and groups it has
   (connection.py). A group is a channel there, and we SUBSCRIBE to those with members
   here.
2. A message goes by PUBLISH to Redis, which passes it on to every process that has
   subscribed. There it is delivered as if it were its own. Ours comes back, too. It
   begins with our id, and so we ignore it.
3. While Redis is away, nobody waits. Redis keeps nothing for a process that is away. So
   when Redis is back, all members that may have missed something are told to look into
   the database: the members here, and those elsewhere of the groups to which we could
   not publish.
"""

import logging
import os
from collections.abc import Iterator

from ..conf import Conf
from ..members import Members, News
from ..steps.stats import stats
from .connection import Batch, Command, Connection
from .packing import ID_BYTES, LOST, channel_prefix, pack, unpack

QUEUE = 8_000_000  # bytes of messages that wait to go out; what is over does not
LOSSES = 1_000  # groups that are told of a loss in one batch
UNREACHED = 100_000  # groups that are remembered, to be told of a loss

log = logging.getLogger("sockets")


class Line:
    """The way from one event loop to the other processes, and back.

    Args:
        here: the members in this process, and how news is given to them.
        conf: with ``REDIS_URL``, and ``PUBLISH_SECONDS`` for each wait.
    """

    def __init__(self, here: Members, conf: Conf) -> None:
        self.here = here
        self.seconds = conf.PUBLISH_SECONDS
        self.connection = Connection(conf.REDIS_URL, conf.PUBLISH_SECONDS, self)
        self.prefix = channel_prefix(self.connection.database)
        self.id = os.urandom(ID_BYTES)
        self.subscribed: set[str] = set()  # Redis knows that these have members here
        self.unreached: set[str] = set()  # groups to which we could not publish
        self.forgets = False  # there were more of these than we remember
        self.late: set[str] = set()  # members began before Redis had subscribed them
        self.outage = False  # Redis was away, and those who missed something wait

    async def follow(self, name: str) -> None:
        """A group has a member: wait until its messages come, or Redis is away."""
        if name not in self.subscribed:
            batch = self._ask(name)
            if batch is not None and not await batch.wait(self.seconds):
                # The batch before it is large. The member begins, and is told of a
                # possible loss as soon as its messages come.
                self.late.add(name)

    def leave(self, name: str) -> None:
        """A group has no member any more."""
        self._ask(name)

    async def publish(self, name: str, news: News) -> bool:
        """Send news to the other processes, and wait: has Redis taken it?"""
        batch = self.send(name, news)
        return batch is not None and await batch.wait(self.seconds)

    def send(self, name: str, news: News) -> Batch | None:
        """The same without waiting; None: it does not go out."""
        if self.connection.away or self.connection.next.size > QUEUE:
            self._not_reached(name)
            stats.published(0, ok=False)
            return None
        self.connection.next.add(name, pack(news))
        self.connection.wake()
        return self.connection.next

    def _ask(self, name: str) -> Batch | None:
        """Let the next batch look at whether this group has members."""
        if self.connection.away:
            return None
        self.connection.next.groups.add(name)
        self.connection.wake()
        return self.connection.next

    def _not_reached(self, name: str) -> None:
        """Remember that the members elsewhere must be told of a loss."""
        if name in self.unreached or len(self.unreached) < UNREACHED:
            self.unreached.add(name)
        elif not self.forgets:
            self.forgets = True
            log.error(
                "more than %d groups could not be reached: members of further ones are "
                "not told that they may have missed something",
                UNREACHED,
            )

    # The connection calls these.

    def connected(self, first: Batch) -> None:
        first.groups = set(self.here.members)

    def commands(self, batch: Batch) -> Iterator[Command]:
        # Asked only now, and not when the batch was filled: a member that came and
        # went meanwhile costs nothing.
        empty = {name for name in batch.groups if name not in self.here.members}
        gone = empty & self.subscribed
        batch.groups = batch.groups - empty - self.subscribed
        self.subscribed -= gone
        self.late -= empty
        # Not all at once: a batch must be sent and answered in time.
        for _ in range(min(LOSSES, len(self.unreached))):
            batch.add(self.unreached.pop(), LOST)

        for command, names in (("SUBSCRIBE", batch.groups), ("UNSUBSCRIBE", gone)):
            if names:
                yield [command, *map(self._channel, names)]
        for name, message in batch.messages:
            yield ["PUBLISH", self._channel(name), self.id + message]

    def answered(self, batch: Batch) -> None:
        self.subscribed |= batch.groups
        missed = batch.groups & self.late
        self.late -= batch.groups
        if self.outage:
            self.outage = False
            log.warning("Redis is back, and groups reach all processes again")
            missed = batch.groups
        for name in missed:
            self._deliver(name, LOST)
        if self.unreached:
            self.connection.wake()  # for the next of them
        else:
            self.forgets = False

    def failed(self, batch: Batch) -> None:
        for name, _ in batch.messages:
            self._not_reached(name)

    def heard(self, channel: bytes, message: bytes) -> None:
        if not message.startswith(self.id):
            name = channel.removeprefix(self.prefix).decode()
            self._deliver(name, message[ID_BYTES:])

    def lost(self, error: Exception) -> None:
        if not self.outage:
            what = "Redis is away, and groups end at this process: %s: %s"
            log.warning(what, type(error).__name__, error)
        self.outage = True
        self.subscribed.clear()

    def _channel(self, name: str) -> bytes:
        return self.prefix + name.encode()

    def _deliver(self, name: str, packed: bytes) -> None:
        try:
            self.here.deliver(name, unpack(packed))
        except Exception:  # bytes of somebody else, who shares our Redis
            log.exception("a message to %r could not be read", name)
