"""Who is here: in each room, the names of its websockets in this process.

A name counts as often as it has windows open. When somebody comes or goes, the room is
told who is here; many at once, as when a server has restarted, are told together.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from sockets.groups import groups
from sockets.jsontext import dumps

PAUSE = 0.05  # seconds from the first change until it is told

_names: defaultdict[str, Counter[str]] = defaultdict(Counter)  # by the room's group
_due: dict[str, asyncio.AbstractEventLoop] = {}  # groups that will be told, and by whom


@contextmanager
def present(group: str, name: str) -> Iterator[None]:
    """Somebody of this name is here, for the length of the block."""
    _change(group, name, +1)
    try:
        yield
    finally:
        _change(group, name, -1)


def _change(group: str, name: str, by: int) -> None:
    names, loop = _names[group], asyncio.get_running_loop()
    names[name] += by
    if not names[name]:
        del names[name]
    if _due.get(group) is not loop:  # a test's loop may end before it has told
        _due[group] = loop
        loop.call_later(PAUSE, _tell, group)


def _tell(group: str) -> None:
    del _due[group]
    users = sorted(_names[group])
    groups.publish_sync(group, dumps({"type": "presence", "users": users}))
    if not users:
        del _names[group]
