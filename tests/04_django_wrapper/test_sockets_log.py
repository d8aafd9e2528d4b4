"""The log's two lines for each websocket: who, where, how long; and no contents."""

import asyncio
import json
import logging

import pytest
from sockets.codes import Refused
from sockets.groups import groups
from sockets.testing import SocketRefused


@pytest.fixture
def lines(caplog):
    """``lines()``: what the logger for connections has said."""
    caplog.set_level(logging.INFO, "sockets.connections")
    return lambda: [r for r in caplog.records if r.name == "sockets.connections"]


@pytest.fixture
def anna(tables):
    from django.contrib.auth.models import User

    anna = User.objects.create_user("anna")
    yield anna
    anna.delete()


async def echo(socket):
    await socket.accept()
    async for message in socket:
        await socket.send(message)
        await socket.send(message)


async def test_a_guest_s_visit_is_two_lines(talk, lines):
    async with talk(echo, "/ws/rooms/lobby/") as client:
        await client.send("hello")
        await client.receive()
        await client.receive()
    opened, closed = (line.getMessage() for line in lines())
    who = "path='/ws/rooms/lobby/' user=None address='127.0.0.1'"
    assert opened == f"opened {who}"
    said = f"closed {who} code=1001 seconds={lines()[1].seconds} received=1 sent=2"
    assert closed == said


async def test_the_seconds_count_from_accept(talk, lines):
    from sockets.steps.live import opened  # now, since the apps are loaded

    async def since_an_hour(socket):
        await socket.accept()
        opened[socket] -= 3600

    async with talk(since_an_hour):
        pass
    assert 3600 <= lines()[1].seconds < 3660


async def test_a_user_is_a_number(talk, lines, anna):
    async with talk(echo, user=anna):
        pass
    assert [line.user for line in lines()] == [anna.pk, anna.pk]
    assert f" user={anna.pk} " in lines()[0].getMessage()


async def test_a_key_that_is_no_number_is_text(talk, lines):
    class User:
        pk = b"\x1b"

    async def handler(socket):
        socket.user = User()
        await socket.accept()

    async with talk(handler):
        pass
    assert " user=\"b'\\\\x1b'\" " in lines()[0].getMessage()


async def test_a_formatter_for_json_finds_the_values_as_fields(talk, lines):
    async with talk(echo, "/ws/é/"):
        pass
    standard = {*vars(logging.makeLogRecord({})), "message", "asctime"}
    opened, closed = (
        {name: value for name, value in vars(line).items() if name not in standard}
        for line in lines()
    )
    assert json.dumps(closed)
    assert opened == {"path": "/ws/é/", "user": None, "address": "127.0.0.1"}
    del closed["seconds"]
    assert closed == {**opened, "code": 1001, "received": 0, "sent": 0}


@pytest.mark.parametrize(
    "path", ["/\r\n2026 ERROR forged", "/\x1b[2J\x9b\x00", "/\u202e\ud800", "/'\" x=y"]
)
async def test_what_a_stranger_chooses_stays_one_printable_line(talk, lines, path):
    client = talk(echo, "/")
    scope = client._scope() | {"path": path, "client": (path, 1)}
    client._scope = lambda: scope
    async with client:
        pass
    for line in lines():
        assert line.getMessage().isprintable()


async def test_a_long_path_is_cut(talk, lines):
    async with talk(echo, f"/{'x' * 5000}"):
        pass
    assert len(lines()[0].getMessage()) < 300
    assert lines()[0].path == f"/{'x' * 199}…"


async def test_no_query_cookie_or_message_is_in_a_line(talk, lines, anna):
    async with talk(echo, "/ws/?token=secret-1", user=anna) as client:
        await client.send("secret-2")
        await client.receive()
        key = client.headers["cookie"].partition("=")[2]
    for line in lines():
        assert not any(secret in str(vars(line)) for secret in ("secret", "token", key))


@pytest.mark.parametrize(
    ("ending", "code"),
    [("return", 1000), ("close", 4001), ("raise", 1011), ("group", 4401)],
)
async def test_the_code_is_the_one_that_was_said(talk, lines, ending, code):
    async def handler(socket):
        await socket.accept()
        if ending == "close":
            await socket.close(4001)
        if ending == "raise":
            raise ValueError
        if ending == "group":
            async with groups.join("room", socket):
                await groups.close("room", 4401)
                await socket.receive()

    async with talk(handler) as client:
        assert (await client.closed())[0] == code
    assert [getattr(line, "code", None) for line in lines()] == [None, code]


async def test_the_code_is_the_peer_s_if_it_came_first(talk, lines):
    async with talk(echo) as client:
        await client.leave(4321)
    assert lines()[1].code == 4321


async def test_a_websocket_whose_task_was_cancelled_ends_with_1006(talk, lines):
    async with talk(echo) as client:
        await client.send("hello")
        await client.receive()
        client._task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await client._task
        client._task = asyncio.create_task(
            asyncio.sleep(0)
        )  # that one may be waited for
    assert lines()[1].code == 1006


async def test_a_refusal_has_its_warning_and_no_second_line(talk, lines, caplog):
    async def handler(socket):
        raise Refused(409, "The room is full.")

    with pytest.raises(SocketRefused):
        async with talk(handler):
            pass
    assert not lines()
    assert len(caplog.records) == 1


async def test_where_nobody_wants_them_there_are_no_lines(talk, caplog):
    caplog.set_level(logging.WARNING, "sockets.connections")
    async with talk(echo):
        pass
    assert not caplog.records
