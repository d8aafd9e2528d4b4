"""The bare application under every server, as a process of its own."""

import contextlib
import signal
import socket
import struct
import sys
from urllib.parse import urlsplit

import pytest

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
