"""The wire: one TCP connection, read and written in chunks of bytes.

It knows nothing of frames or events. What it adds to asyncio's two streams: a peer that
has left looks the same however it left, every goodbye has a time limit, and a tap may
listen.
"""

import asyncio
import socket
import struct
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from scope import Address

CHUNK = 65_536  # bytes to read at once, at most
HIGH_WATER = 65_536  # bytes to keep for a peer, asyncio's own limit
LONGEST_HEAD = 65_536  # bytes of an HTTP request's head

# Called with the client's address, "in" or "out", "bytes" or "event", and the data.
Tap = Callable[[Address, str, str, Any], None]


class PeerLeftError(ConnectionError):
    """An OSError, as the ASGI spec asks: `send()` to a peer that has left."""


class Wire:
    """One connection's bytes, both ways."""

    def __init__(
        self, reader: StreamReader, writer: StreamWriter, tap: Tap | None
    ) -> None:
        self.reader, self.writer, self.tap = reader, writer, tap
        self.transport = writer.transport
        nobody = ("", 0)  # a peer may be gone before anyone looks
        self.client: Address = (writer.get_extra_info("peername") or nobody)[:2]
        self.server: Address = (writer.get_extra_info("sockname") or nobody)[:2]
        self._deadline: asyncio.TimerHandle | None = None

    async def read_head(self) -> bytes | None:
        """An HTTP request's head; None where the peer leaves before its end.

        Raises:
            asyncio.LimitOverrunError: it is longer than LONGEST_HEAD.
        """
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, OSError):
            return None
        if self.tap:
            self.tap(self.client, "in", "bytes", head)
        return head

    async def read(self) -> bytes:
        """The next bytes. None of them, b"", is the end, however it came.

        A peer that only closes its own direction (a half-close) has left, too.
        """
        try:
            data = await self.reader.read(CHUNK)
        except OSError:  # reset
            return b""
        if self.tap and data:
            self.tap(self.client, "in", "bytes", data)
        return data

    async def read_to_end(self) -> None:
        """Throw away what the peer still sends, until it has left."""
        while await self.read():
            pass

    def write(self, data: bytes) -> None:
        """Hand bytes over to be sent; what the kernel does not take yet is kept."""
        if self.tap:
            self.tap(self.client, "out", "bytes", data)
        self.transport.write(data)

    async def drain(self) -> None:
        """Wait while more than 64 KiB are kept: the peer reads too slowly.

        Raises:
            PeerLeftError: nobody will read them any more.
        """
        try:
            if self.transport.get_write_buffer_size() > HIGH_WATER:
                await self.writer.drain()
        except OSError as left:
            raise PeerLeftError(f"{self.client} has left: {left}") from None
        if self.transport.is_closing():
            raise PeerLeftError(f"{self.client} has left")

    def write_end(self) -> None:
        """Close our direction: the peer reads what is left, and then the end."""
        with suppress(OSError):  # it is closed already, from the other side
            self.writer.write_eof()

    def end_within(self, seconds: float) -> None:
        """Start the goodbye: cut the connection unless it has ended by then."""
        if self._deadline is None:
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(seconds, self.transport.abort)

    async def hang_up(self, seconds: float) -> None:
        """Close our direction, and let the peer close its own within the limit.

        To close both at once would answer what the peer still sends with a reset, and
        a reset throws away what the peer has not read yet.
        """
        self.write_end()
        self.end_within(seconds)
        await self.read_to_end()

    def reset(self) -> None:
        """End it in a way that the peer cannot take for a regular end."""
        linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
        with suppress(OSError):  # SO_LINGER of 0 s: close() resets the connection
            sock = self.writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.cut()

    def cut(self) -> None:
        """End it now, in any state; a second time does nothing."""
        if self._deadline is not None:
            self._deadline.cancel()
        self.transport.abort()
