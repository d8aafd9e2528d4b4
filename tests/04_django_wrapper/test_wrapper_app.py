"""The wrapper in this process: Django for http, a coroutine for websockets."""

import pytest
from asgiref.testing import ApplicationCommunicator
from starlette.testclient import TestClient
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.support.clients import end_of
from workshop.pages.serving import serving

WEBSOCKET = {"type": "websocket", "path": "/"}
CONNECT = {"type": "websocket.connect"}
DISCONNECT = {"type": "websocket.disconnect", "code": 1001}


@pytest.fixture
def browser(application):
    return TestClient(application, base_url="http://localhost")


async def test_claim_17_the_start_and_the_end_of_the_server_are_answered(application):
    server = ApplicationCommunicator(application, {"type": "lifespan"})
    await server.send_input({"type": "lifespan.startup"})
    assert await server.receive_output(timeout=30) == {
        "type": "lifespan.startup.complete"
    }
    await server.send_input({"type": "lifespan.shutdown"})
    assert await server.receive_output(timeout=30) == {
        "type": "lifespan.shutdown.complete"
    }
    await end_of(server)


async def test_claim_17_any_other_kind_is_refused_by_name(application):
    peer = ApplicationCommunicator(application, {"type": "telegraph"})
    with pytest.raises(NotImplementedError, match="telegraph"):
        await end_of(peer)


@pytest.mark.parametrize(
    ("content", "answer"),
    [
        ({"text": "ping"}, "pong!"),
        ({"text": ""}, "A text of length 0 that is not ping. Send ping, get pong!"),
        ({"text": "x"}, "A text of length 1 that is not ping. Send ping, get pong!"),
        ({"bytes": b"ping"}, "4 bytes, but no text. Send the text ping."),
        ({"bytes": b"", "text": None}, "0 bytes, but no text. Send the text ping."),
    ],
)
async def test_claim_18_a_message_of_any_kind_gets_an_answer(
    application, content, answer
):
    peer = ApplicationCommunicator(application, dict(WEBSOCKET))
    await peer.send_input(CONNECT)
    assert (await peer.receive_output(timeout=30))["type"] == "websocket.accept"
    await peer.send_input({"type": "websocket.receive", **content})
    assert (await peer.receive_output(timeout=30))["text"] == answer
    await peer.send_input(DISCONNECT)
    await end_of(peer)


@pytest.mark.parametrize("last", ["websocket.accept", "websocket.send"])
async def test_a_peer_that_leaves_during_a_reply_ends_the_socket(application, last):
    events = iter([CONNECT, {"type": "websocket.receive", "text": "ping"}])
    sent = []

    async def receive():
        return next(events)

    async def send(event):
        sent.append(event["type"])
        if event["type"] == last:
            raise ConnectionResetError("the peer has left")

    await application(dict(WEBSOCKET), receive, send)
    assert sent[-1] == last


async def test_claim_19_what_the_article_means_holds_line_by_line(application):
    async with (
        serving(application, lifespan="off") as url,
        connect(url.replace("http", "ws") + "/") as client,
    ):
        await client.send("ping")
        assert await client.recv() == "pong!"
    assert client.close_code == 1000


def test_the_page_is_django_s_and_has_the_console(browser):
    page = browser.get("/")
    assert page.status_code == 200
    assert page.headers["x-frame-options"] == "DENY"  # it came through the middleware
    assert '<script src="/static/console.js" type="module">' in page.text
    assert "set-cookie" not in page.headers


def test_claim_22_the_page_takes_scheme_and_host_from_its_own_address(browser):
    page, script = browser.get("/").text, browser.get("/static/console.js").text
    assert 'location.protocol === "https:" ? "wss:" : "ws:"' in script
    assert "location.host" in script
    assert "ws://" not in page + script


def test_the_style_of_the_page_is_served_in_development(browser):
    assert browser.get("/static/style.css").headers["content-type"] == "text/css"


def test_an_unknown_page_is_not_found(browser):
    assert browser.get("/nothing").status_code == 404


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
async def test_claim_23_a_page_of_any_origin_is_let_in_by_the_small_wrapper(
    application, origin
):
    async with (
        serving(application, lifespan="off") as url,
        connect(url.replace("http", "ws") + "/", origin=origin) as client,
    ):
        await client.send("ping")
        assert await client.recv() == "pong!"


async def test_claim_23_a_page_of_another_origin_is_refused_by_the_layer(application):
    async with serving(application, lifespan="off") as url:
        address = url.replace("http", "ws") + "/ws/ping/"
        async with connect(address, origin=url) as client:
            await client.send("ping")
            assert await client.recv() == "pong!"
        for origin in ("https://evil.example", "null"):
            with pytest.raises(InvalidStatus, match="HTTP 403"):
                await connect(address, origin=origin)


async def test_claim_18_the_layer_gives_a_handler_text_as_str_and_binary_as_bytes(
    application,
):
    async with serving(application, lifespan="off") as url:
        async with connect(url.replace("http", "ws") + "/ws/ping/") as client:
            for message, answer in [("ping", "pong!"), (b"ping", "4 of bytes. ")]:
                await client.send(message)
                assert (await client.recv()).startswith(answer)


async def test_claim_17_dispatch_answers_lifespan_and_refuses_other_kinds(application):
    from sockets.dispatch import Dispatch

    server = ApplicationCommunicator(Dispatch(application), {"type": "lifespan"})
    for part in ("startup", "shutdown"):
        await server.send_input({"type": f"lifespan.{part}"})
        answer = await server.receive_output(timeout=30)
        assert answer == {"type": f"lifespan.{part}.complete"}
    await end_of(server)
    peer = ApplicationCommunicator(Dispatch(application), {"type": "telegraph"})
    with pytest.raises(NotImplementedError, match="telegraph"):
        await end_of(peer)
