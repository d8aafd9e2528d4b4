"""What the article says about ASGI, and what really happens; by number."""

import asyncio
import inspect
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from asgiref.testing import ApplicationCommunicator
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.support.clients import end_of, fetch, websocket
from tests.support.processes import ROOT, server_process
from tests.support.stages import stage_app
from workshop.pages.serving import serving

IMPLEMENTATIONS = ["websockets", "websockets-sansio", "wsproto"]


def ws(url):
    return connect(url.replace("http", "ws", 1) + "/")


async def article(scope, receive, send):
    """What the article means by its loop, with ``text`` unguarded as it has it."""
    if scope["type"] != "websocket":
        raise NotImplementedError(f"Unknown scope type {scope['type']}")
    while True:
        event = await receive()
        if event["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
        if event["type"] == "websocket.disconnect":
            break
        if event["type"] == "websocket.receive" and event["text"] == "ping":
            await send({"type": "websocket.send", "text": "pong!"})


async def test_claim_12_both_sides_speak_unasked_on_one_tcp_connection(
    application, monkeypatch
):
    monkeypatch.setattr(stage_app("03_asgi_raw"), "TICK", 0.02)
    async with serving(application) as url, ws(url) as client:
        for word in ("clock", "ping", "ping"):  # the client waits for no answer
            await client.send(word)
        async with asyncio.timeout(30):
            heard = [await client.recv() for _ in range(8)]
        port = int(url.rpartition(":")[2])
        held = [
            connection
            for connection in psutil.Process().net_connections("tcp")
            if connection.laddr.port == port and connection.status == "ESTABLISHED"
        ]
    assert heard.count("pong!") == 2
    assert sum(text.startswith("It is ") for text in heard) == 6  # asked for once
    assert len(held) == 1


async def test_claim_14_an_application_is_made_once_and_called_per_connection():
    calls = []

    class Application:
        made = 0

        def __init__(self):
            Application.made += 1

        async def __call__(self, scope, receive, send):
            calls.append(scope["type"])
            await article(scope, receive, send)

    async with serving(Application(), lifespan="off") as url:
        for _ in range(2):
            async with ws(url) as client:
                for _ in range(3):
                    await client.send("ping")
                    assert await client.recv() == "pong!"
    assert Application.made == 1
    assert calls == ["websocket", "websocket"]


def test_claim_17_a_server_that_insists_on_lifespan_refuses_the_article(tmp_path):
    Path(tmp_path, "printed.py").write_text(inspect.getsource(article), "utf-8")
    command = ["-m", "uvicorn", "printed:article", "--port=0", "--lifespan=on"]
    ended = subprocess.run(
        [sys.executable, *command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 3
    assert "NotImplementedError: Unknown scope type lifespan" in ended.stderr
    assert "Application startup failed. Exiting." in ended.stderr


def test_claim_17_a_server_that_insists_on_lifespan_starts_ours():
    command = ["-m", "uvicorn", "--app-dir", "03_asgi_raw", "app:application"]
    with server_process([*command, "--port=0", "--lifespan=on"]) as server:
        assert fetch(server.url).status == 200


@pytest.mark.filterwarnings(  # of "websockets", the oldest of the three
    "ignore:websockets.legacy is deprecated:DeprecationWarning",
    "ignore:remove second argument of ws_handler:DeprecationWarning",
    "ignore:The `websockets` implementation is deprecated",
)
@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
async def test_claim_18_a_binary_frame_breaks_the_article_and_ends_with_1006(
    implementation, capsys
):
    async with (
        serving(article, ws=implementation, lifespan="off") as url,
        ws(url) as client,
    ):
        await client.send(b"ping")
        with pytest.raises(ConnectionClosed):
            await client.recv()
        assert client.close_code == 1006
    assert "KeyError: 'text'" in capsys.readouterr().err


async def test_claim_18_a_binary_frame_gets_an_answer_from_ours(application, capsys):
    async with serving(application, lifespan="off") as url, ws(url) as client:
        await client.send(b"ping")
        assert await client.recv() == "4 bytes, but no text. Send the text ping."
        await client.send("ping")
        assert await client.recv() == "pong!"
    assert client.close_code == 1000
    assert capsys.readouterr().err == ""


async def test_claim_19_a_loop_without_break_asks_for_more_after_the_end():
    asked_again = asyncio.Event()

    async def handler(scope, receive, send):
        while True:
            event = await receive()
            if event["type"] == "websocket.disconnect":
                asked_again.set()  # and no break, as printed

    peer = ApplicationCommunicator(handler, {"type": "websocket"})
    await peer.send_input({"type": "websocket.disconnect", "code": 1000})
    async with asyncio.timeout(30):
        await asked_again.wait()
    assert not peer.future.done()
    peer.stop()


async def test_claim_19_a_raise_outside_its_else_follows_every_good_websocket():
    async def wrapper(scope, receive, send):
        if scope["type"] == "websocket":
            await article(scope, receive, send)
            raise NotImplementedError(f"Unknown scope type {scope['type']}")

    peer = ApplicationCommunicator(wrapper, {"type": "websocket"})
    await peer.send_input({"type": "websocket.disconnect", "code": 1000})
    with pytest.raises(NotImplementedError, match="websocket"):
        await end_of(peer)


async def test_claim_19_what_the_article_means_holds_line_by_line(application):
    async with serving(application, lifespan="off") as url:
        async with ws(url) as client:  # websocket.connect → websocket.accept
            await client.send("ping")  # websocket.receive → websocket.send
            assert await client.recv() == "pong!"
        assert client.close_code == 1000  # websocket.disconnect → break
        page = await asyncio.to_thread(fetch, url)  # http → the page
        assert page.status == 200
    peer = ApplicationCommunicator(application, {"type": "else"})
    with pytest.raises(NotImplementedError, match="Unknown scope type 'else'"):
        await end_of(peer)


def test_claim_20_a_uvicorn_without_a_websocket_library_refuses_the_upgrade():
    # None in sys.modules: importing the name fails as if it were not installed
    bare = (
        "import sys; sys.modules.update(websockets=None, wsproto=None); "
        "sys.argv[0] = 'uvicorn'; import uvicorn; uvicorn.main()"
    )
    command = ["--app-dir", "03_asgi_raw", "app:application", "--port", "0"]
    with server_process(["-c", bare, *command]) as server:
        assert fetch(server.url).status == 200  # http works all the same
        with pytest.raises(InvalidStatus) as refusal:
            websocket(server.url)
        assert refusal.value.response.status_code == 200  # the page, not a socket
    assert "Unsupported upgrade request." in server.log
    assert "No supported WebSocket library detected." in server.log


def test_claim_22_the_page_takes_scheme_and_host_from_its_own_address():
    page = (ROOT / "03_asgi_raw" / "page.html").read_text("utf-8")
    script = (ROOT / "workshop" / "static" / "console.js").read_text("utf-8")
    assert 'location.protocol === "https:" ? "wss:" : "ws:"' in script
    assert "location.host" in script
    assert "ws://" not in page + script
