"""The bare application under every server, as a process of its own."""

import contextlib
import signal
import socket
import struct
import sys
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed

from tests.support.clients import fetch, websocket
from tests.support.processes import ROOT, server_process
from tests.support.servers import SERVERS, running

WEBSOCKETS = ["websockets", "websockets-sansio", "wsproto"]
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@pytest.fixture(scope="module", params=SERVERS)
def server(request):
    with running(request.param, "app:application", "03_asgi_raw") as process:
        yield process


def test_claim_13_a_server_shows_the_page_of_the_same_application(server):
    page = fetch(server.url)
    assert page.status == 200
    assert page.headers["content-type"] == "text/html"
    assert "A websocket, with nothing in between" in page.body


def test_claim_13_a_server_turns_its_frames_into_the_same_events(server):
    with websocket(server.url) as client:
        client.send("ping")
        assert client.recv(timeout=30) == "pong!"
        client.send("")
        assert "A text of length 0" in client.recv(timeout=30)
        client.send(b"ping")
        assert client.recv(timeout=30) == "4 bytes, but no text. Send the text ping."
    assert client.close_code == 1000


def test_claim_12_a_server_lets_the_clock_speak_while_a_ping_is_answered(server):
    with websocket(server.url) as client:
        client.send("clock")
        client.send("ping")
        heard = sorted(client.recv(timeout=30) for _ in range(2))
        assert heard[0].startswith("It is ") and heard[1] == "pong!"
    assert client.close_code == 1000
    assert "Traceback" not in server.log


def test_a_server_asks_for_no_body_and_no_other_method(server):
    assert fetch(server.url, "HEAD").body == ""
    assert fetch(server.url, "POST").status == 405
    assert fetch(f"{server.url}/nothing").status == 404


def test_peers_that_vanish_at_any_moment_hurt_nobody(server):
    address = urlsplit(server.url)
    for rest in (b"", b"\x81\x84\0\0\0\0ping" * 100):  # in the handshake; in a reply
        for _ in range(5):
            with socket.create_connection((address.hostname, address.port)) as peer:
                # SO_LINGER 0: close() resets the connection, without a goodbye
                linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                with contextlib.suppress(ConnectionError):
                    peer.sendall(HANDSHAKE + rest)
    with websocket(server.url) as client:
        client.send("ping")
        assert client.recv(timeout=30) == "pong!"
    assert "Traceback" not in server.log


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to catch")
@pytest.mark.parametrize("implementation", WEBSOCKETS)
def test_the_plain_command_ends_at_sigterm_with_1012_and_no_traceback(implementation):
    command = ["--app-dir", "03_asgi_raw", "app:application", "--port", "0"]
    with (
        server_process(["-m", "uvicorn", *command, "--ws", implementation]) as server,
        websocket(server.url) as client,
    ):
        client.send("ping")
        assert client.recv(timeout=30) == "pong!"
        server.process.send_signal(signal.SIGTERM)
        # uvicorn shuts down, then lets the signal end it
        assert server.wait() == -signal.SIGTERM
        with contextlib.suppress(Exception):
            client.recv(timeout=30)
        assert client.close_code == 1012
        assert "Application shutdown complete" in server.log
        assert "Traceback" not in server.log


def test_the_stage_starts_from_any_folder(tmp_path):
    stage = str(ROOT / "03_asgi_raw")
    with server_process(
        ["-m", "uvicorn", "--app-dir", stage, "app:application", "--port", "0"],
        cwd=tmp_path,
    ) as server:
        assert fetch(f"{server.url}/static/console.js").status == 200


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
