"""The line to Redis: one connection, and the next one whenever it is lost.

1. Commands wait in a batch, and go out when the batch before is answered. Its last one
   is PING. Redis answers in order: the PONG says that all of them are done.
2. Who waits for something waits for that batch. Only the tasks in here touch the
   connection, so whoever waits may be cancelled at any time.
3. No connection, or no PONG in time: Redis is away. The batch has failed, and until
   there is a connection again there is nothing to wait for.
"""

import asyncio
import math
import random
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sockets.relay import Relay

QUIET = 5.0  # seconds without a batch: then PING alone asks whether Redis is there
PAUSE, LONGEST = 0.05, 2.0  # seconds to the next connection: at first, and at most


class Batch:
    """What goes to Redis together, and is done, or has failed, together."""

    def __init__(self) -> None:
        self.groups: set[str] = set()  # whose first member came, or whose last one left
        self.messages: list[tuple[str, bytes]] = []  # group, packed event
        self.size = 0  # bytes of the messages
        self.done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def end(self, done: bool) -> None:
        """Tell all who wait; the first answer counts."""
        if not self.done.done():
            self.done.set_result(done)


async def keep(relay: "Relay") -> None:
    """One connection after the other, until this task is cancelled."""
    time, pause = asyncio.get_running_loop().time, PAUSE
    while True:
        began = time()
        try:
            await _talk(relay, relay.pool.make_connection())
        except* Exception as errors:
            relay.lost(errors.exceptions[0])
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
        if answer == b"PONG":
            relay.sent.end(True)
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
        async with asyncio.timeout(relay.seconds):
            await connection.send_packed_command(connection.pack_commands(commands))
            await asyncio.wait([relay.sent.done])
        relay.answered(relay.sent)
