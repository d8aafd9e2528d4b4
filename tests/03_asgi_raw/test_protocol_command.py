"""The protocol server's command: its signals, and what is said of a mistyped one."""

import signal
import socket
import subprocess
import sys

import pytest
from websockets.exceptions import ConnectionClosed

from tests.support.clients import websocket
from tests.support.processes import server_process
from tests.support.servers import OURS, SERVERS

ADDRESS = SERVERS["ours"].address
POLITE = """
async def application(scope, receive, send):
    if scope["type"] != "websocket":
        raise NotImplementedError
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": "hello"})
    while (await receive())["type"] != "websocket.disconnect":
        pass

async def broken(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no database"})

text = "not an application"
"""
STUBBORN = """
import asyncio
async def application(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": "hello"})
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "polite.py").write_text(POLITE, "utf-8")
    (tmp_path / "stubborn.py").write_text(STUBBORN, "utf-8")
    (tmp_path / "half.py").write_text("import no_such_package", "utf-8")
    return tmp_path


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to catch")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_closes_open_websockets_with_1012_and_ends_with_0(number, folder):
    command = [str(OURS), "polite:application", "--port", "0"]
    with (
        server_process(command, address=ADDRESS, cwd=folder) as server,
        websocket(server.url) as client,
        websocket(server.url) as deaf,
        socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))),
    ):
        assert client.recv(timeout=30) == deaf.recv(timeout=30) == "hello"
        server.process.send_signal(number)
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=30)
        assert client.close_code == 1012
        assert server.wait() == 0
        assert "Traceback" not in server.log


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to catch")
def test_a_signal_ends_even_an_application_that_ignores_cancellation(folder):
    command = [str(OURS), "stubborn:application", "--port", "0"]
    with (
        server_process(command, address=ADDRESS, cwd=folder) as server,
        websocket(server.url) as client,
    ):
        assert client.recv(timeout=30) == "hello"
        server.process.terminate()
        assert server.wait() == 1
        assert "1 applications ignore their cancellation" in server.log


def run(folder, *arguments):
    return subprocess.run(
        [sys.executable, OURS, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["polite"], "expected MODULE:ATTRIBUTE"),
        (["nothing:application"], "there is no module 'nothing'"),
        (["polite:nothing"], "polite has no application called 'nothing'"),
        (["polite:text"], "polite has no application called 'text'"),
        (["polite:application", "--port=70000"], "cannot listen on port 70000"),
        (["polite:broken", "--port=0"], "cannot start: no database"),
    ],
)
def test_a_mistyped_command_is_answered_in_one_sentence(arguments, words, folder):
    ended = run(folder, *arguments)
    assert ended.returncode == 1
    assert words in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_taken_port_is_answered_in_one_sentence(folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run(folder, "polite:application", "--port", str(port))
    assert ended.returncode == 1
    assert f"cannot listen on port {port}: " in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_module_that_cannot_import_something_shows_where(folder):
    ended = run(folder, "half:application")
    assert "import no_such_package" in ended.stderr
