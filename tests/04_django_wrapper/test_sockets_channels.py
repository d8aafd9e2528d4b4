"""Consumers that were written for Channels run on the layer, with other imports."""

import asyncio
import logging

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.db import connections
from django.test import override_settings
from django.urls import re_path
from sockets import events
from sockets.connection import State
from sockets.groups import groups
from sockets.routing import limited
from websockets.sync.client import connect

from tests.support.redis_server import running_redis
from tests.support.servers import socket_site


@pytest.fixture
def consumers(tables):
    """Imported now: they import models."""
    from tests.support import consumers

    return consumers


@pytest.fixture
def visit(consumers, talk):
    """``visit("AsyncChat", "/ws/…")``: a client to one consumer."""

    def visit(name, path="/", initkwargs=(), sockets=(), **options):
        handler = getattr(consumers, name).as_asgi(**dict(initkwargs))
        route = r"^(?:ws/(?P<room_name>\w+)/)?$"
        conf = {"URLCONF": (re_path(route, handler),), **dict(sockets)}
        return talk(handler, path, conf, **options)

    return visit


@pytest.mark.parametrize("name", ["AsyncChat", "SyncChat"])
async def test_the_tutorials_chat_reaches_its_room_and_no_other(visit, name):
    async with (
        visit(name, "/ws/lobby/") as anna,
        visit(name, "/ws/lobby/") as ben,
        visit(name, "/ws/kitchen/") as cleo,
    ):
        await anna.send_json({"message": "hello"})
        for client in (anna, ben):
            assert await client.receive_json() == {"message": "hello"}
        await cleo.send_json({"message": "is it quiet here?"})
        assert await cleo.receive_json() == {"message": "is it quiet here?"}
    assert not groups.members


async def test_a_view_sends_to_a_group_and_to_a_channel(visit):
    from sockets.channels import get_channel_layer

    def view():
        layer = get_channel_layer()
        for message in ("one", "two"):
            event = {"type": "chat.message", "message": message}
            async_to_sync(layer.group_send)("chat_lobby", event)

    async with visit("AsyncChat", "/ws/lobby/") as anna:
        await sync_to_async(view)()
        for message in ("one", "two"):
            assert await anna.receive_json() == {"message": message}


async def test_the_scope_has_route_user_session_and_cookies(visit, users):
    async with visit("JsonUsers", user=users["anna"]) as anna:
        await anna.send_json({"starts": "an"})
        expected = {"me": "anna", "names": ["anna", "antje"], "visits": 0}
        assert await anna.receive_json() == expected


async def test_a_step_writes_into_the_scope_of_a_consumer(
    consumers, visit, monkeypatch
):
    async def give_key(socket):
        socket.scope["key"] = "from a step"

    async def receive(self, text_data):
        await self.send(text_data=self.scope["key"])

    monkeypatch.setattr(consumers, "give_key", give_key, raising=False)
    monkeypatch.setattr(consumers.AsyncChat, "receive", receive)
    sockets = {"HANDSHAKE": ["tests.support.consumers.give_key"]}
    async with visit("AsyncChat", "/ws/lobby/", sockets=sockets) as client:
        await client.send("which key?")
        assert await client.receive() == "from a step"


async def test_a_consumer_keeps_what_a_step_has_written_over_the_layer_s_own(
    consumers, visit, monkeypatch
):
    async def give_all(socket):
        socket.scope["user"] = "anna, by her token"
        socket.scope["session"] = {"visits": 3}
        socket.scope["cookies"] = {"room": "5"}

    async def receive(self, text_data):
        await self.send(text_data=repr([self.scope[key] for key in text_data.split()]))

    monkeypatch.setattr(consumers, "give_all", give_all, raising=False)
    monkeypatch.setattr(consumers.AsyncChat, "receive", receive)
    sockets = {"HANDSHAKE": ["tests.support.consumers.give_all"]}
    async with visit("AsyncChat", "/ws/lobby/", sockets=sockets) as client:
        await client.send("user session cookies")
        expected = ["anna, by her token", {"visits": 3}, {"room": "5"}]
        assert await client.receive() == repr(expected)


