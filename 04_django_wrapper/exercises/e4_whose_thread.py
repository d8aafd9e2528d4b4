"""Exercise 4.4 · Whose thread is it?

15 minutes, after section 6 of the notebook.
Check it: python3 -m workshop exercise 4.4

A peer sends the slug of a room, and gets what was said there: the text and the name of
the user's account. Django refuses the query, since it would stop the whole loop. Change
``history``, so that its queries run in one unit of work for each slug. No unit of work
is held while the peer is waited for.
"""

import asyncio
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

import practice

practice.begin()

from chat.models import Message, Room
from django.contrib.auth.models import User
from django.urls import path
from sockets.connection import Socket
from sockets.database import database
from sockets.testing import SocketClient
from websocket_app.asgi import application
from websocket_app.websocket_urls import urlpatterns


async def something_was_said() -> None:
    room = await Room.objects.aget(slug="lobby")
    ann = await User.objects.acreate(username="ann")
    for text in ("hello", "anybody there?"):
        await Message.objects.acreate(
            room=room, user=ann, name="Ann", text=text, key=text
        )


# ↓ Your turn begins here.
async def history(socket: Socket) -> None:
    """For each slug: a list of ``[name of the account, text]``, oldest first."""
    await socket.accept()
    async for slug in socket:
        said = Message.objects.filter(room__slug=slug).order_by("id")
        await socket.send_json([[m.user.username, m.text] for m in said])


# ↑ Your turn ends here.


async def main() -> None:
    await something_was_said()
    urlpatterns[:] = [path("history/", history)]
    async with SocketClient(application, "/history/") as socket:
        await socket.send("lobby")
        print(await socket.receive_json())


if __name__ == "__main__":
    asyncio.run(main())
