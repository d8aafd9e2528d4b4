"""Consumers that were written for Channels, on this layer: move first, rewrite later.

1. Only the imports of a consumer change::

       from sockets.channels import AsyncJsonWebsocketConsumer, get_channel_layer

2. A route stays as it is: ``path("ws/<room>/", Chat.as_asgi())``. It belongs into the
   module that ``SOCKETS["URLCONF"]`` names.
3. A consumer is one handler. Its peer's messages and its groups' events come in one
   feed (events.py), and each is given to the method that its type names. The next one
   comes when that method has returned.
4. ``group_send`` is ``publish_json``. So a handler that is rewritten already, and reads
   the same group with ``events.of``, understands consumers that are not.
5. The limits are the layer's: a consumer that is too slow, or a peer, is closed with
   1013. Channels would drop messages in silence, or keep all of them.

MIGRATION.md has each name of Channels, and what it becomes. Nothing in this folder
needs this file, and it does not need the package ``channels``.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from uuid import uuid4
from weakref import WeakValueDictionary

from asgiref.sync import async_to_sync, sync_to_async

from . import events, jsontext
from .codes import BadMessage, CloseCode, Disconnected, HandlerError
from .conf import conf
from .connection import Socket, State, current
from .database import close_old_connections, database, inside
from .eager import first_step
from .events import Event, Feed, Lost
from .groups import groups
from .members import check_name
from .outbox import send_event

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
Message = dict[str, Any]  # of ASGI or of a group, with a "type"


class AcceptConnection(Exception):
    """Raised in ``connect()``: open the websocket."""


class DenyConnection(Exception):
    """Raised in ``connect()``: refuse the handshake."""


class StopConsumer(Exception):
    """Raised in a consumer: it has ended."""


class InvalidChannelLayerError(ValueError):
    """A channel is not one of this process, or not one at all."""


# Everything of a consumer that is open, by the name of its channel.
_open: WeakValueDictionary[str, "AsyncConsumer"] = WeakValueDictionary()


class ChannelLayer:
    """Consumers and views send by this: the layer's groups under Channels' names."""

    async def group_add(self, group: str, channel: str) -> None:
        """Add a consumer of this process to a group.

        Raises:
            InvalidChannelLayerError: no consumer of this process has that channel.
        """
        await _consumer(channel).join(group)

    async def group_discard(self, group: str, channel: str) -> None:
        """Take a consumer out of a group; one that has ended is in none."""
        if channel in _open:
            _open[channel].leave(group)

    async def group_send(self, group: str, message: Message) -> None:
        """Give a message to the method of each consumer that its type names."""
        handler_name(message)  # the sender learns of a wrong type, not each receiver
        await groups.publish_json(group, message)

    async def send(self, channel: str, message: Message) -> None:
        """The same for one consumer: its channel is a group of its own."""
        await self.group_send(channel, message)


channel_layer = ChannelLayer()


def get_channel_layer(alias: str = "default") -> ChannelLayer:
    """There is one layer; ``CHANNEL_LAYERS`` is not read."""
    return channel_layer


def database_sync_to_async(
    function: Callable[Parameters, Result],
) -> Callable[Parameters, Coroutine[Any, Any, Result]]:
    """A function with the ORM in it, for a coroutine: one unit of work."""

    @wraps(function)
    async def call(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        async with database():
            return await sync_to_async(function)(*args, **kwargs)

    return call


def handler_name(message: Message) -> str:
    """The name of the method for a message: ``"chat.message"`` is ``chat_message``.

    Raises:
        ValueError: it has no type, or one that begins with an underscore.
    """
    kind = message.get("type") if isinstance(message, dict) else None
    if not isinstance(kind, str) or kind.startswith(("_", ".")):
        raise ValueError(
            f'a message is a dict with a type, such as {{"type": "chat.message"}}, and '
            f"not {message!r:.120}"
        )
    return kind.replace(".", "_")


def _consumer(channel: str) -> "AsyncConsumer":
    if channel not in _open:
        raise InvalidChannelLayerError(
            f"no consumer of this process has the channel {channel!r:.80}: a consumer "
            "joins its groups by itself, with self.channel_name"
        )
    return _open[channel]


class AsyncConsumer:
    """Gives each message to the method that its type names.

    Attributes:
        scope: ASGI's, with ``url_route``, ``user``, ``session`` and ``cookies``. A
            value that a step has written into ``socket.scope`` stays.
        channel_name: the name of its own channel, which is a group.
        channel_layer: has ``group_add``, ``group_discard``, ``group_send``, ``send``.
        base_send: takes ASGI's events.
    """

    channel_layer_alias = "default"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Arguments are those of ``as_asgi``."""

    @classmethod
    def as_asgi(cls, **initkwargs: Any) -> Callable[..., Coroutine[Any, Any, None]]:
        """A handler of the layer, which makes one consumer for each websocket."""

        async def handler(socket: Socket, *args: Any, **kwargs: Any) -> None:
            consumer = cls(**initkwargs)
            with suppress(StopConsumer):
                await consumer.serve(socket, args, kwargs)

        handler.__name__ = cls.__name__
        handler.__qualname__ = cls.__qualname__
        handler.__module__ = cls.__module__
        handler.__doc__ = cls.__doc__
        return handler

    async def serve(
        self, socket: Socket, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        """Dispatch all that comes, from ``websocket.connect`` to the disconnect."""
        self.scope: dict[str, Any] = dict(socket.scope)
        self.scope["url_route"] = {"args": args, "kwargs": kwargs}
        # A step may have written these keys, as a middleware of Channels does. Without
        # setdefault a consumer would meet AnonymousUser in place of a token's user.
        self.scope.setdefault("cookies", dict(socket.request.COOKIES))
        self.scope.setdefault("session", socket.session)
        self.scope.setdefault("user", socket.user)
        self.channel_layer = get_channel_layer(self.channel_layer_alias)
        self.channel_name = f"channel-{uuid4()}"
        self.base_send: Any = self.send_event
        self._socket = socket
        # A socket is in no group before accept(), and most consumers join before it.
        self._joins_later: list[str] = [self.channel_name]
        # The rest of each such join: it waits for Redis.
        self._joins: list[Awaitable[None]] = []

        _open[self.channel_name] = self
        async with events.of(socket) as feed:
            self._feed = feed
            with suppress(Disconnected):  # the peer has left before accept()
                await self.dispatch({"type": "websocket.connect"})
            if socket.state is State.CONNECTING:
                raise HandlerError("connect() has returned without accept() or close()")
            await self._dispatch_all(feed)

    async def _dispatch_all(self, feed: Feed) -> None:
        while True:
            try:
                item = await feed.receive()
            except Disconnected as end:
                event = {"code": end.code, "reason": end.reason}
                await self.dispatch({"type": "websocket.disconnect"} | event)
                return
            await self._dispatch_one(item)

    async def _dispatch_one(self, item: str | bytes | Event | Lost) -> None:
        if isinstance(item, Event):
            await self.dispatch(item.value)
        elif isinstance(item, str):
            await self.dispatch({"type": "websocket.receive", "text": item})
        elif isinstance(item, bytes):
            await self.dispatch({"type": "websocket.receive", "bytes": item})
        # `Lost`: Channels does not tell, either, that events may have been lost.

    async def dispatch(self, message: Message) -> None:
        """Call the method for a message.

        Raises:
            ValueError: there is none.
        """
        if not inside.get():
            # The method may use Django's async ORM outside of a unit of work. As in
            # Channels, a connection that the database has dropped is replaced first.
            await sync_to_async(close_old_connections)()
        await self._method(message)(message)

    def _method(self, message: Message) -> Any:
        method = getattr(self, handler_name(message), None)
        if method is None:
            kind = message["type"]
            name = type(self).__name__
            raise ValueError(f"{name} has no method for messages of the type {kind!r}")
        return method

    async def join(self, group: str) -> None:
        """Be in a group; before ``accept()``: as soon as the websocket is open.

        Raises:
            BadMessage: it is in ``SOCKETS["GROUPS"]`` groups already.
            HandlerError: the name is no name.
        """
        if self._socket.state is State.CONNECTING:
            check_name(group)
            if len(self._joins_later) >= self._socket.conf.GROUPS:
                raise BadMessage("too many groups")
            if group not in self._joins_later:
                self._joins_later.append(group)
        elif self._socket.state is State.OPEN:
            with suppress(Disconnected):  # while it waited for Redis
                await self._feed.add(group)

    def _join_all(self, _: Socket) -> None:
        """Be in all groups of before ``accept()``, before any other task can run.

        Without that, the peer would know that it is connected, and an event that is
        sent at this moment would not reach it.
        """
        for group in self._joins_later:
            rest = first_step(self._feed.add(group))
            if rest is not None:
                self._joins.append(rest)
        self._joins_later.clear()

    def leave(self, group: str) -> None:
        """Be in a group no more."""
        if group in self._joins_later:
            self._joins_later.remove(group)
        self._feed.discard(group)

    async def send_event(self, event: Message) -> None:
        """Do what one of ASGI's events says.

        Raises:
            Disconnected: the peer has left before ``accept()``.
            HandlerError: it comes too early, or ``accept()`` comes twice.
            ValueError: the layer knows no such event.
        """
        socket = self._socket
        kind = event["type"]
        if kind == "websocket.accept":
            socket.headers.extend(event.get("headers") or ())
            socket.on_accept.append(self._join_all)
            await socket.accept(event.get("subprotocol"))
            for rest in self._joins:
                await rest
        elif kind == "websocket.send":
            await self._send_message(event)
        elif kind == "websocket.close":
            code = event.get("code", CloseCode.NORMAL_CLOSURE)
            reason = event.get("reason") or ""
            if socket.state is State.CONNECTING:
                # Before accept() a client gets an HTTP answer, which has no close code.
                socket.stop(code, reason, 403)
            else:
                await self._close(code, reason)
        else:
            raise ValueError(f"a websocket sends no event of the type {kind!r}")

    async def _send_message(self, event: Message) -> None:
        """Send a message; to a peer that has left it goes nowhere, as under daphne.

        So the rest of a consumer's method is done: it tells others, it stores things.
        """
        if self._socket.state is State.CLOSED:
            # A method that sends in a loop would let no other task run otherwise.
            await asyncio.sleep(0)
            return
        text = event.get("text")
        await self._give(event["bytes"] if text is None else text)

    async def _give(self, message: str | bytes) -> None:
        await self._socket.send(message)

    async def _close(self, code: int, reason: str) -> None:
        await self._socket.close(code, reason)

    async def send(self, message: Message) -> None:
        """Send one of ASGI's events."""
        await self.base_send(message)


class SyncConsumer(AsyncConsumer):
    """The same with methods that are no coroutines: each call is one unit of work.

    It runs in one of ``DATABASE_THREADS`` threads, and keeps it until it returns. So
    it does not wait for its peer: what the peer does not read yet waits in the outbox,
    within ``OUTBOX`` and ``OUTBOX_BYTES``.
    """

    async def dispatch(self, message: Message) -> None:
        # Made here, in the event loop to which it will lead.
        self.base_send = async_to_sync(self.send_event)
        async with database():
            await sync_to_async(self._method(message))(message)

    async def _give(self, message: str | bytes) -> None:
        if self._socket.state is State.OPEN:
            self._socket.outbox.put(send_event(message))
        else:
            await super()._give(message)

    async def _close(self, code: int, reason: str) -> None:
        self._socket.begin_close(code, reason)

    def send(self, message: Message) -> None:  # type: ignore[override]
        """Send one of ASGI's events."""
        self.base_send(message)


class AsyncWebsocketConsumer(AsyncConsumer):
    """A consumer with ``connect``, ``receive`` and ``disconnect``, all coroutines."""

    groups: Iterable[str] | None = None

    async def websocket_connect(self, message: Message) -> None:
        for group in self.groups or ():
            await self.channel_layer.group_add(group, self.channel_name)
        try:
            await self.connect()
        except AcceptConnection:
            await self.accept()
        except DenyConnection:
            await self.close()

    async def connect(self) -> None:
        await self.accept()

    async def accept(
        self,
        subprotocol: str | None = None,
        headers: Iterable[tuple[bytes, bytes]] | None = None,
    ) -> None:
        event = {"type": "websocket.accept", "subprotocol": subprotocol}
        await super().send(event | {"headers": list(headers or ())})

    async def websocket_receive(self, message: Message) -> None:
        if message.get("text") is not None:
            await self.receive(text_data=message["text"])
        else:
            await self.receive(bytes_data=message["bytes"])

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None
    ) -> None:
        """Takes one message of the peer; yours, if you expect any."""

    async def send(  # type: ignore[override]
        self,
        text_data: str | None = None,
        bytes_data: bytes | None = None,
        close: bool | int = False,
    ) -> None:
        await super().send(_message_event(text_data, bytes_data))
        if close:
            await self.close(close)

    async def close(
        self, code: bool | int | None = None, reason: str | None = None
    ) -> None:
        await super().send(_close_event(code, reason))

    async def websocket_disconnect(self, message: Message) -> None:
        for group in self.groups or ():
            await self.channel_layer.group_discard(group, self.channel_name)
        await self.disconnect(message["code"])
        raise StopConsumer

    async def disconnect(self, code: int) -> None:
        """Takes the close code; yours, if you clean up."""


