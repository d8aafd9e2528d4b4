"""What only a real server shows: uvicorn's three implementations, peers that misbehave.

Raw sockets play the peers that no client library would.
"""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.sync.client import connect

from tests.support.processes import ROOT
from tests.support.servers import socket_site

UVICORNS = ["uvicorn-websockets", "uvicorn-sansio", "uvicorn-wsproto"]
STAGE = ROOT / "04_django_wrapper"
HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
)


@pytest.fixture(scope="module", params=UVICORNS)
def server(request, tmp_path_factory, migrated):
    with socket_site(request.param, migrated) as process:
        process.name = request.param
        with websocket(process, "/users/") as client:  # what is made once is made now
            client.send("how many?")
            client.recv(timeout=5)
        # The connection before may not have ended yet: the least of ten counts.
        counts = [held(process) for _ in range(10)]
        process.idle = min(counts, key=lambda count: sum(count.values()))
        yield process


@pytest.fixture(scope="module")
def migrated(tmp_path_factory):
    """A database with Django's tables, for the servers' own processes."""
    path = tmp_path_factory.mktemp("faults") / "database.sqlite3"
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity=0"],
        cwd=STAGE,
        env={**os.environ, "DATABASE_URL": f"sqlite:///{path}"},
        check=True,
    )
    return path


@contextmanager
def raw(server, path, more="", *, size=None):
    """A TCP connection that has sent a handshake; ``size`` of its receive buffer."""
    address = urlsplit(server.url)
    with socket.socket() as peer:
        peer.settimeout(10)
        if size is not None:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
        peer.connect((address.hostname, address.port))
        peer.sendall(HANDSHAKE.format(path=path, more=more).encode("latin-1"))
        yield peer


def accepted(peer):
    """Read up to the end of the handshake's answer."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += peer.recv(1)
    assert answer.startswith(b"HTTP/1.1 101 ")


def all_of(peer):
    """Everything until the server ends the connection."""
    data = b""
    with suppress(ConnectionResetError):
        while more := peer.recv(65_536):
            data += more
    return data


def reset(peer):
    """Leave with RST in place of FIN."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def frame(text):
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=True)


def websocket(server, path):
    return connect(server.url.replace("http", "ws", 1) + path)