@pytest.fixture
def users(tables):
    from django.contrib.auth.models import User

    found = {}
    for name in ("anna", "antje", "ben"):
        found[name] = User.objects.create_user(name)
    yield found
    User.objects.all().delete()


async def test_a_close_before_accept_is_a_refusal(visit):
    from sockets.testing import SocketRefused

    with pytest.raises(SocketRefused) as refused:
        async with visit("JsonUsers"):
            pass
    assert refused.value.status == 403


@pytest.mark.parametrize("name", ["AsyncDoor", "SyncDoor"])
@pytest.mark.parametrize("query, opens", [("open", True), ("", False)])
async def test_connect_may_accept_or_deny_by_an_exception(visit, name, query, opens):
    from sockets.testing import SocketRefused

    opened = False
    try:
        async with visit(name, f"/?{query}"):
            opened = True
    except SocketRefused as refused:
        assert refused.status == 403
    assert opened == opens


async def test_a_subprotocol_headers_bytes_and_a_close_code_get_through(visit):
    async with visit("Broadcast", subprotocols=["v1", "v2"]) as client:
        assert client.subprotocol == "v2"
        assert (b"x-version", b"2") in client.accept_headers
        assert (await client.receive()).startswith("channel-")
        await client.send(b"abc")
        assert await client.receive() == b"cba"
        await client.send("enough")
        assert await client.closed() == (4123, "enough")


@pytest.mark.parametrize("name", ["AsyncChat", "SyncChat"])
async def test_an_event_of_the_moment_of_accept_reaches_the_consumer(visit, name):
    """Tests of Channels send one as soon as `connect()` has returned."""
    event = {"type": "chat.message", "message": "welcome"}
    client = visit(name, "/ws/lobby/")
    peer = ApplicationCommunicator(client.application, client._scope())
    await peer.send_input({"type": "websocket.connect"})
    assert (await peer.receive_output(30))["type"] == "websocket.accept"
    await groups.publish_json("chat_lobby", event)
    message = await peer.receive_output(5)
    assert message["text"] == '{"message": "welcome"}'
    await peer.send_input({"type": "websocket.disconnect", "code": 1001})
    await peer.wait(30)


async def test_groups_of_the_class_are_joined_by_both_kinds(visit):
    from sockets.channels import get_channel_layer

    async with (
        visit("Broadcast", subprotocols=["v2"]) as one,
        visit("SyncJson", initkwargs={"kind": "given"}) as two,
    ):
        channel = await one.receive()
        await two.send_json("hello")
        assert await two.receive_json() == ["hello", "given"]
        layer = get_channel_layer()
        event = {"type": "everybody.hears", "what": "all"}
        await layer.group_send("everybody", event)
        assert await one.receive() == "all"
        assert await two.receive_json() == "all"
        await layer.send(channel, event | {"what": "one"})
        assert await one.receive() == "one"
        await two.send_json("bye")
        assert await two.receive_json() == {"users": 0}
        assert await two.closed() == (4123, "")
    assert not groups.members


async def test_a_consumer_leaves_a_group_and_keeps_its_own_channel(
    consumers, visit, monkeypatch
):
    async def receive(self, text_data):
        layer = self.channel_layer
        await layer.group_discard("chat_lobby", self.channel_name)
        await layer.group_discard("chat_lobby", "channel-that-has-ended")
        event = {"type": "chat.message", "message": text_data}
        await layer.group_send("chat_lobby", event)
        await layer.send(self.channel_name, event | {"message": "to me"})

    monkeypatch.setattr(consumers.AsyncChat, "receive", receive)
    async with visit("AsyncChat", "/ws/lobby/") as client:
        await client.send("to all")
        assert await client.receive_json() == {"message": "to me"}


@pytest.mark.parametrize("name", ["AsyncEcho", "SyncEcho"])
async def test_the_base_classes_speak_asgi(visit, name):
    async with visit(name) as client:
        await client.send("hello")
        assert await client.receive() == "hello"


async def test_the_end_is_told_once_and_with_its_code(consumers, visit, monkeypatch):
    told = []

    async def disconnect(self, code):
        told.append(code)
        await self.channel_layer.group_send("chat_lobby", {"type": "chat.left"})

    async def left(self, event):
        await self.send(text_data="somebody left")

    monkeypatch.setattr(consumers.AsyncChat, "disconnect", disconnect)
    monkeypatch.setattr(consumers.AsyncChat, "chat_left", left, raising=False)
    async with visit("AsyncChat", "/ws/lobby/") as stays:
        async with visit("AsyncChat", "/ws/lobby/") as leaves:
            await leaves.leave(4000)
        assert await stays.receive() == "somebody left"
        assert told == [4000]