class AsyncJsonWebsocketConsumer(AsyncWebsocketConsumer):
    """The same with JSON: ``receive_json`` and ``send_json``."""

    async def receive(
        self,
        text_data: str | None = None,
        bytes_data: bytes | None = None,
        **kwargs: Any,
    ) -> None:
        if not text_data:
            raise BadMessage("expected JSON as text", CloseCode.UNSUPPORTED_DATA)
        await self.receive_json(await self.decode_json(text_data), **kwargs)

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        """Takes one value of the peer; yours, if you expect any."""

    async def send_json(self, content: Any, close: bool | int = False) -> None:
        text = await self.encode_json(content)
        await super().send(text_data=text, close=close)

    @classmethod
    async def decode_json(cls, text_data: str) -> Any:
        return jsontext.loads(text_data, _json_depth())

    @classmethod
    async def encode_json(cls, content: Any) -> str:
        return jsontext.dumps(content)


class WebsocketConsumer(SyncConsumer):
    """A consumer with ``connect``, ``receive`` and ``disconnect``, in threads."""

    groups: Iterable[str] | None = None

    def websocket_connect(self, message: Message) -> None:
        for group in self.groups or ():
            async_to_sync(self.channel_layer.group_add)(group, self.channel_name)
        try:
            self.connect()
        except AcceptConnection:
            self.accept()
        except DenyConnection:
            self.close()

    def connect(self) -> None:
        self.accept()

    def accept(
        self,
        subprotocol: str | None = None,
        headers: Iterable[tuple[bytes, bytes]] | None = None,
    ) -> None:
        event = {"type": "websocket.accept", "subprotocol": subprotocol}
        super().send(event | {"headers": list(headers or ())})

    def websocket_receive(self, message: Message) -> None:
        if message.get("text") is not None:
            self.receive(text_data=message["text"])
        else:
            self.receive(bytes_data=message["bytes"])

    def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None
    ) -> None:
        """Takes one message of the peer; yours, if you expect any."""

    def send(  # type: ignore[override]
        self,
        text_data: str | None = None,
        bytes_data: bytes | None = None,
        close: bool | int = False,
    ) -> None:
        super().send(_message_event(text_data, bytes_data))
        if close:
            self.close(close)

    def close(self, code: bool | int | None = None, reason: str | None = None) -> None:
        super().send(_close_event(code, reason))

    def websocket_disconnect(self, message: Message) -> None:
        for group in self.groups or ():
            async_to_sync(self.channel_layer.group_discard)(group, self.channel_name)
        self.disconnect(message["code"])
        raise StopConsumer

    def disconnect(self, code: int) -> None:
        """Takes the close code; yours, if you clean up."""


