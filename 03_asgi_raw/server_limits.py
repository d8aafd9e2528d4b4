"""Limits that a server must set for its peers: how much, how often, how long."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The protocol server's limits.

    Args:
        handshake: seconds for the head of a request.
        ping: seconds between two pings.
        close: seconds for the peer's part of the closing handshake.
        shutdown: seconds for all connections to end, once the server is stopped.
        message: bytes of a message, all of its fragments together.
        fragments: fragments of a message. Empty ones cost no bytes, but work.
        inbox: messages that wait for the application.
    """

    handshake: float = 10.0
    ping: float = 20.0
    close: float = 3.0
    shutdown: float = 5.0
    message: int = 2**24
    fragments: int = 100_000
    inbox: int = 8
