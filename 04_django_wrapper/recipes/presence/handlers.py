"""The handler that takes a seat, and gives it back."""

import asyncio
from contextlib import suppress

from asgiref.sync import sync_to_async
from django.utils import timezone
from sockets.codes import Refused
from sockets.connection import Socket
from sockets.database import database
from sockets.groups import groups
from sockets.routing import path

from .models import Seat

SECONDS = 20.0  # from one sign of life to the next: three fit into LIFE


async def presence(socket: Socket, name: str) -> None:
    """Tell everybody in a room who is there, at each change."""
    if not socket.user.is_authenticated:
        raise Refused(401, "Log in first.")
    if len(name) > 50:
        raise Refused(404, "There is no such room.")
    await socket.accept()
    async with groups.join(f"presence-{name}", socket):
        async with database():
            seat = await Seat.objects.acreate(room=name, user=socket.user)
        try:
            await tell(name)
            await stay(socket, seat)
        finally:
            async with database():
                await seat.adelete()
            await tell(name)


async def stay(socket: Socket, seat: Seat) -> None:
    """Until the peer has left: `Disconnected` comes out of ``receive()``."""
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(SECONDS):
                while True:
                    await socket.receive()  # yours does something with it
        if await renew(seat):
            await tell(seat.room)


async def renew(seat: Seat) -> int:
    """A sign of life; and the number of others from whom none has come for long."""
    seat.seen = timezone.now()
    async with database():
        # save(), not update(): it also brings back a row that somebody has deleted.
        await seat.asave()
        forgotten, _ = await Seat.gone(seat.room).adelete()
    return int(forgotten)


async def tell(name: str) -> None:
    """Publish who is in a room."""
    async with database():
        people = await sync_to_async(Seat.people)(name)
    await groups.publish_json(f"presence-{name}", {"people": people})


websockets = [path("ws/presence/<slug:name>/", presence)]
