"""One connection to Redis, and the next one whenever it is lost.

1. Commands wait in a batch, and go out when the batch before is answered. The last one
   of a batch is HELLO, which Redis answers with what it is. Redis answers in order: so
   this answer says that all commands before it are done.
2. A caller that waits for something waits for its batch. Only the tasks in here touch
   the connection, so a caller may be cancelled at any time.
3. No connection, or no answer in time, or a server that has become a replica: Redis is
   away. The batch has failed, and until there is a connection again there is nothing to
   wait for. A large batch may take longer, as long as answers come.

Nothing here knows what a group is: the owner of a connection says what goes out, and
hears what comes in.
"""

import asyncio
import math
import random
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Protocol

from redis.asyncio import ConnectionPool

from ..outbox import IN_A_ROW
from ..steps.stats import stats

QUIET = 5.0  # seconds without a batch: then HELLO alone asks whether Redis is there
PAUSE = 0.05  # seconds from a lost connection to the next one, at first
LONGEST = 2.0  # seconds, at most

# What an address like ``redis://host/0?protocol=2`` says of these does not count.
# RESP3 is the newer protocol: messages and answers come on one connection. A health
# check would read answers that are ours, and our own time-outs hold.
OPTIONS: dict[str, Any] = {
    "protocol": 3,
    "decode_responses": False,
    "health_check_interval": 0,
    "socket_timeout": None,
}

Command = Sequence[str | bytes]


class Batch:
    """Commands that go to Redis together, and succeed or fail together."""

    def __init__(self) -> None:
        self.groups: set[str] = set()  # their first member came, or the last one left
        self.messages: list[tuple[str, bytes]] = []  # group, packed news
        self.size = 0  # bytes of the messages
        self._loop = asyncio.get_running_loop()
        self._first = math.inf  # when the first message came
        self._done: asyncio.Future[bool] = self._loop.create_future()

    def add(self, name: str, message: bytes) -> None:
        """One more message to a group."""
        self._first = min(self._first, self._loop.time())
        self.messages.append((name, message))
        self.size += len(message)

    def end(self, done: bool) -> bool:
        """Tell all that wait; False: they have been told already."""
        if self._done.done():
            return False
        self._done.set_result(done)
        seconds = self._loop.time() - self._first
        for _ in self.messages:
            stats.published(seconds, done)
        return True

    async def wait(self, seconds: float) -> bool:
        """Is it done? False: it has failed, or there was no answer in time."""
        done, _ = await asyncio.wait([self._done], timeout=seconds)
        return bool(done) and self._done.result()


class Owner(Protocol):
    """The calls that a connection makes to its owner."""

    def connected(self, first: Batch) -> None:
        """There is a new connection, and Redis knows nothing of us."""

    def commands(self, batch: Batch) -> Iterator[Command]:
        """The commands of this batch."""

    def answered(self, batch: Batch) -> None:
        """Redis has done all that a batch says."""

    def failed(self, batch: Batch) -> None:
        """Redis may have done none of it."""

    def heard(self, channel: bytes, message: bytes) -> None:
        """Redis has passed a message on."""

    def lost(self, error: Exception) -> None:
        """There is no connection any more, or still none."""


class Connection:
    """A connection that is made again whenever it is lost.

    Args:
        url: ``redis://host:6379/0``.
        seconds: for Redis to answer.
        owner: see `Owner`.
    """

    def __init__(self, url: str, seconds: float, owner: Owner) -> None:
        self.seconds = seconds
        self.owner = owner
        self.pool: Any = ConnectionPool.from_url(url)
        self.pool.connection_kwargs |= OPTIONS
        self.away = False  # there is no connection: nobody need wait
        self.next = Batch()  # still open for more
        self._sent = Batch()  # goes out, or waits for its answer
        self._news = asyncio.Event()
        self._answers = 0  # of Redis, and messages that it has passed on
        self.task = asyncio.create_task(self._keep())
        self.task.add_done_callback(lambda _: self._fail())

    @property
    def database(self) -> int:
        """The number at the end of the address."""
        number: int = self.pool.connection_kwargs.get("db", 0)
        return number

    def wake(self) -> None:
        """There is something in the next batch."""
        self._news.set()

    async def close(self) -> None:
        """Send what waits, and hang up."""
        self.wake()
        if not self.away:
            await self.next.wait(self.seconds)
        self.task.cancel()
        await asyncio.wait([self.task])

    async def _keep(self) -> None:
        """One connection after the other, until this task is cancelled."""
        time = asyncio.get_running_loop().time
        pause = PAUSE
        while True:
            began = time()
            try:
                await self._talk(self.pool.make_connection())
            except* Exception as errors:
                self.away = True
                self.owner.lost(errors.exceptions[0])
                self._fail()
            if self.task.cancelling():
                # Before Python 3.13 an error at that moment hides the cancellation.
                return

            # A random part of the pause: not all processes come at the same moment.
            await asyncio.sleep(pause * random.random())
            if time() > began + LONGEST:
                pause = PAUSE
            else:
                pause = min(2 * pause, LONGEST)

    async def _talk(self, connection: Any) -> None:
        """One connection, until it is lost."""
        try:
            async with asyncio.timeout(self.seconds):
                await connection.connect()
            self.away = False
            self.owner.connected(self.next)
            self.wake()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read(connection))
                await self._write(connection)
        finally:
            await connection.disconnect(nowait=True)

    async def _read(self, connection: Any) -> None:
        while True:
            answer = await connection.read_response(timeout=math.inf, push_request=True)
            self._answers += 1
            if isinstance(answer, dict):
                _check_role(answer)
                self._sent.end(True)
                self.owner.answered(self._sent)
            elif isinstance(answer, list) and answer[0] == b"message":
                self.owner.heard(answer[1], answer[2])
                # Messages that have come together are told in portions: between two of
                # them the outboxes send.
                if self._answers % IN_A_ROW == 0:
                    await asyncio.sleep(0)

    async def _write(self, connection: Any) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(QUIET):
                    await self._news.wait()
            self._news.clear()

            self._sent = self.next
            self.next = Batch()
            commands = [*self.owner.commands(self._sent), ("HELLO",)]
            answers = self._answers
            for piece in connection.pack_commands(commands):
                async with asyncio.timeout(self.seconds):
                    await connection.send_packed_command([piece])
            while not await self._sent.wait(self.seconds):
                if self._answers == answers:
                    raise TimeoutError(f"no answer within {self.seconds} s")
                answers = self._answers

    def _fail(self) -> None:
        for batch in (self._sent, self.next):
            if batch.end(False):
                self.owner.failed(batch)
        self.next = Batch()


def _check_role(about: dict[bytes, Any]) -> None:
    """Redis says what it is.

    A replica takes what is published, and passes it on to its own subscribers only:
    without this, groups would fall into two halves, and nobody would be told.
    Source: redis.io/docs/latest/commands/hello/
    """
    role = about[b"role"].decode()
    if role != "master":
        raise ConnectionError(
            f"this Redis is a {role}, and only its primary server reaches all"
        )