async def test_what_is_sent_to_a_peer_that_has_left_goes_nowhere(
    consumers, visit, monkeypatch, caplog
):
    """So the others are told all that the consumer tells them after it."""

    async def receive(self, text_data):
        while self._socket.state is State.OPEN:
            await asyncio.sleep(0)
        await self.send(text_data="to nobody")
        await tell(self, "received")

    async def disconnect(self, code):
        await self.send(text_data="good-bye")
        await self.channel_layer.group_add("chat_other", self.channel_name)
        await tell(self, code)

    async def tell(self, message):
        event = {"type": "chat.message", "message": message}
        await self.channel_layer.group_send("chat_lobby", event)

    async with visit("AsyncChat", "/ws/lobby/") as stays:
        with monkeypatch.context() as patch:
            patch.setattr(consumers.AsyncChat, "receive", receive)
            patch.setattr(consumers.AsyncChat, "disconnect", disconnect)
            async with visit("AsyncChat", "/ws/lobby/") as leaves:
                await leaves.send("hello")
                await leaves.leave(4000)
            assert await stays.receive_json() == {"message": "received"}
            assert await stays.receive_json() == {"message": 4000}
    assert not groups.members
    assert not [record for record in caplog.records if record.exc_info]


async def test_a_consumer_that_closes_may_send_in_its_disconnect(
    consumers, visit, monkeypatch, caplog
):
    async def disconnect(self, code):
        told.append(code)
        await self.send(text_data="good-bye")
        await self.close()
        told.append("the rest")

    told = []
    monkeypatch.setattr(consumers.Broadcast, "disconnect", disconnect)
    async with visit("Broadcast", subprotocols=["v2"]) as client:
        await client.receive()
        await client.send("enough")
        assert await client.closed() == (4123, "enough")
    assert told == [4123, "the rest"]
    assert not [record for record in caplog.records if record.exc_info]


async def test_a_consumer_that_sends_for_ever_to_nobody_stops_no_other_task(
    consumers, visit, monkeypatch, caplog
):
    async def receive(self, text_data):
        while True:
            await self.send(text_data="more")

    monkeypatch.setattr(consumers.AsyncChat, "receive", receive)
    sockets = {"CLEANUP_SECONDS": 0.1}
    async with visit("AsyncChat", "/ws/lobby/", sockets=sockets) as client:
        await client.send("begin")
        await client.leave()  # waits for the handler's end
    assert "did not come back to receive()" in caplog.text


async def test_a_handler_that_is_rewritten_and_a_consumer_share_a_group(visit, talk):
    async def room(socket):
        await socket.accept()
        async with events.of(socket, "chat_lobby") as feed:
            async for item in feed:
                if isinstance(item, str):
                    event = {"type": "chat.message", "message": item}
                    await groups.publish_json("chat_lobby", event)
                else:
                    await socket.send(item.value["message"])

    async with (
        visit("AsyncChat", "/ws/lobby/") as consumer,
        talk(room) as handler,
    ):
        await handler.send("by the handler")
        assert await handler.receive() == "by the handler"
        assert await consumer.receive_json() == {"message": "by the handler"}


async def test_a_stranger_who_sends_no_json_fills_no_log(visit, users, caplog):
    async with visit("JsonUsers", user=users["anna"]) as client:
        await client.send("{")
        code, reason = await client.closed()
        assert (code, reason[:13]) == (1007, "expected JSON")
    async with visit("SyncJson") as client:
        await client.send(b"\x00")
        assert await client.closed() == (1003, "expected JSON as text")
    assert not [record for record in caplog.records if record.exc_info]


async def test_an_error_of_a_consumer_is_a_failure_of_its_handler(visit, caplog):
    async with visit("AsyncChat", "/ws/lobby/") as client:
        await client.send_json({"no message": "in it"})
        assert await client.closed() == (1011, "")
    [failure] = [record for record in caplog.records if record.exc_info]
    assert failure.exc_info[0] is KeyError


