"""Exercise 4.7 · Nothing lost, nothing twice

20 minutes, after section 9 of the notebook.
Check it: python3 -m workshop exercise 4.7

A person comes into a room, and is told its history; then everything that is said. While
the history is read, somebody may say something. Change ``enter``, so that the socket
gets each message once, in the order of the ids. ``groups.join(name, socket, put)``
calls your ``put(event)`` with each message, in place of sending it; ``event["text"]``
is its JSON.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parent.parent))

import practice

practice.begin()

from django.urls import path
from sockets.connection import Socket
from sockets.groups import groups
from sockets.testing import SocketClient
from websocket_app.asgi import application
from websocket_app.websocket_urls import urlpatterns


class Room:
    """Its messages are ``{"id": 1, "text": "hello"}``; a higher id is a later one."""

    group = "practice"

    def __init__(self) -> None:
        self.said: list[dict[str, Any]] = []

    async def say(self, text: str) -> None:
        """Store a message, then announce it."""
        message = {"id": len(self.said) + 1, "text": text}
        self.said.append(message)
        await groups.publish_json(self.group, message)

    async def history(self) -> list[dict[str, Any]]:
        """All messages, as they are stored now; to read them takes a while."""
        await asyncio.sleep(0.1)
        found = list(self.said)
        await asyncio.sleep(0.1)
        return found


# ↓ Your turn begins here.
async def enter(socket: Socket, room: Room) -> None:
    """Send the history of the room, then all that is said, until the peer leaves.

    ``socket.outbox.put(event)`` sends an event that the group has given.
    """
    await socket.accept()
    for message in await room.history():
        await socket.send_json(message)
    async with groups.join(room.group, socket):
        async for _ in socket:
            pass


# ↑ Your turn ends here.


async def main() -> None:
    room = Room()
    await room.say("before")
    urlpatterns[:] = [path("room/", enter, {"room": room})]
    async with SocketClient(application, "/room/") as socket:
        await asyncio.sleep(0.15)
        await room.say("meanwhile")
        await asyncio.sleep(1)
        await room.say("afterwards")
        for _ in range(2):
            print(await socket.receive())


if __name__ == "__main__":
    asyncio.run(main())
