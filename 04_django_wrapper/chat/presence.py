"""Who is here: in each room, the names of its websockets, in all processes.

1. A name counts as often as it has windows open. When somebody comes or goes, the room
   is told who is here; many at once, as when a server has restarted, together.
2. Each process tells the others who is in a room with it: at each change, and every
   ``EVERY`` seconds. The first one to enter asks the others for it.
3. A process that was silent for ``SILENT`` seconds is dead, and nobody is there. So no
   worker need clean up after another one, and nothing of it is stored.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from secrets import token_hex
from typing import Any

from sockets.groups import groups
from sockets.jsontext import dumps
from sockets.members import message_of

PAUSE = 0.05  # seconds from the first change until it is told, at least
FOR_EACH = 0.002  # for each who is here: the list is longer, and more people get it
EVERY = 10.0
SILENT = 25.0
PROCESS = token_hex(8)  # this one's name

_presences: dict[str, "Presence"] = {}  # by the room's group


@asynccontextmanager
async def present(group: str, name: str) -> AsyncIterator[None]:
    """Somebody of this name is here, for the length of the block."""
    if group not in _presences:
        _presences[group] = Presence(group)
    presence = _presences[group]
    presence.change(name, +1)
    try:
        yield
    finally:
        presence.change(name, -1)
        if not presence.names:
            del _presences[group]
            await presence.end()


class Presence:
    """One room in this process, while somebody is in it."""

    def __init__(self, group: str, process: str = PROCESS) -> None:
        self.group, self.process = group, process
        self.names: Counter[str] = Counter()  # with us
        self.elsewhere: dict[str, list[str]] = {}  # by process
        self.silence: dict[str, asyncio.TimerHandle] = {}  # until it counts as dead
        self.said: list[str] = []  # to the others
        self.due: asyncio.TimerHandle | None = None
        self.loop = asyncio.get_running_loop()
        self.task = asyncio.create_task(self._run())

    def change(self, name: str, by: int) -> None:
        """Somebody comes, +1, or goes, -1."""
        self.names[name] += by
        if not self.names[name]:
            del self.names[name]
        self._tell_soon()

    async def end(self) -> None:
        """The last one has left: the others hear it now, and not by our silence."""
        self._say()
        for timer in (self.due, *self.silence.values()):
            if timer is not None:
                timer.cancel()
        self.task.cancel()
        await asyncio.wait([self.task])

    async def _run(self) -> None:
        async with groups.listen(f"here-{self.group}", self._hear):
            self._say(asks=True)
            while True:
                await asyncio.sleep(EVERY)
                self._say()

    def _say(self, asks: bool = False) -> None:
        self.said = sorted(self.names)
        about = {"process": self.process, "users": self.said, "asks": asks}
        groups.publish_sync(f"here-{self.group}", dumps(about))

    def _hear(self, event: Any) -> None:
        if event is None:  # Redis is back: the others have missed us, and say it, too
            return self._say()
        said = json.loads(event["text"])
        if said["process"] == self.process:
            return
        if said["asks"]:
            self._say()
        self._set(said["process"], said["users"])

    def _set(self, process: str, users: list[str]) -> None:
        if timer := self.silence.pop(process, None):
            timer.cancel()
        if users != self.elsewhere.pop(process, []):
            self._tell_soon()
        if users:
            self.elsewhere[process] = users
            timer = self.loop.call_later(SILENT, self._set, process, [])
            self.silence[process] = timer

    def _tell_soon(self) -> None:
        people = len(self.names) + sum(map(len, self.elsewhere.values()))
        pause = max(PAUSE, FOR_EACH * people)
        self.due = self.due or self.loop.call_later(pause, self._tell)

    def _tell(self) -> None:
        self.due = None
        if self.said != sorted(self.names):
            self._say()
        users = sorted({*self.names}.union(*self.elsewhere.values()))
        text = dumps({"type": "presence", "users": users})
        groups.deliver(self.group, message_of(text))
