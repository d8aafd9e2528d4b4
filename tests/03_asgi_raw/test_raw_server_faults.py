"""The article's application under every server: its faults, and how it is stopped."""

import socket
import sys
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed

from tests.support.clients import websocket
from tests.support.servers import SERVERS, running

# The article's loop with ``text`` unguarded; it lets the servers' own probing pass.
ARTICLE = """
async def application(scope, receive, send):
    if scope["type"] != "websocket":
        raise NotImplementedError
    while True:
        event = await receive()
        if event["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
        if event["type"] == "websocket.disconnect":
            break
        if event["type"] == "websocket.receive" and event["text"] == "ping":
            await send({"type": "websocket.send", "text": "pong!"})
"""
WAITS = "it waits for the client"
# Which close code a client sees after a binary frame to ARTICLE, and when the server is
# stopped. Hypercorn's event has text=None: nothing raises, and nothing is answered.
SEEN = {
    "uvicorn-websockets": (1006, 1012),
    "uvicorn-sansio": (1006, 1012),
    "uvicorn-wsproto": (1006, 1012),
    "daphne": (1011, 1006),
    # Since 3.12 closing a listener waits for its connections, and hypercorn with it.
    "hypercorn": (
        "silence",
        1011 if sys.version_info < (3, 12) else WAITS,
    ),
    "granian": (1005, 1006),
    "ours": (1011, 1012),
}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to catch")
@pytest.mark.parametrize("name", SERVERS)
def test_claim_18_a_fault_and_a_stop_look_different_under_each_server(name, tmp_path):
    (tmp_path / "printed.py").write_text(ARTICLE, "utf-8")
    with running(name, "printed:application", str(tmp_path)) as server:
        with websocket(server.url) as client:
            client.send(b"ping")
            try:
                client.send("ping")  # a quick server has closed before it goes out
                assert client.recv(timeout=30) == "pong!"
                fault = "silence"  # the frame before got no answer at all
            except ConnectionClosed:
                fault = client.close_code
        with websocket(server.url) as client:
            client.send("ping")
            assert client.recv(timeout=30) == "pong!"
            server.process.terminate()
            try:
                client.recv(timeout=3 if SEEN[name][1] == WAITS else 30)
            except ConnectionClosed:
                stop = client.close_code
            except TimeoutError:
                stop = WAITS
    assert (fault, stop) == SEEN[name]


def test_claim_19_a_loop_without_break_freezes_uvicorn_s_older_websockets(tmp_path):
    (tmp_path / "printed.py").write_text(ARTICLE.replace("break", "pass"), "utf-8")
    with running("uvicorn-websockets", "printed:application", str(tmp_path)) as server:
        with websocket(server.url) as client:
            client.send("ping")
            assert client.recv(timeout=30) == "pong!"
        # a request or two may come before the handler meets the end of its websocket
        assert not all(answers(server.url) for _ in range(50))
        server.process.kill()  # it does not hear SIGTERM any more


def answers(url):
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), 10) as peer:
        peer.settimeout(2)  # seconds in which a server that lives has long answered
        peer.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try:
            return bool(peer.recv(1))
        except TimeoutError:
            return False
