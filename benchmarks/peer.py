"""A peer, as the loads see it: the client's side of one websocket.

``fast_peer`` and ``slow_peer`` are its two kinds; ``peers`` opens one.
"""

import asyncio
from typing import Any, Protocol

SECONDS = 20  # for a handshake and a first message


class Owner(Protocol):
    """The load that uses a peer. The peer tells it what arrives."""

    def received(self, peer: Any, size: int) -> None:
        """A whole message arrived, of ``size`` bytes."""

    def lost(self, peer: Any) -> None:
        """The server has ended the connection."""


class First:
    """The owner of a new peer: it waits for the first message."""

    def __init__(self) -> None:
        self.message = asyncio.get_running_loop().create_future()

    def received(self, peer: Any, size: int) -> None:
        if not self.message.done():
            self.message.set_result(size)

    def lost(self, peer: Any) -> None:
        peer.gone = True
        if not self.message.done():
            self.message.set_exception(ConnectionError("the server hung up"))


class Peer:
    """The parts that both kinds have in common.

    Attributes:
        owner: is told what arrives.
        first: a future of the first message's size.
        deflates: whether the server has agreed to permessage-deflate.
        gone: whether the connection was lost before a load used it.
        sent: when it sent its last message, on the clock of ``time.perf_counter``.
        messages: how many it has received, as its load counts them.
    """

    def __init__(self) -> None:
        first = First()
        self.owner: Owner = first
        self.first = first.message
        self.deflates = False
        self.gone = False
        self.sent = 0.0
        self.messages = 0

    def send(self, message: bytes) -> None:
        """Send a text message, in UTF-8."""
        raise NotImplementedError

    def close(self) -> None:
        """End the connection without a goodbye."""
        raise NotImplementedError
