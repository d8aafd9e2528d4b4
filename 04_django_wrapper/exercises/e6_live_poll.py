"""Exercise 4.6 · A live poll

15 minutes, after section 7 of the notebook.
Check it: python3 -m workshop exercise 4.6

Tea or coffee? Whoever is not logged in is refused with 401. Everybody has one vote, by
``socket.user.pk``, and a second vote changes the first. After each vote all who look on
hear the result as JSON, ``{"tea": 1, "coffee": 1}``. A vote for anything else closes
the socket of that voter with 1008: ``raise BadMessage("…")``.
"""

import asyncio
import sys
from collections import Counter
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

import practice

practice.begin()

from django.contrib.auth.models import User
from django.urls import path
from sockets.codes import BadMessage, Refused
from sockets.connection import Socket
from sockets.groups import groups
from sockets.testing import SocketClient, SocketRefused
from websocket_app.asgi import application
from websocket_app.websocket_urls import urlpatterns

votes: dict[int, str] = {}  # key of a user → choice


# ↓ Your turn begins here.
async def poll(socket: Socket) -> None:
    """Take votes for tea or coffee; tell everybody the result after each."""
    await socket.accept()
    async for choice in socket:
        await socket.send_json({choice: 1})


# ↑ Your turn ends here.


async def main() -> None:
    urlpatterns[:] = [path("poll/", poll)]
    ann = await User.objects.acreate(username="ann")
    bob = await User.objects.acreate(username="bob")
    async with (
        SocketClient(application, "/poll/", user=ann) as one,
        SocketClient(application, "/poll/", user=bob) as two,
    ):
        await one.send("tea")
        print("Ann hears", await one.receive())
        await two.send("coffee")
        print("Bob hears", await two.receive())


if __name__ == "__main__":
    asyncio.run(main())
