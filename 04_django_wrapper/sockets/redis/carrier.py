"""Redis as the carrier of groups: what ``groups`` asks for, in whatever event loop.

A process has one event loop as a rule, and tests have one each. Each loop has a line of
its own to Redis, made when it is first needed. A thread without a loop has none, and
publishes on a connection of another kind (synchronous.py).
"""

import asyncio

from ..conf import Conf
from ..members import Members, News
from . import synchronous
from .line import Line


class Redis:
    """The carrier. See `sockets.groups.Carrier` for what each method promises.

    Args:
        here: the members in this process.
        conf: with ``REDIS_URL`` and ``PUBLISH_SECONDS``.
    """

    def __init__(self, here: Members, conf: Conf) -> None:
        self.here = here
        self.conf = conf
        self.lines: dict[asyncio.AbstractEventLoop, Line] = {}

    async def follow(self, name: str) -> None:
        await self.line().follow(name)

    def leave(self, name: str) -> None:
        # A group may be left while its loop ends: then nobody need be told.
        line = self.lines.get(asyncio.get_running_loop())
        if line is not None:
            line.leave(name)

    async def publish(self, name: str, news: News) -> bool:
        return await self.line().publish(name, news)

    def publish_soon(self, name: str, news: News) -> None:
        self.line().send(name, news)

    def publish_blocking(self, name: str, news: News) -> None:
        synchronous.publish(self.conf, name, news)

    async def hang_up(self) -> None:
        line = self.lines.get(asyncio.get_running_loop())
        if line is not None:
            await line.connection.close()

    def line(self) -> Line:
        """The running loop's line; a new one, where there is none."""
        loop = asyncio.get_running_loop()
        if loop not in self.lines:
            line = Line(self.here, self.conf)
            line.connection.task.add_done_callback(lambda _: self.lines.pop(loop))
            self.lines[loop] = line
        return self.lines[loop]
