"""Several workers behind one database and one Redis, and clients that lose nothing.

A worker is a uvicorn on a port of its own, so that a test can kill the one it means. A
client chooses one anew each time that it connects, as a load balancer does.
"""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.support.processes import ServerProcess
from tests.support.servers import socket_site

BACK = 0.3  # seconds until a client tries again, at most; the page waits longer


@contextmanager
def cluster(
    workers: int, database: Path, **sockets: Any
) -> Iterator[list[ServerProcess]]:
    """Run so many workers until the block ends.

    Args:
        workers: how many; they start at the same time.
        database: the SQLite file that they share, with its tables.
        sockets: keys for the setting ``SOCKETS``: ``REDIS_URL`` joins their groups.
    """
    with ExitStack() as stack, ThreadPoolExecutor(workers) as pool:
        sites = [
            socket_site("uvicorn-sansio", database, **sockets) for _ in range(workers)
        ]
        yield list(pool.map(stack.enter_context, sites))


class Page:
    """A room's page without a browser: it comes back, asks for what it missed, and says
    again what nobody has acknowledged.

    Args:
        workers: those that it may connect to.
        room: the slug.
    """

    def __init__(self, workers: list[ServerProcess], room: str) -> None:
        self.workers, self.room = workers, room
        self.ids: list[int] = []  # of all messages, as they came
        self.texts: list[str] = []
        self.unsent: dict[str, str] = {}  # by key, in the order of writing
        self.client: ClientConnection | None = None  # while there is a connection
        self.is_welcome = False
        self.network = asyncio.Event()
        self.network.set()
        self.drops = 0  # how often its network was lost
        self.losses = 0  # how often it was told that what it missed is gone
        self._keys = (f"{id(self)} {number}" for number in count())
        self._news = asyncio.Condition()

    async def live(self) -> None:
        """Be connected, whatever happens, until this is cancelled."""
        while True:
            await self.network.wait()
            worker = random.choice(self.workers)
            after = self.ids[-1] if self.ids else 0
            url = f"{worker.url.replace('http', 'ws', 1)}/ws/rooms/{self.room}/"
            with suppress(OSError, ConnectionClosed, InvalidHandshake):
                async with connect(f"{url}?after={after}", compression=None) as client:
                    self.client = client
                    await self._listen(client)
            self.client, self.is_welcome = None, False
            await asyncio.sleep(BACK * random.random())

    async def _listen(self, client: ClientConnection) -> None:
        async for text in client:
            if not self.network.is_set():
                continue
            said = json.loads(text)
            if said["type"] == "welcome":
                self.is_welcome = True
                self.losses += not said["recovered"]
                for key in [*self.unsent]:
                    await self._send(key)
            elif said["type"] == "message":
                self.ids.append(said["id"])
                self.texts.append(said["text"])
            elif said["type"] == "ack":
                self.unsent.pop(said["key"], None)
            async with self._news:
                self._news.notify_all()

    async def _send(self, key: str) -> None:
        if self.client is not None and key in self.unsent:
            said = {"type": "message", "text": self.unsent[key], "key": key}
            with suppress(ConnectionClosed):
                await self.client.send(json.dumps(said))

    async def say(self, text: str) -> None:
        """Send a message now, or when there is a connection."""
        key = next(self._keys)
        self.unsent[key] = text
        if self.is_welcome:
            await self._send(key)

    async def until(self, condition: Any) -> None:
        """Wait for what something that is said makes true."""
        async with asyncio.timeout(300), self._news:
            await self._news.wait_for(condition)

    async def lose(self, seconds: float, *, silently: bool) -> None:
        """Lose the network for so long. Silently: what the server sends is lost, too,
        and it learns of nothing before the end."""
        self.network.clear()
        self.drops += 1
        if not silently:
            self._cut()
        await asyncio.sleep(seconds)
        self._cut()
        self.network.set()

    def _cut(self) -> None:
        if self.client is not None:
            self.client.transport.abort()


@asynccontextmanager
async def alive(pages: Sequence[Page]) -> AsyncIterator[Callable[[Page], None]]:
    """Pages that live as long as the block, which begins when all are welcome.

    Yields a function that lets one more live.
    """

    def begin(page: Page) -> None:
        lives.append(tasks.create_task(page.live()))

    lives: list[asyncio.Task[None]] = []
    async with asyncio.TaskGroup() as tasks:
        for page in pages:
            begin(page)
        for page in pages:
            await page.until(lambda page=page: page.is_welcome)
        yield begin
        for life in lives:
            life.cancel()


async def all_have(pages: Sequence[Page], texts: Sequence[str]) -> None:
    """Wait until each page has these messages, and nothing twice or out of order."""
    for page in pages:
        await page.until(
            lambda page=page: not page.unsent and len(page.ids) >= len(texts)
        )
    assert sorted(pages[0].texts) == sorted(texts)
    for page in pages:
        assert page.ids == sorted(set(page.ids)) == pages[0].ids
        assert page.losses == 0
