"""Rights that end in the middle of a websocket: a token's time, a permission."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.core import signing
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from sockets.codes import HandlerError
from sockets.steps import expiry
from sockets.steps.expiry import expire_at
from sockets.testing import SocketRefused

from tests.support.readmes import python_of

EXPIRED = (4401, "the token has expired")


@pytest.mark.parametrize(
    "soon",
    [
        lambda: time.time() + 0.01,
        lambda: datetime.now(UTC) + timedelta(seconds=0.01),
        lambda: time.time() - 1,
    ],
    ids=["seconds", "datetime", "over"],
)
async def test_a_websocket_is_closed_when_its_token_ends(talk, soon):
    async def handler(socket):
        await socket.accept()
        expire_at(socket, soon())
        await socket.receive()

    async with talk(handler) as client:
        assert await client.closed() == EXPIRED
    assert not expiry._timers


async def test_a_new_token_takes_the_place_of_the_old_one(talk):
    async def handler(socket):
        await socket.accept()
        expire_at(socket, time.time() + 3_600)
        old = expiry._timers[socket]
        expire_at(socket, time.time() + 7_200)
        await socket.send_json(old.cancelled())
        await socket.receive()
        expire_at(socket, time.time())
        await socket.receive()

    async with talk(handler) as client:
        assert await client.receive_json() is True
        await client.send("the last one")
        assert await client.closed() == EXPIRED


async def test_before_accept_a_token_that_has_ended_is_answered_with_401(talk):
    async def late(socket):
        expire_at(socket, time.time() - 1)

    async def slow(socket):
        expire_at(socket, time.time() + 0.01)
        await asyncio.Event().wait()

    for handler in (late, slow):
        with pytest.raises(SocketRefused, match="401: 'the token has expired"):
            await talk(handler).__aenter__()
    assert not expiry._timers


async def test_a_time_without_a_zone_is_a_sentence(talk):
    async def handler(socket):
        with pytest.raises(HandlerError, match="or at a time with a zone"):
            expire_at(socket, datetime(2026, 1, 1))
        await socket.accept()

    async with talk(handler) as client:
        assert await client.closed() == (1000, "")


# Permissions


@pytest.fixture
async def anna(tables):
    from django.contrib.auth.models import User

    anna = await User.objects.acreate(username="anna")
    yield anna
    await User.objects.all().adelete()


@pytest.fixture
async def may_delete(anna):
    from django.contrib.auth.models import Permission

    return await Permission.objects.aget(codename="delete_message")


async def asks(socket):
    """Answer each message with what the handshake's user and the database say."""
    from sockets.steps.permissions import fresh_user, has_perm

    await socket.accept()
    async for permission in socket:
        old = await socket.user.ahas_perm(permission)
        user = await fresh_user(socket)
        name = user and user.first_name
        await socket.send_json([old, await has_perm(socket, permission), name])


async def test_a_permission_is_what_it_is_now(talk, anna, may_delete):
    async with talk(asks, user=anna) as client:

        async def answer():
            await client.send("chat.delete_message")
            return await client.receive_json()

        assert await answer() == [False, False, ""]
        await anna.user_permissions.aadd(may_delete)
        anna.first_name = "Anna"
        await anna.asave()
        assert await answer() == [False, True, "Anna"]
        await anna.user_permissions.aclear()
        assert await answer() == [False, False, "Anna"]


async def test_who_has_logged_out_or_is_not_active_has_no_permission(talk, anna):
    from django.contrib.sessions.models import Session

    anna.is_superuser = True
    await anna.asave()
    sockets = {"RECHECK_SECONDS": 3_600}
    async with talk(asks, user=anna, sockets=sockets) as client:
        await client.send("chat.delete_message")
        assert await client.receive_json() == [True, True, ""]
        await Session.objects.all().adelete()
        await client.send("chat.delete_message")
        assert await client.receive_json() == [True, False, None]
    async with talk(asks, user=anna, sockets=sockets) as client:
        anna.is_active = False
        await anna.asave()
        await client.send("chat.delete_message")
        assert await client.receive_json() == [True, False, None]


async def test_a_lazy_user_of_django_s_middleware_has_its_permissions(
    talk, anna, may_delete
):
    """A step may say ``socket.user = request.user``."""
    from sockets.steps import permissions

    async def handler(socket):
        await socket.accept()
        user = socket.user
        socket.user = SimpleLazyObject(lambda: user)
        may = await permissions.has_perm(socket, "chat.delete_message")
        await socket.send_json(may)

    await anna.user_permissions.aadd(may_delete)
    async with talk(handler, user=anna) as client:
        assert await client.receive_json() is True


async def test_a_guest_has_no_permission(talk, tables):
    async def handler(socket):
        from sockets.steps.permissions import fresh_user, has_perm

        await socket.accept()
        assert await fresh_user(socket) is socket.user
        await socket.send_json(await has_perm(socket, "chat.delete_message"))

    async with talk(handler) as client:
        assert await client.receive_json() is False


# What the reference shows


def names_of(word):
    """What the one snippet of the section that has ``word`` defines."""
    blocks = python_of("04_django_wrapper", "When rights end")
    [program] = [block for block in blocks if word in block]
    names = {"__name__": "snippet"}
    exec(program, names)
    return names


async def test_the_reference_s_step_reads_a_token(talk):
    step = names_of("signing")["token"]

    async def handler(socket):
        await step(socket)
        await socket.accept()
        await socket.send_json(socket.data["scopes"])
        await socket.receive()

    def visitor(seconds):
        exp = timezone.now().timestamp() + seconds
        token = signing.dumps({"scopes": ["read"], "exp": exp})
        return talk(handler, headers={"authorization": token})

    async with visitor(2) as client:
        assert await client.receive_json() == ["read"]
        assert await client.closed() == EXPIRED
    for refused in (visitor(-1), talk(handler)):
        with pytest.raises(SocketRefused, match="401"):
            await refused.__aenter__()


async def test_the_reference_s_moderator_loses_the_right_at_once(
    talk, anna, may_delete
):
    moderate = names_of("has_perm")["moderate"]
    await anna.user_permissions.aadd(may_delete)
    async with talk(moderate, user=anna) as client:
        await client.send("7")
        assert await client.receive() == "7 is deleted"
        await anna.user_permissions.aclear()
        await client.send("8")
        assert await client.closed() == (1008, "You may not do this.")
