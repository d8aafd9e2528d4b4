"""A peer in Python, by the Sans-I/O protocol of ``websockets``."""

import asyncio
from contextlib import suppress
from typing import Any

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidState
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

from benchmarks.peer import Peer


class SlowPeer(Peer, asyncio.Protocol):
    """A protocol of asyncio around the protocol of ``websockets``.

    Args:
        url: ``ws://127.0.0.1:8000/echo``.
        headers: sent with the handshake.
        deflate: whether to offer permessage-deflate.
    """

    def __init__(self, url: str, headers: dict[str, str], deflate: bool) -> None:
        super().__init__()
        extensions = [ClientPerMessageDeflateFactory()] if deflate else None
        self.protocol = ClientProtocol(parse_uri(url), extensions=extensions)
        self.headers = headers
        self.opened = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        request = self.protocol.connect()
        request.headers.update(self.headers)
        self.protocol.send_request(request)
        self._flush()

    def data_received(self, data: bytes) -> None:
        self.protocol.receive_data(data)
        for event in self.protocol.events_received():
            if not self.opened.done():
                self.deflates = bool(self.protocol.extensions)
                self.opened.set_result(None)
            elif isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                self.owner.received(self, len(event.data))
        self._flush()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.opened.done():
            why = self.protocol.handshake_exc or ConnectionError("the server hung up")
            self.opened.set_exception(why)
        self.owner.lost(self)

    def send(self, message: bytes) -> None:
        # While the server says goodbye nothing can be sent; lost() comes soon.
        with suppress(InvalidState):
            self.protocol.send_text(message)
        self._flush()

    def close(self) -> None:
        self.transport.abort()

    def _flush(self) -> None:
        for data in self.protocol.data_to_send():
            if data:
                self.transport.write(data)


async def connect(url: str, headers: dict[str, str], deflate: bool) -> Peer:
    """Open a websocket; see ``peers.Connect``."""
    host, port = url.split("/")[2].split(":")
    _, peer = await asyncio.get_running_loop().create_connection(
        lambda: SlowPeer(url, headers, deflate), host, int(port)
    )
    await peer.opened
    return peer
