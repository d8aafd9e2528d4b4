"""Consumers in the form of Channels' own documentation; only the imports are others."""

import json

from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.urls import re_path
from sockets.channels import (
    AcceptConnection,
    AsyncConsumer,
    AsyncJsonWebsocketConsumer,
    AsyncWebsocketConsumer,
    DenyConnection,
    JsonWebsocketConsumer,
    StopConsumer,
    SyncConsumer,
    WebsocketConsumer,
    database_sync_to_async,
)


class SyncChat(WebsocketConsumer):
    """The chat of the tutorial, with threads."""

    def connect(self):
        self.room_name = self.scope["url_route"]["kwargs"]["room_name"]
        self.room_group_name = f"chat_{self.room_name}"
        async_to_sync(self.channel_layer.group_add)(
            self.room_group_name, self.channel_name
        )
        self.accept()

    def disconnect(self, close_code):
        async_to_sync(self.channel_layer.group_discard)(
            self.room_group_name, self.channel_name
        )

    def receive(self, text_data):
        message = json.loads(text_data)["message"]
        async_to_sync(self.channel_layer.group_send)(
            self.room_group_name, {"type": "chat.message", "message": message}
        )

    def chat_message(self, event):
        self.send(text_data=json.dumps({"message": event["message"]}))


class AsyncChat(AsyncWebsocketConsumer):
    """The chat of the tutorial, with coroutines."""

    async def connect(self):
        self.room_name = self.scope["url_route"]["kwargs"]["room_name"]
        self.room_group_name = f"chat_{self.room_name}"
        await self.channel_layer.group_add(self.room_group_name, self.channel_name)
        await self.accept()

    async def disconnect(self, close_code):
        await self.channel_layer.group_discard(self.room_group_name, self.channel_name)

    async def receive(self, text_data):
        message = json.loads(text_data)["message"]
        await self.channel_layer.group_send(
            self.room_group_name, {"type": "chat.message", "message": message}
        )

    async def chat_message(self, event):
        await self.send(text_data=json.dumps({"message": event["message"]}))


class JsonUsers(AsyncJsonWebsocketConsumer):
    """User, session and cookies in the scope; a query in a thread."""

    async def connect(self):
        if not self.scope["user"].is_authenticated:
            await self.close(code=4401)
            return
        self.visits = self.scope["session"].get("visits", 0)
        await self.accept()

    async def receive_json(self, content, **kwargs):
        names = await self.names(content["starts"])
        me = self.scope["user"].username
        await self.send_json({"me": me, "names": names, "visits": self.visits})

    @database_sync_to_async
    def names(self, start):
        found = User.objects.filter(username__startswith=start).order_by("username")
        return [user.username for user in found]


class SyncJson(JsonWebsocketConsumer):
    """A thread with the ORM in it; a code of its own."""

    groups = ["everybody"]  # noqa: RUF012

    def receive_json(self, content, **kwargs):
        if content == "bye":
            self.send_json({"users": User.objects.count()}, close=4123)
        else:
            self.send_json([content, self.kind])

    kind = "as written"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.kind = kwargs.get("kind", self.kind)

    def everybody_hears(self, event):
        self.send_json(event["what"])


class Broadcast(AsyncWebsocketConsumer):
    """`groups` as an attribute; a message to its own channel; subprotocol, bytes."""

    groups = ["everybody"]  # noqa: RUF012

    async def connect(self):
        await self.accept("v2", headers=[(b"x-version", b"2")])
        await self.channel_layer.send(
            self.channel_name, {"type": "welcome.you", "name": self.channel_name}
        )

    async def receive(self, text_data=None, bytes_data=None):
        if bytes_data is not None:
            await self.send(bytes_data=bytes_data[::-1])
        else:
            await self.close(code=4123, reason=text_data)

    async def welcome_you(self, event):
        await self.send(text_data=event["name"])

    async def everybody_hears(self, event):
        await self.send(text_data=event["what"])


class SyncDoor(WebsocketConsumer):
    """The two exceptions of `connect`."""

    def connect(self):
        if self.scope["query_string"] == b"open":
            raise AcceptConnection
        raise DenyConnection


class AsyncDoor(AsyncWebsocketConsumer):
    async def connect(self):
        if self.scope["query_string"] == b"open":
            raise AcceptConnection
        raise DenyConnection


class SyncEcho(SyncConsumer):
    """The two base classes speak ASGI itself."""

    def websocket_connect(self, event):
        self.send({"type": "websocket.accept"})

    def websocket_receive(self, event):
        self.send({"type": "websocket.send", "text": event["text"]})

    def websocket_disconnect(self, event):
        raise StopConsumer


class AsyncEcho(AsyncConsumer):
    async def websocket_connect(self, event):
        await self.send({"type": "websocket.accept"})

    async def websocket_receive(self, event):
        await self.send({"type": "websocket.send", "text": event["text"]})

    async def websocket_disconnect(self, event):
        raise StopConsumer


urlpatterns = [
    re_path(r"ws/chat/(?P<room_name>\w+)/$", AsyncChat.as_asgi()),
    re_path(r"ws/sync/(?P<room_name>\w+)/$", SyncChat.as_asgi()),
]
