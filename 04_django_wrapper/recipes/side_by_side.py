"""Channels and the layer in one process: the path says who answers."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from channels.auth import AuthMiddlewareStack
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from channels.routing import URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.urls import path
from sockets.connection import Socket
from sockets.groups import groups

Application = Callable[[Any, Any, Any], Awaitable[None]]
STAYS = "/ws/old/"  # where Channels answers; it becomes shorter with each move


async def say(room: str, who: str, text: str) -> None:
    """Tell a room whose people are on both sides."""
    said = {"who": who, "text": text}
    await groups.publish_json(f"room-{room}", said)
    event = {"type": "room.said", "said": said}
    await get_channel_layer().group_send(f"room-{room}", event)


class OldRoom(AsyncWebsocketConsumer):
    """A consumer that stays for now; only its ``group_send`` has become ``say``."""

    async def connect(self) -> None:
        self.room = self.scope["url_route"]["kwargs"]["room"]
        self.who = self.scope["user"].username or "somebody"
        await self.channel_layer.group_add(f"room-{self.room}", self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(f"room-{self.room}", self.channel_name)

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None
    ) -> None:
        await say(self.room, self.who, text_data or "")

    async def room_said(self, event: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps(event["said"]))


async def new_room(socket: Socket, room: str) -> None:
    """The same room, moved."""
    await socket.accept()
    who = socket.user.username or "somebody"
    async with groups.join(f"room-{room}", socket):
        async for message in socket:
            await say(room, who, str(message))


old = URLRouter([path("ws/old/<slug:room>/", OldRoom.as_asgi())])
channels_application = AllowedHostsOriginValidator(AuthMiddlewareStack(old))


def by_path(layer: Application) -> Application:
    """Channels below ``STAYS``, and the layer for all else.

    Args:
        layer: a `Dispatch`. Pages are its own matter, and the server's start and end.
    """

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket" and scope["path"].startswith(STAYS):
            await channels_application(scope, receive, send)
        else:
            await layer(scope, receive, send)

    return application


websockets = [path("ws/new/<slug:room>/", new_room)]