class JsonWebsocketConsumer(WebsocketConsumer):
    """The same with JSON: ``receive_json`` and ``send_json``."""

    def receive(
        self,
        text_data: str | None = None,
        bytes_data: bytes | None = None,
        **kwargs: Any,
    ) -> None:
        if not text_data:
            raise BadMessage("expected JSON as text", CloseCode.UNSUPPORTED_DATA)
        self.receive_json(self.decode_json(text_data), **kwargs)

    def receive_json(self, content: Any, **kwargs: Any) -> None:
        """Takes one value of the peer; yours, if you expect any."""

    def send_json(self, content: Any, close: bool | int = False) -> None:
        super().send(text_data=self.encode_json(content), close=close)

    @classmethod
    def decode_json(cls, text_data: str) -> Any:
        return jsontext.loads(text_data, _json_depth())

    @classmethod
    def encode_json(cls, content: Any) -> str:
        return jsontext.dumps(content)


def _json_depth() -> int:
    """How deep a peer's JSON may be. A route may have a limit of its own."""
    reference = current.get()
    socket = None if reference is None else reference()
    if socket is None:
        return conf().JSON_DEPTH
    return socket.conf.JSON_DEPTH


def _message_event(text: str | None, binary: bytes | None) -> Message:
    if text is not None:
        return {"type": "websocket.send", "text": text}
    if binary is not None:
        return {"type": "websocket.send", "bytes": binary}
    raise ValueError("send() takes text_data or bytes_data, and got neither")


def _close_event(code: bool | int | None, reason: str | None) -> Message:
    """A code of True, as in ``send(…, close=True)``, is the usual one."""
    event: Message = {"type": "websocket.close", "reason": reason or ""}
    if code is not None and code is not True:
        event["code"] = code
    return event
