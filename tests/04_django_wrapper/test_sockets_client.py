"""The test client: what it says when a handler does not do what the test expects."""

import asyncio
from contextlib import suppress

import pytest
from sockets.testing import SocketRefused


async def echo(socket):
    await socket.accept()
    async for message in socket:
        await socket.send(message)


async def test_a_failure_lists_all_that_was_said(talk):
    with pytest.raises(AssertionError) as failed:
        async with talk(echo) as client:
            await client.send("one")
            await client.receive()
            client.seconds = 0.01
            await client.receive()
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


async def test_the_failure_of_the_test_itself_is_the_one_that_is_seen(talk):
    with pytest.raises(ZeroDivisionError):
        async with talk(echo):
            raise ZeroDivisionError
