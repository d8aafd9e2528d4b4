"""Raw sockets, the peers that no client library would be, and what a server holds."""

import json
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from websockets.frames import Frame, Opcode
from websockets.sync.client import ClientConnection, connect

from tests.support.processes import ServerProcess

HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
)
_marks = count()


@contextmanager
def raw(
    server: ServerProcess,
    path: str,
    more: str = "",
    *,
    host: str = "127.0.0.1",
    size: int | None = None,
) -> Iterator[socket.socket]:
    """A TCP connection that has sent a handshake.

    Args:
        server: where it goes to.
        path: as it stands in the request's first line.
        more: lines of the header, each with its line end.
        host: the header Host.
        size: of its receive buffer, in bytes; None: as the system likes.
    """
    address = urlsplit(server.url)
    with socket.socket() as peer:
        peer.settimeout(60)
        if size is not None:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
        peer.connect((address.hostname, address.port))
        request = HANDSHAKE.format(path=path, host=host, more=more)
        peer.sendall(request.encode("latin-1"))
        yield peer


def status(peer: socket.socket) -> int:
    """The status of the handshake's answer."""
    return int(peer.recv(12).split()[1])


def accepted(peer: socket.socket) -> None:
    """Read up to the end of the handshake's answer."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += peer.recv(1)
    assert answer.startswith(b"HTTP/1.1 101 ")


def all_of(peer: socket.socket) -> bytes:
    """Everything until the server ends the connection."""
    data = b""
    with suppress(ConnectionResetError):
        while more := peer.recv(65_536):
            data += more
    return data


def reset(peer: socket.socket) -> None:
    """Leave with RST in place of FIN."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def frame(data: str | bytes, opcode: Opcode = Opcode.TEXT) -> bytes:
    """A client's frame with one message."""
    data = data.encode() if isinstance(data, str) else data
    return Frame(opcode, data).serialize(mask=True)


def websocket(server: ServerProcess, path: str, **options: Any) -> ClientConnection:
    """A websocket of a client that behaves."""
    url = server.url.replace("http", "ws", 1) + path
    return connect(url, open_timeout=60, **options)


def still_answers(server: ServerProcess) -> bool:
    """Does it serve the next one?"""
    with websocket(server, "/echo/") as client:
        client.send("hello")
        return client.recv(timeout=60) == "hello"


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Wait for what no event tells; ask every few milliseconds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.005)


def held(server: ServerProcess) -> dict[str, int]:
    """Tasks, members, connections and files of the server, besides those that ask."""
    with websocket(server, "/numbers/") as client:
        client.send("?")
        numbers: dict[str, int] = json.loads(client.recv(timeout=60))
        return numbers


def logged(server: ServerProcess) -> int:
    """How many lines the server has logged: all of them, however late we read them."""
    mark = f"mark {next(_marks)}"
    with websocket(server, "/mark/") as client:
        client.send(mark)
        client.recv(timeout=60)
    until(lambda: mark in "".join(server.lines[-9:]))
    return len(server.lines)


def complaints(server: ServerProcess, before: int) -> str:
    """What the server has logged since, besides what is well."""
    lines = server.lines[before : logged(server)]
    return "".join(line for line in lines if line[:4] != "INFO")


def idle(server: ServerProcess) -> dict[str, int]:
    """What a server holds that has nothing to do."""
    with websocket(server, "/connect/") as client:  # what is made once is made now
        client.recv(timeout=60)
    # The connection before may not have ended yet: the least of ten counts.
    counts = [held(server) for _ in range(10)]
    return min(counts, key=lambda count: sum(count.values()))


def until_held(server: ServerProcess, before: dict[str, int]) -> None:
    """Wait until the server holds what it held before."""
    end = time.monotonic() + 60
    while (now := held(server)) != before:
        assert time.monotonic() < end, (now, before)
        time.sleep(0.005)
