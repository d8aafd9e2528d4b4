"""The test client: what it says when a handler does not do what the test expects."""

import asyncio
from contextlib import suppress

import pytest
from django.test import override_settings
from sockets.testing import SocketRefused


async def echo(socket):
    await socket.accept()
    async for message in socket:
        await socket.send(message)


async def test_a_failure_lists_all_that_was_said(talk):
    async with talk(echo) as client:
        await client.send("one")
        await client.receive()
        patience, client.seconds = client.seconds, 0.01
        with pytest.raises(AssertionError) as failed:
            await client.receive()
        client.seconds = patience
    said = str(failed.value).splitlines()
    assert said[0] == "/: nothing came within 0.01 s; said so far:"
    assert [line[0] for line in said[1:]] == ["→", "←", "→", "←"]
    assert "'text': 'one'" in said[3] and "'text': 'one'" in said[4]


async def test_a_close_where_a_message_was_expected_is_shown(talk):
    async def handler(socket):
        await socket.accept()
        await socket.close(4001, "not today")

    async with talk(handler) as client:
        with pytest.raises(AssertionError, match="4001, 'reason': 'not today'"):
            await client.receive()


async def test_a_message_where_the_close_was_expected_is_shown(talk):
    async with talk(echo) as client:
        await client.send("hello")
        with pytest.raises(AssertionError, match="hello"):
            await client.closed()


async def test_a_refusal_has_status_and_body(talk):
    from sockets.codes import Refused

    async def handler(socket):
        raise Refused(402, "Pay first.")

    with pytest.raises(SocketRefused, match=r"refused with 402: 'Pay first.\\n'"):
        async with talk(handler):
            pass


async def test_a_handler_that_goes_on_after_the_client_s_goodbye_fails_the_test(talk):
    goes_on = asyncio.Event()

    async def handler(socket):
        await socket.accept()
        while not goes_on.is_set():
            with suppress(asyncio.CancelledError):
                await goes_on.wait()

    with pytest.raises(AssertionError, match=r"has not ended after 0\.01 s"):
        async with talk(handler) as client:
            client.seconds = 0.01
    goes_on.set()


async def test_headers_of_one_s_own_replace_the_usual_ones(talk):
    async def handler(socket):
        await socket.accept()
        headers = socket.request.headers
        await socket.send_json([headers["Origin"], headers["X-Name"]])

    headers = {"ORIGIN": "http://testserver", "x-name": "anna"}
    async with talk(handler, "/?q=1", headers=headers) as client:
        assert await client.receive_json() == ["http://testserver", "anna"]


@pytest.mark.parametrize(
    "headers",
    [
        [(b"cookie", b"room=5")],
        [("cookie", "room=5")],
        {b"cookie": b"room=5"},
        {"cookie": b"room=5"},
    ],
)
async def test_headers_that_are_no_texts_by_name_are_refused_with_an_example(
    talk, headers
):
    with pytest.raises(TypeError, match=r'headers=\{"cookie": "room=5"\}, and not '):
        talk(echo, headers=headers)


async def test_a_user_s_session_stands_beside_the_cookies_of_the_test(talk, tables):
    from django.contrib.auth.models import User

    async def handler(socket):
        await socket.accept()
        await socket.send_json([socket.user.username, socket.request.COOKIES["room"]])

    anna = await User.objects.acreate(username="anna")
    try:
        async with talk(handler, user=anna, headers={"Cookie": "room=5"}) as client:
            assert await client.receive_json() == ["anna", "5"]
    finally:
        await anna.adelete()


async def test_a_silence_is_seen_and_a_message_in_it_is_shown(talk):
    async with talk(echo) as client:
        await client.receive_nothing(0.01)
        await client.send("hello")
        with pytest.raises(
            AssertionError, match="expected nothing for 30 s, got"
        ) as it:
            await client.receive_nothing(30)
        assert "'text': 'hello'" in str(it.value)


async def test_after_the_handler_s_end_there_is_silence(talk):
    async def handler(socket):
        await socket.accept()

    async with talk(handler) as client:
        with pytest.raises(AssertionError, match=r"websocket\.close"):
            await client.receive_nothing(30)
        await client.receive_nothing(30)
        with pytest.raises(AssertionError, match="got the handler's end"):
            await client.receive()


async def about(socket):
    """Tell what Django makes of the handshake."""
    await socket.accept()
    request = socket.request
    origin = request.headers["Origin"]
    address = request.META["REMOTE_ADDR"]
    await socket.send_json([request.get_host(), origin, request.is_secure(), address])


async def test_a_client_comes_to_another_host_of_the_site(talk):
    client = talk(about, host="shop.example.org")
    with override_settings(ALLOWED_HOSTS=[".example.org"]):
        async with client:
            here = ["shop.example.org", "http://shop.example.org", False, "127.0.0.1"]
            assert await client.receive_json() == here


async def test_keys_of_the_scope_replace_the_client_s_own(talk):
    scope = {"scheme": "wss", "client": ("203.0.113.7", 1)}
    async with talk(about, scope=scope) as client:
        here = ["testserver", "https://testserver", True, "203.0.113.7"]
        assert await client.receive_json() == here


async def test_a_peer_that_vanishes_is_gone_without_a_goodbye(talk):
    ended = []

    async def handler(socket):
        await socket.accept()
        async for _ in socket:
            await tells.wait()
            await socket.send("nobody hears this")
        ended.append(socket.ending.code)

    tells = asyncio.Event()
    async with talk(handler) as client:
        await client.send("hello")
        gone = asyncio.create_task(client.vanish())
        await asyncio.sleep(0)  # it has begun
        tells.set()
        await gone
        await client.receive_nothing(30)
    assert ended == [1006]


async def test_the_failure_of_the_test_itself_is_the_one_that_is_seen(talk):
    with pytest.raises(ZeroDivisionError):
        async with talk(echo):
            raise ZeroDivisionError
