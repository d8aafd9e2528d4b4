"""Stage 03's server in this process, and a client without manners: bytes by hand."""

import asyncio
import contextlib
import socket
import struct
import sys
from collections.abc import AsyncIterator
from typing import NamedTuple

from frames import Frame, Opcode, close_reason, decode, encode
from protocol_server import Limits, serve

HEAD = (
    b"GET /room%201?a=b HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
KEY = b"\1\2\3\4"


class Served(NamedTuple):
    port: int
    stop: asyncio.Event
    task: "asyncio.Task[int]"

    @property
    def ws(self):
        return f"ws://127.0.0.1:{self.port}/"


@contextlib.asynccontextmanager
async def served(
    application, tap=None, lifespan=False, **limits
) -> AsyncIterator[Served]:
    """Serve in this loop until the block ends; then everything must end in time."""

    async def connections_only(scope, receive, send):
        if scope["type"] == "lifespan":
            raise NotImplementedError
        await application(scope, receive, send)

    listener, stop = socket.create_server(("127.0.0.1", 0)), asyncio.Event()
    port = listener.getsockname()[1]
    task = asyncio.create_task(
        serve(
            application if lifespan else connections_only,
            listener,
            stop,
            limits=Limits(**limits),
            tap=tap,
        )
    )
    try:
        async with asyncio.timeout(60):
            yield Served(port, stop, task)
    finally:
        stop.set()
        async with asyncio.timeout(30):
            await task


class Peer:
    """A client without manners: bytes, and frames by hand."""

    def __init__(self, reader, writer):
        self.reader, self.writer, self.rest = reader, writer, b""

    async def head(self) -> bytes:
        return await self.reader.readuntil(b"\r\n\r\n")

    def send(self, opcode, payload=b"", fin=True):
        self.writer.write(encode(Frame(opcode, payload, fin, KEY)))

    async def frame(self) -> Frame:
        while True:
            with contextlib.suppress(ValueError):
                frame, self.rest = decode(self.rest)
                return frame
            data = await self.reader.read(65536)
            assert data, "the server has hung up"
            self.rest += data

    async def close_code(self) -> int:
        while (frame := await self.frame()).opcode is not Opcode.CLOSE:
            pass
        return close_reason(frame.payload)[0]

    async def end(self) -> bytes:
        """What still comes, up to the end; a reset is an end, too."""
        with contextlib.suppress(ConnectionError):
            return await self.reader.read()
        return b""

    def reset(self):
        linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()


@contextlib.asynccontextmanager
async def raw(server, first=HEAD) -> AsyncIterator[Peer]:
    """A raw connection that has sent ``first``."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(first)
    try:
        yield Peer(reader, writer)
    finally:
        writer.transport.abort()


@contextlib.asynccontextmanager
async def opened(server) -> AsyncIterator[Peer]:
    """A raw connection that has been accepted."""
    async with raw(server) as peer:
        assert (await peer.head()).startswith(b"HTTP/1.1 101 ")
        yield peer
