"""The line to Redis: one connection, and the next one whenever it is lost.

1. Commands wait in a batch, and go out when the batch before is answered. Its last one
   is PING. Redis answers in order: the PONG says that all of them are done.
2. Who waits for something waits for that batch. Only the tasks in here touch the
   connection, so whoever waits may be cancelled at any time.
3. No connection, or no answer in time: Redis is away. The batch has failed, and until
   there is a connection again there is nothing to wait for. A large batch may take
   longer, as long as answers come.
"""

import asyncio
import math
import random
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..steps.stats import stats

if TYPE_CHECKING:
    from .carrier import Relay

QUIET = 5.0  # seconds without a batch: then PING alone asks whether Redis is there
PAUSE, LONGEST = 0.05, 2.0  # seconds to the next connection: at first, and at most


class Batch:
    """What goes to Redis together, and is done, or has failed, together."""

    def __init__(self) -> None:
        self.groups: set[str] = set()  # whose first member came, or whose last one left
        self.messages: list[tuple[str, bytes]] = []  # group, packed event
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
        """Tell all who wait; False: they have been told already."""
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


async def keep(relay: "Relay") -> None:
    """One connection after the other, until this task is cancelled."""
    time, pause = asyncio.get_running_loop().time, PAUSE
    while True:
        began = time()
        try:
            await _talk(relay, relay.pool.make_connection())
        except* Exception as errors:
            relay.lost(errors.exceptions[0])
        if relay.task.cancelling():  # before 3.13 an error at that moment hides it
            return
        await asyncio.sleep(pause * random.random())  # not all processes at one time
        lasted = time() > began + LONGEST
        pause = PAUSE if lasted else min(2 * pause, LONGEST)


async def _talk(relay: "Relay", connection: Any) -> None:
    """One connection, until it is lost."""
    try:
        async with asyncio.timeout(relay.seconds):
            await connection.connect()
        relay.connected()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_read(relay, connection))
            await _write(relay, connection)
    finally:
        await connection.disconnect(nowait=True)


async def _read(relay: "Relay", connection: Any) -> None:
    while True:
        answer = await connection.read_response(timeout=math.inf, push_request=True)
        relay.answers += 1
        if answer == b"PONG":
            relay.answered(relay.sent)
        elif isinstance(answer, list) and answer[0] == b"message":
            relay.heard(*answer[1:])


async def _write(relay: "Relay", connection: Any) -> None:
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(QUIET):
                await relay.news.wait()
        relay.news.clear()
        relay.sent, relay.next = relay.next, Batch()
        commands = [*relay.commands(relay.sent), ("PING",)]
        answers = relay.answers
        async with asyncio.timeout(relay.seconds):
            await connection.send_packed_command(connection.pack_commands(commands))
        while not await relay.sent.wait(relay.seconds):
            if relay.answers == answers:
                raise TimeoutError(f"no answer within {relay.seconds} s")
            answers = relay.answers
