"""The echo server on the tiny loop, as a process of its own, with real clients."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest
import tiny_echo
import tiny_loop

from tests.support.processes import ROOT, ServerProcess, server_process

ECHO = "02_coroutines/tiny_echo.py"
NO_SIGINT = "Windows sends no SIGINT to a single process"
ADDRESS = re.compile(r"Listening on (127\.0\.0\.1:\d+)")


@pytest.fixture
def server() -> Iterator[ServerProcess]:
    with server_process([ECHO, "--port", "0"], address=ADDRESS) as server:
        yield server


def connect(server: ServerProcess) -> socket.socket:
    host, port = server.url.split(":")
    return socket.create_connection((host, int(port)), timeout=20)


def read(client: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (part := client.recv(size - len(data))):
        data += part
    return data


def test_a_client_gets_back_what_it_sends(server: ServerProcess) -> None:
    with connect(server) as client:
        for text in (b"hello", b"x" * 300_000, b"\0"):
            client.sendall(text)
            assert read(client, len(text)) == text
        client.shutdown(socket.SHUT_WR)
        assert client.recv(10) == b""  # the server has closed its side


def test_a_hundred_clients_at_once_are_served_by_one_thread(
    server: ServerProcess,
) -> None:
    clients = [connect(server) for _ in range(100)]
    try:
        for _ in range(3):
            for n, client in enumerate(clients):
                client.sendall(b"%04d" % n)
            for n, client in reversed(list(enumerate(clients))):
                assert read(client, 4) == b"%04d" % n
        assert psutil.Process(server.process.pid).num_threads() == 1
    finally:
        for client in clients:
            client.close()


def test_a_client_that_does_not_read_keeps_nobody_waiting(
    server: ServerProcess,
) -> None:
    with connect(server) as stuck, connect(server) as other:
        stuck.setblocking(False)
        sent = 0
        try:
            while sent < 50_000_000:
                sent += stuck.send(b"x" * 65_536)
        except BlockingIOError:  # the server takes no more from this one
            pass
        other.sendall(b"hello")
        assert read(other, 5) == b"hello"


def test_a_client_that_never_pauses_lets_the_others_have_their_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    received = []

    async def recv(sock: socket.socket, size: int) -> bytes:
        received.append(size)
        return b"more" if len(received) < 10 else b""  # always there, never waited for

    async def sendall(sock: socket.socket, data: bytes) -> None:
        pass

    async def main() -> int:
        tiny_loop.create_task(tiny_echo.echo(socket.socket()))
        await tiny_loop.sleep(0)
        return len(received)

    monkeypatch.setattr(tiny_echo, "sock_recv", recv)
    monkeypatch.setattr(tiny_echo, "sock_sendall", sendall)
    assert tiny_loop.run(main()) == 1


@pytest.mark.skipif(sys.platform == "win32", reason=NO_SIGINT)
def test_a_client_that_vanishes_leaves_the_server_running(
    server: ServerProcess,
) -> None:
    for _ in range(5):
        client = connect(server)
        linger = b"\1\0\0\0\0\0\0\0"  # close with a reset
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        client.sendall(b"x" * 100_000)
        client.close()
    with connect(server) as client:
        client.sendall(b"still there?")
        assert read(client, 12) == b"still there?"
    server.process.send_signal(signal.SIGINT)  # errors of tasks are told at the end
    assert server.wait() == 0
    assert server.log.splitlines()[1:] == ["Ended."]


def test_an_idle_server_takes_no_processor_time(server: ServerProcess) -> None:
    process = psutil.Process(server.process.pid)
    with connect(server) as client:
        client.sendall(b"x")
        assert read(client, 1) == b"x"
        # A spinning loop would use all of the time that passes here.
        client.settimeout(0.5)
        before = sum(process.cpu_times()[:2])
        with pytest.raises(TimeoutError):
            client.recv(1)
        assert sum(process.cpu_times()[:2]) - before < 0.25


@pytest.mark.skipif(sys.platform == "win32", reason=NO_SIGINT)
def test_ctrl_c_ends_the_server_and_its_connections(server: ServerProcess) -> None:
    with connect(server) as client:
        client.sendall(b"x")
        assert read(client, 1) == b"x"
        server.process.send_signal(signal.SIGINT)
        assert server.wait() == 0
        assert client.recv(1) == b""
    assert server.log.splitlines()[1:] == ["Ended."]


def test_a_taken_port_is_told_in_one_line(server: ServerProcess) -> None:
    port = server.url.split(":")[1]
    second = subprocess.run(
        [sys.executable, ECHO, "--port", port],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert second.returncode == 1
    assert second.stderr.startswith(f"Cannot listen on port {port}: ")
    assert len(second.stderr.splitlines()) == 1
