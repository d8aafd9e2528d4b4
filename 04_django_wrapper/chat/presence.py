"""Presence: the names of the people in each room, in all processes.

1. A name counts as often as it has windows open. When somebody comes or goes, the room
   is told who is here. Many changes at once, as after a restart, are told together.
2. Each process tells the others which of its people are in the room: at each change,
   and every ``EVERY`` seconds. A process that enters a room asks the others for it.
3. A process that was silent for ``SILENT`` seconds is dead, and its people are gone. So
   no worker has to clean up after another one, and nothing of this is stored.
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
FOR_EACH = 0.002  # seconds more for each person: the list is longer, and more get it
EVERY = 10.0  # seconds
SILENT = 25.0  # seconds
PROCESS = token_hex(8)  # the name of this process

_presences: dict[str, "Presence"] = {}  # by the room's group


@asynccontextmanager
async def present(group: str, name: str) -> AsyncIterator[None]:
    """Somebody of this name is in the room for the length of the block.

    Args:
        group: the room's.
        name: as the others see it.
    """
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
    """One room in this process, while somebody is in it.

    Attributes:
        names: how many windows each name has open in this process.
        elsewhere: the names in other processes, by the process.
        silence: for each other process, the timer at whose end it counts as dead.
        said: what the other processes were told last.
        due: the timer at whose end the room is told; None: nothing has changed.
    """

    def __init__(self, group: str, process: str = PROCESS) -> None:
        self.group = group
        self.process = process
        self.names: Counter[str] = Counter()
        self.elsewhere: dict[str, list[str]] = {}
        self.silence: dict[str, asyncio.TimerHandle] = {}
        self.said: list[str] = []
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
        """The last one has left. The other processes are told, and need not wait."""
        self._say()
        if self.due is not None:
            self.due.cancel()
        for timer in self.silence.values():
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
        """Tell the other processes who is here; ``asks``: and ask them the same."""
        self.said = sorted(self.names)
        about = {"process": self.process, "users": self.said, "asks": asks}
        groups.publish_sync(f"here-{self.group}", dumps(about))

    def _hear(self, event: Any) -> None:
        """Take what another process says; None: some of it may have been lost."""
        if event is None:
            # Redis is back. The others have missed what we said, and say theirs, too.
            self._say()
            return
        said = json.loads(event["text"])
        if said["process"] == self.process:
            return
        if said["asks"]:
            self._say()
        self._set(said["process"], said["users"])

    def _set(self, process: str, users: list[str]) -> None:
        """These people are with another process."""
        timer = self.silence.pop(process, None)
        if timer is not None:
            timer.cancel()
        if users != self.elsewhere.pop(process, []):
            self._tell_soon()
        if users:
            self.elsewhere[process] = users
            timer = self.loop.call_later(SILENT, self._set, process, [])
            self.silence[process] = timer

    def _tell_soon(self) -> None:
        if self.due is not None:
            return
        people = len(self.names) + sum(len(users) for users in self.elsewhere.values())
        pause = max(PAUSE, FOR_EACH * people)
        self.due = self.loop.call_later(pause, self._tell)

    def _tell(self) -> None:
        """Tell the room in this process; and the others, if our part has changed."""
        self.due = None
        if self.said != sorted(self.names):
            self._say()
        users = set(self.names).union(*self.elsewhere.values())
        text = dumps({"type": "presence", "users": sorted(users)})
        groups.deliver(self.group, message_of(text))
