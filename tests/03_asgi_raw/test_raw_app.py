"""The bare application, with no server at all: dictionaries in, dictionaries out."""

import asyncio
import re

import pytest
from asgiref.testing import ApplicationCommunicator
from conversation import Conversation
from starlette.testclient import TestClient

from tests.support import fake_clock
from tests.support.clients import end_of

WEBSOCKET = {"type": "websocket", "path": "/"}
CONNECT = {"type": "websocket.connect"}
DISCONNECT = {"type": "websocket.disconnect", "code": 1001}


async def answer_to(application, message):
    async with Conversation(application) as talk:
        await talk.accepted()
        await talk.send(message)
        return await talk.text()


async def test_a_ping_is_answered_with_pong(application):
    assert await answer_to(application, "ping") == "pong!"


async def test_another_text_is_answered_with_advice(application):
    said = await answer_to(application, "PING")
    assert said == "A text of length 4 that is not ping. Send ping, get pong!"


async def test_an_empty_text_is_a_text(application):
    assert "A text of length 0" in await answer_to(application, "")


async def test_a_binary_frame_is_told_that_it_is_not_text(application):
    said = await answer_to(application, b"ping")
    assert said == "4 bytes, but no text. Send the text ping."


async def test_an_empty_binary_frame_is_not_an_empty_text(application):
    assert "0 bytes" in await answer_to(application, b"")


async def test_a_text_of_none_beside_the_bytes_is_no_text_either(application):
    peer = ApplicationCommunicator(application, dict(WEBSOCKET))
    await peer.send_input(CONNECT)
    assert (await peer.receive_output(timeout=30))["type"] == "websocket.accept"
    await peer.send_input({"type": "websocket.receive", "bytes": b"1", "text": None})
    assert (await peer.receive_output(timeout=30))["text"].startswith(
        "1 bytes, but no text."
    )
    await peer.send_input(DISCONNECT)
    await end_of(peer)


async def test_two_messages_get_two_answers_in_their_order(application):
    async with Conversation(application) as talk:
        await talk.accepted()
        await talk.send("ping")
        await talk.send(b"1")
        assert await talk.text() == "pong!"
        assert (await talk.text()).startswith("1 bytes")


def test_the_clock_speaks_every_second_while_pings_are_answered(application):
    async def program():
        now = asyncio.get_running_loop().time
        heard = []
        async with Conversation(application, deadline=5) as talk:
            await talk.accepted()
            for message in ("clock", "clock", "ping"):  # a second clock is no other one
                await talk.send(message)
            while len(heard) < 4:
                text = await talk.text()
                heard.append((now(), text))
        return heard

    heard = fake_clock.run(program())
    assert sorted(at for at, _ in heard) == [0, 0, 1, 2]
    assert [text for _, text in heard].count("pong!") == 1
    ticks = [text for _, text in heard if text != "pong!"]
    assert all(re.fullmatch(r"It is \d\d:\d\d:\d\d\.", text) for text in ticks)


async def test_nobody_hears_the_clock_who_has_not_asked_for_it(application):
    async with Conversation(application) as talk:
        await talk.accepted()
        await talk.send("ping")
        assert await talk.text() == "pong!"
        assert len(asyncio.all_tasks()) == 3  # the test, the handler, its clock
    assert len(asyncio.all_tasks()) == 1
    assert [line for line in talk.said if "It is" in line] == []


async def test_the_clock_ends_with_its_connection(application):
    async with Conversation(application) as talk:
        await talk.accepted()
        await talk.send("clock")
        assert (await talk.text()).startswith("It is")
        await talk.disconnect(1001)
        await talk.ended()
        assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_clock_that_nobody_can_hear_ends_the_handler(application):
    asked = [CONNECT, {"type": "websocket.receive", "text": "clock"}]

    async def receive_next():
        if asked:
            return asked.pop(0)
        await asyncio.Event().wait()  # the server has not noticed yet

    async def send(event):
        if event["type"] == "websocket.send":
            raise ConnectionResetError("the peer has left")

    async with asyncio.timeout(30):
        await application(dict(WEBSOCKET), receive_next, send)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_peer_that_leaves_after_the_handshake_ends_the_handler(application):
    async with Conversation(application) as talk:
        await talk.accepted()
        await talk.disconnect(1001)
        await talk.ended()
    assert talk.said[-1].startswith("→ websocket.disconnect")


async def test_a_peer_that_leaves_before_the_handshake_ends_the_handler(application):
    peer = ApplicationCommunicator(application, dict(WEBSOCKET))
    await peer.send_input(DISCONNECT)
    await end_of(peer)
    assert await peer.receive_nothing()


@pytest.mark.parametrize("last", ["websocket.accept", "websocket.send"])
async def test_a_peer_that_leaves_during_a_reply_ends_the_handler(application, last):
    events = iter([CONNECT, {"type": "websocket.receive", "text": "ping"}])
    sent = []

    async def receive_next():
        return next(events)

    async def send(event):
        sent.append(event["type"])
        if event["type"] == last:
            raise ConnectionResetError("the peer has left")

    await application(dict(WEBSOCKET), receive_next, send)
    assert sent[-1] == last


async def test_the_start_and_the_end_of_the_server_are_answered(application):
    server = ApplicationCommunicator(application, {"type": "lifespan"})
    await server.send_input({"type": "lifespan.startup"})
    assert await server.receive_output(timeout=30) == {
        "type": "lifespan.startup.complete"
    }
    assert await server.receive_nothing()
    await server.send_input({"type": "lifespan.shutdown"})
    assert await server.receive_output(timeout=30) == {
        "type": "lifespan.shutdown.complete"
    }
    await end_of(server)


async def test_an_unknown_kind_of_conversation_is_refused_by_name(application):
    peer = ApplicationCommunicator(application, {"type": "telegraph"})
    with pytest.raises(NotImplementedError, match="telegraph"):
        await end_of(peer)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html"),
        ("/static/style.css", "text/css"),
        ("/static/palette.css", "text/css"),
        ("/static/console.js", "text/javascript"),
    ],
)
def test_a_file_of_the_page_comes_with_its_type(application, path, kind):
    response = TestClient(application).get(path)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith(kind)
    assert int(response.headers["content-length"]) == len(response.content) > 100


@pytest.mark.parametrize("path", ["/nothing", "/static/", "/static/../app.py"])
def test_any_other_path_is_not_found(application, path):
    assert TestClient(application).get(path).status_code == 404


def test_any_other_method_is_refused_with_what_is_allowed(application):
    response = TestClient(application).post("/")
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, HEAD"
    assert TestClient(application).head("/").status_code == 200