async def test_a_consumer_that_neither_accepts_nor_closes_is_told(
    consumers, visit, monkeypatch, caplog
):
    from sockets.testing import SocketRefused

    async def connect(self):
        pass

    monkeypatch.setattr(consumers.AsyncChat, "connect", connect)
    with pytest.raises(SocketRefused) as refused:
        async with visit("AsyncChat", "/ws/lobby/"):
            pass
    assert refused.value.status == 500
    assert "returned without accept() or close()" in caplog.text


@pytest.mark.parametrize(
    "group, sockets, status, told",
    [
        ("chat\n", {}, 500, "a group's name has 1 to 100 printable characters"),
        ("chat", {"GROUPS": 1}, 400, "too many groups"),
    ],
)
async def test_a_group_that_cannot_be_joined_is_told_before_accept(
    consumers, visit, monkeypatch, caplog, group, sockets, status, told
):
    from sockets.testing import SocketRefused

    monkeypatch.setattr(consumers.Broadcast, "groups", [group])
    with pytest.raises(SocketRefused) as refused:
        async with visit("Broadcast", sockets=sockets, subprotocols=["v2"]):
            pass
    assert refused.value.status == status
    assert told in caplog.text


async def test_a_message_without_a_type_or_a_method_says_so(consumers, visit, caplog):
    from sockets.channels import InvalidChannelLayerError, get_channel_layer

    layer = get_channel_layer()
    for message in ({}, {"type": "_private"}, {"type": 3}, "text"):
        with pytest.raises(ValueError, match="a message is a dict with a type"):
            await layer.group_send("chat_lobby", message)
    with pytest.raises(InvalidChannelLayerError, match="no consumer of this process"):
        await layer.group_add("chat_lobby", "channel-of-another-process")
    async with visit("AsyncChat", "/ws/lobby/") as client:
        await layer.group_send("chat_lobby", {"type": "chat.unknown"})
        assert await client.closed() == (1011, "")
    assert "AsyncChat has no method for messages of the type" in caplog.text


async def test_a_slow_consumer_ends_with_1013_and_keeps_nothing(
    consumers, visit, monkeypatch, caplog
):
    """Channels drops what is over a channel's capacity, and tells nobody."""
    caplog.set_level(logging.ERROR)
    free = asyncio.Event()

    async def busy(self, event):
        await free.wait()

    monkeypatch.setattr(consumers.AsyncChat, "chat_message", busy)
    async with visit("AsyncChat", "/ws/lobby/") as client:
        from sockets.channels import get_channel_layer

        event = {"type": "chat.message", "message": "x"}
        for _ in range(300):
            await get_channel_layer().group_send("chat_lobby", event)
        code, _ = await client.closed()
        assert code == 1013
        free.set()


async def test_a_consumer_in_a_thread_waits_for_no_peer_that_reads_slowly(
    consumers, visit, monkeypatch
):
    """There are four of these threads, and handshakes wait for one, too."""

    def receive(self, text_data):
        outbox = self._socket.outbox
        send = outbox.send

        async def slowly(event):
            await reads.wait()
            await send(event)

        outbox.send = slowly
        for number in range(3):
            self.send(text_data=str(number))
        self.close(4001, "that was all")
        loop.call_soon_threadsafe(returned.set)

    loop = asyncio.get_running_loop()
    reads, returned = asyncio.Event(), asyncio.Event()
    monkeypatch.setattr(consumers.SyncChat, "receive", receive)
    sockets = {"SEND_SECONDS": 300}
    async with visit("SyncChat", "/ws/lobby/", sockets=sockets) as client:
        await client.send("begin")
        async with asyncio.timeout(30):
            await returned.wait()
        reads.set()
        assert [await client.receive() for _ in range(3)] == ["0", "1", "2"]
        assert await client.closed() == (4001, "that was all")