def until(condition, seconds=5):
    """Wait for what no event tells; ask every few milliseconds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.005)


def until_idle(server):
    """Wait until the server holds what it held before its first connection."""
    end = time.monotonic() + 10
    while (now := held(server)) != server.idle:
        assert time.monotonic() < end, (now, server.idle)
        time.sleep(0.005)


def still_answers(server):
    with websocket(server, "/echo/") as client:
        client.send("hello")
        return client.recv(timeout=5) == "hello"


@pytest.mark.parametrize(
    ("path", "more", "status"),
    [
        ("/echo/", "Origin: http://127.0.0.1\r\n" * 2, 403),
        ("/echo/", "Origin: null\r\n", 403),
        ("/echo/", "Cookie: sessionid=stolen\r\n", 403),
        ("/echo/?token=%ff", "", 101),
        ("/echo/", "X-Same: 1\r\n" * 80, 101),
        (
            "/echo/",
            "Cookie: " + "; ".join(f"n{i}={i}" for i in range(500)) + "\r\n",
            101,
        ),
        ("/%0d%0aERROR%1b[31m/", "", 404),
        ("/caf%c3%a9/", "", 404),
        ("/%ff/", "", 404),
        ("/../echo/", "", 404),
        ("//echo/", "", 404),
    ],
)
def test_a_strange_handshake_gets_a_status_and_at_most_one_line(
    server, path, more, status
):
    before = len(server.lines)
    with raw(server, path, more) as peer:
        answer = int(peer.recv(12).split()[1])
    # Two origins are a bad request to websockets already; the layer never sees it.
    twice = more.count("Origin") == 2 and server.name == "uvicorn-sansio"
    assert answer == (400 if twice else status)
    assert still_answers(server)
    lines = [line for line in server.lines[before:] if not line.startswith("INFO")]
    assert len(lines) <= 1
    log = "".join(lines)
    assert "Traceback" not in log and "stolen" not in log and "\x1b" not in log


def test_a_handshake_under_a_foreign_host_is_refused_with_400(server):
    with raw(server, "/echo/") as peer:
        peer.recv(12)
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port)) as peer:
        request = HANDSHAKE.format(path="/echo/", more="").replace(
            "Host: 127.0.0.1", "Host: evil.example"
        )
        peer.sendall(request.encode())
        assert b" 400 " in peer.recv(100)


def test_20000_messages_in_one_write_close_with_1008(server):
    with raw(server, "/echo/") as peer:
        accepted(peer)
        with suppress(ConnectionResetError, BrokenPipeError):
            peer.sendall(frame("x") * 20_000)
        data = b""
        with suppress(ConnectionResetError):
            while struct.pack("!H", 1008) + b"too many messages" not in data:
                more = peer.recv(65_536)
                assert more, data[-200:]
                data += more
    assert still_answers(server)


@pytest.mark.parametrize("count", [2_000])
def test_a_burst_over_the_allowed_rate_is_one_line_in_the_log(server, count):
    before = len(server.lines)
    with websocket(server, "/echo/") as client, pytest.raises(ConnectionClosed) as end:
        for _ in range(count):
            client.send("x")
        while True:
            client.recv(timeout=5)
    assert end.value.rcvd.code == 1008
    assert "".join(server.lines[before:]).count("too many messages") == 1


def test_bad_utf_8_is_the_server_s_to_answer(server):
    before = len(server.lines)
    with raw(server, "/echo/") as peer:
        accepted(peer)
        peer.sendall(Frame(Opcode.TEXT, b"\xff\xfe a token").serialize(mask=True))
        data = all_of(peer)
    assert still_answers(server)
    log = "".join(line for line in server.lines[before:] if line[:4] != "INFO")
    assert "a token" not in log
    if server.name == "uvicorn-wsproto":
        assert (data, log) == (b"", "")  # it hangs up without a close frame
    else:
        assert data[0] == 0x88 and data[2:4] == struct.pack("!H", 1007)
        lines = 1 if server.name == "uvicorn-sansio" else 0
        assert log.count("ERROR") == lines  # a line and a traceback of uvicorn's own


def test_10000_joins_close_with_1008(server):
    with websocket(server, "/join/") as client, pytest.raises(ConnectionClosed) as end:
        for number in range(101):
            client.send(f"group {number}")
        client.recv(timeout=5)
    assert (end.value.rcvd.code, end.value.rcvd.reason) == (1008, "too many groups")


@pytest.mark.parametrize("leave", [reset, socket.socket.close])
@pytest.mark.parametrize("path", ["/silent/", "/room/lobby/", "/users/"])
def test_a_peer_that_resets_or_drops_the_connection_ends_its_handler(
    server, path, leave
):
    until_idle(server)  # of what other tests have left behind
    with raw(server, path) as peer:
        accepted(peer)
        if path == "/users/":  # it leaves while the handler waits for the database
            peer.sendall(frame("how many?") * 5)
        began = time.monotonic()
        leave(peer)
    until_idle(server)
    assert time.monotonic() - began < 1.5


def test_a_peer_that_only_closes_its_half_has_left(server):
    with raw(server, "/silent/") as peer:
        accepted(peer)
        peer.shutdown(socket.SHUT_WR)
        all_of(peer)
    until_idle(server)


def test_a_client_that_is_killed_has_left(server):
    program = (
        "import sys; from websockets.sync.client import connect\n"
        "client = connect(sys.argv[1]); print(client.recv(), flush=True); client.recv()"
    )
    url = server.url.replace("http", "ws", 1) + "/room/lobby/"
    command = [sys.executable, "-c", program, url]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as client:
        assert client.stdout.readline() == b"you are in\n"
        assert held(server) != server.idle
        client.kill()
    until_idle(server)


def held(server):
    """Tasks, members, connections and files of the server, besides those that ask."""
    with websocket(server, "/numbers/") as client:
        client.send("?")
        return json.loads(client.recv(timeout=5))


def test_200_connections_with_the_database_leave_nothing_behind(server):
    def one(number):
        with websocket(server, "/users/") as client:
            client.send("how many?")
            assert client.recv(timeout=5) == "0"
            if number % 3 == 0:
                reset(client.socket)

    for number in range(200):
        one(number)
    until_idle(server)


def test_a_member_that_stalls_delays_nobody(server):
    with raw(server, "/room/hall/", size=4096) as stalled:
        accepted(stalled)
        with websocket(server, "/room/hall/") as other:
            assert other.recv(timeout=5) == "you are in"
            for number in range(90):  # 5.8 MB, and the kernel takes 2 or 3
                message = f"{number:065000}"
                other.send(message)
                assert other.recv(timeout=5) == message


@pytest.fixture(params=UVICORNS)
def mortal(request, migrated):
    """A server that a test may end itself."""
    # The implementation websockets tells the application only when its last byte has
    # gone: there it is SEND_SECONDS that frees a stalled peer.
    seconds = 1 if request.param == "uvicorn-websockets" else 60
    with socket_site(request.param, migrated, SEND_SECONDS=seconds) as process:
        yield process


def terminate(server):
    """Send SIGTERM; how long does the server take to end?"""
    began = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    assert server.wait(30) == -signal.SIGTERM
    return time.monotonic() - began


sigterm = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no SIGTERM to catch"
)


@sigterm
def test_sigterm_ends_a_server_with_a_peer_that_never_reads(mortal):
    with raw(mortal, "/firehose/", size=4096) as stalled:
        accepted(stalled)
        with websocket(mortal, "/room/hall/") as client:  # it is behind by now
            client.recv(timeout=5)
        assert terminate(mortal) < 4
    assert "Traceback" not in mortal.log


@sigterm
def test_sigterm_ends_a_server_whose_handlers_do_not_read_or_do_not_end(mortal):
    with raw(mortal, "/silent/") as one, raw(mortal, "/stubborn/") as other:
        accepted(one)
        accepted(other)
        until(lambda: "stubborn has begun" in mortal.log)
        assert terminate(mortal) < 6
        assert b"\x88" in all_of(one) and b"\x88" in all_of(other)
    assert "silent has ended" in mortal.log
    assert "the handler at '/stubborn/' goes on after its end" in mortal.log
    assert "Traceback" not in mortal.log
