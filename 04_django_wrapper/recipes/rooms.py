"""One websocket, many rooms: the peer says which ones, at any time."""

from typing import Any

from sockets.codes import BadMessage
from sockets.connection import Socket
from sockets.groups import groups
from sockets.routing import path

OPEN_ROOMS = {"news", "sport", "weather"}


def may_enter(user: Any, room: str) -> bool:
    """Yours asks the database; the staff room is for the staff."""
    return room in OPEN_ROOMS or (room == "staff" and user.is_staff)


async def rooms(socket: Socket) -> None:
    """Each message says what to do, and in which room."""
    await socket.accept()
    while True:
        message = await socket.receive_json()
        match message:
            case {"do": "enter", "room": str(room)}:
                await enter(socket, room)
            case {"do": "leave", "room": str(room)}:
                groups.discard(f"room-{room}", socket)
                await socket.send_json({"left": room})
            case {"do": "say", "room": str(room), "text": str(text)}:
                await say(socket, room, text)
            case _:
                raise BadMessage("expected enter, leave or say, with a room")


async def enter(socket: Socket, room: str) -> None:
    """Once more for a room that one is in does no harm."""
    if not may_enter(socket.user, room):
        await socket.send_json({"refused": room})
        return
    await groups.add(f"room-{room}", socket)
    await socket.send_json({"entered": room})


async def say(socket: Socket, room: str, text: str) -> None:
    """To all in the room but the one who says it, who knows it already."""
    group = f"room-{room}"
    if group not in socket.groups:
        await socket.send_json({"refused": room})
        return
    news = {"room": room, "from": socket.user.username, "text": text}
    await groups.publish_json(group, news, but=socket)


websockets = [path("ws/rooms/", rooms)]