async def test_a_consumer_in_a_thread_that_sends_too_much_ends_with_1013(
    consumers, visit, monkeypatch
):
    def receive(self, text_data):
        async def never(event):
            await asyncio.Event().wait()

        self._socket.outbox.send = never
        for _ in range(100):
            self.send(text_data="x")

    monkeypatch.setattr(consumers.SyncChat, "receive", receive)
    sockets = {"OUTBOX": 10, "SEND_SECONDS": 300, "LEAVE_SECONDS": 0.1}
    async with visit("SyncChat", "/ws/lobby/", sockets=sockets) as client:
        socket = next(iter(groups.members["chat_lobby"]))
        await client.send("begin")
        async with asyncio.timeout(30):
            while socket.state is State.OPEN:
                await asyncio.sleep(0)
        assert socket.ending.code == 1013
        await client.vanish()


async def test_a_consumer_s_old_connection_to_the_database_is_replaced(
    consumers, application, monkeypatch
):
    """Its queries run in asgiref's one thread, outside of any unit of work."""
    from django.contrib.auth.models import User
    from sockets.dispatch import Dispatch

    def is_closed():
        return connections["default"].connection is None

    def make_it_old():
        connections["default"].close_at = 0

    async def receive(self, text_data):
        closed = await sync_to_async(is_closed)()
        await User.objects.acount()
        await sync_to_async(make_it_old)()
        await self.send(text_data=str(closed))

    monkeypatch.setattr(consumers.AsyncChat, "receive", receive)
    route = re_path(r"^ws/(?P<room_name>\w+)/$", consumers.AsyncChat.as_asgi())
    settings = {"SOCKETS": {"URLCONF": (route,)}, "ALLOWED_HOSTS": ["testserver"]}
    scope = {
        "type": "websocket",
        "path": "/ws/lobby/",
        "headers": [(b"host", b"testserver")],
        "query_string": b"",
        "subprotocols": [],
    }
    with override_settings(**settings):
        peer = ApplicationCommunicator(Dispatch(application), scope)
        await peer.send_input({"type": "websocket.connect"})
        answer = await peer.receive_output(timeout=30)
        assert answer["type"] == "websocket.accept"
        for _ in range(2):
            await peer.send_input({"type": "websocket.receive", "text": "query"})
            answer = await peer.receive_output(timeout=30)
        assert answer["text"] == "True"
        await peer.send_input({"type": "websocket.disconnect", "code": 1001})
        await peer.wait(30)
    await sync_to_async(connections.close_all)()


async def test_a_group_that_is_named_twice_is_joined_once_over_redis(
    consumers, visit, monkeypatch, tmp_path
):
    from sockets.channels import get_channel_layer

    names = ["chat_lobby", "news", "news", "weather"]
    monkeypatch.setattr(consumers.AsyncChat, "groups", names)
    with running_redis(tmp_path) as redis:
        sockets = {"REDIS_URL": redis.url, "PUBLISH_SECONDS": 30}
        async with visit("AsyncChat", "/ws/lobby/", sockets=sockets) as client:
            for name in ("chat_lobby", "news", "weather"):
                event = {"type": "chat.message", "message": name}
                await get_channel_layer().group_send(name, event)
                assert await client.receive_json() == {"message": name}
            await client.leave()
            assert not groups.members
            await groups.hang_up()


@pytest.mark.parametrize("name", ["JsonUsers", "SyncJson"])
async def test_a_route_s_own_json_depth_is_the_consumer_s(consumers, talk, users, name):
    handler = limited(JSON_DEPTH=2)(getattr(consumers, name).as_asgi())
    conf = {"URLCONF": (re_path("^$", handler),)}
    async with talk(handler, "/", conf, user=users["anna"]) as client:
        await client.send('{"starts": [["too deep"]]}')
        code, _ = await client.closed()
        assert code == 1007


@pytest.mark.parametrize("kind", ["chat", "sync"])
def test_the_tutorials_chat_runs_on_a_real_server(site, kind):
    room = f"{site.url.replace('http', 'ws', 1)}/ws/{kind}/lobby/"
    with connect(room) as anna, connect(room) as ben:
        anna.send('{"message": "hello"}')
        for client in (anna, ben):
            assert client.recv(timeout=30) == '{"message": "hello"}'


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The layer with consumers for its routes, in a process of its own."""
    file = tmp_path_factory.mktemp("no_database") / "none.sqlite3"
    urlconf = "tests.support.consumers"
    with socket_site("uvicorn-sansio", file, URLCONF=urlconf) as process:
        yield process
