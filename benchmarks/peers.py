"""The client's side of one websocket, as fast as it can be had.

With picows it is C that masks, parses and writes, so the server is the one that is at
its limit. Where there is no picows it is Python; then the client may be the slower
one: the server's CPU time still counts, its throughput does not.
"""

import asyncio
import importlib.util
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Protocol

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidState
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Opcode
from websockets.uri import parse_uri

FAST = importlib.util.find_spec("picows") is not None
SECONDS = 20  # for a handshake and a first message


class Owner(Protocol):
    """Who uses a peer, and is told what it hears."""

    def heard(self, peer: Any, size: int) -> None:
        """A whole message came, of ``size`` bytes."""

    def lost(self, peer: Any) -> None:
        """The server has ended the connection."""


class First:
    """The owner of a new peer: it waits for the first message."""

    def __init__(self) -> None:
        self.message = asyncio.get_running_loop().create_future()

    def heard(self, peer: Any, size: int) -> None:
        if not self.message.done():
            self.message.set_result(size)

    def lost(self, peer: Any) -> None:
        peer.gone = True
        if not self.message.done():
            self.message.set_exception(ConnectionError("the server hung up"))


class Peer:
    """What both kinds have in common."""

    deflates = False  # the server has agreed to permessage-deflate
    gone = False  # it was lost before anybody used it
    sent = 0.0  # when it said its last message, on the clock of time.perf_counter()
    messages = 0  # that it has heard, for who counts them

    def __init__(self) -> None:
        self.owner: Owner = (first := First())
        self.first = first.message

    def send(self, message: bytes) -> None:
        """Send a text message, in UTF-8."""
        raise NotImplementedError

    def close(self) -> None:
        """End the connection without a goodbye."""
        raise NotImplementedError


class SlowPeer(Peer, asyncio.Protocol):
    """A peer by the Sans-I/O protocol of ``websockets``."""

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
            elif getattr(event, "opcode", None) is Opcode.TEXT:
                self.owner.heard(self, len(event.data))  # type: ignore[union-attr]
        self._flush()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.opened.done():
            why = self.protocol.handshake_exc or ConnectionError("the server hung up")
            self.opened.set_exception(why)
        self.owner.lost(self)

    def send(self, message: bytes) -> None:
        with suppress(InvalidState):  # the server says goodbye; lost() comes soon
            self.protocol.send_text(message)
        self._flush()

    def _flush(self) -> None:
        for data in self.protocol.data_to_send():
            if data:
                self.transport.write(data)

    def close(self) -> None:
        self.transport.abort()


# Called with the address, the headers, and whether to offer permessage-deflate.
Connect = Callable[[str, dict[str, str], bool], Awaitable[Peer]]


async def connect_slowly(url: str, headers: dict[str, str], deflate: bool) -> Peer:
    host, port = url.split("/")[2].split(":")
    _, peer = await asyncio.get_running_loop().create_connection(
        lambda: SlowPeer(url, headers, deflate), host, int(port)
    )
    await peer.opened
    return peer


def connector() -> Connect:
    """How to open a websocket: by picows, where it is installed."""
    if not FAST:
        return connect_slowly
    from benchmarks.fast_peer import connect

    return connect


async def open_peer(
    address: str, path: str, cookie: str, *, say: bytes = b"", deflate: bool = False
) -> Peer:
    """Open a websocket and wait for its first message.

    Args:
        address: of the server, ``127.0.0.1:8000``.
        path: ``/echo`` or another.
        cookie: of a logged-in user, or "".
        say: what to say first, for a server that does not begin.
        deflate: offer permessage-deflate.

    Raises:
        OSError: nobody listens, or the server hung up.
        TimeoutError: no answer in ``SECONDS``.
    """
    headers = {"Origin": f"http://{address}"} | ({"Cookie": cookie} if cookie else {})
    async with asyncio.timeout(SECONDS):
        peer = await connector()(f"ws://{address}{path}", headers, deflate)
        if say:
            peer.send(say)
        await peer.first
    return peer
