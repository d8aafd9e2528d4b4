"""Channels, as its documentation shows it: consumers, a channel layer, middleware."""

from typing import Any

from benchmarks.subjects import django_site

# isort: split
# Only now the settings are there.
from channels.auth import AuthMiddlewareStack
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.urls import path

COOKIE = django_site.COOKIE
get_channel_layer()  # if its package is missing, say so now


class Echo(AsyncWebsocketConsumer):
    async def receive(self, text_data: Any = None, bytes_data: Any = None) -> None:
        await self.send(text_data=text_data)


class Room(AsyncWebsocketConsumer):
    async def connect(self) -> None:
        self.room = self.scope["url_route"]["kwargs"]["name"]
        await self.channel_layer.group_add(self.room, self.channel_name)
        await self.accept()
        await self.send(text_data="joined")

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(self.room, self.channel_name)

    async def receive(self, text_data: Any = None, bytes_data: Any = None) -> None:
        event = {"type": "room.message", "text": text_data}
        await self.channel_layer.group_send(self.room, event)

    async def room_message(self, event: dict[str, Any]) -> None:
        await self.send(text_data=event["text"])


class Rooms(AsyncWebsocketConsumer):
    async def connect(self) -> None:
        route = self.scope["url_route"]["kwargs"]
        for number in range(route["first"], route["first"] + route["count"]):
            await self.channel_layer.group_add(str(number), self.channel_name)
        await self.accept()
        await self.send(text_data="joined")


routes = URLRouter(
    [
        path("echo", Echo.as_asgi()),
        path("room/<slug:name>", Room.as_asgi()),
        path("rooms/<int:first>/<int:count>", Rooms.as_asgi()),
    ]
)
plain = ProtocolTypeRouter({"websocket": routes})
application = ProtocolTypeRouter(
    {"websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(routes))}
)
