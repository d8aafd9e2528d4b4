"""What a server must not leave to its peers: how much, how often and how long."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Seconds, bytes and numbers that a server must not leave to its peers."""

    handshake: float = 10.0  # seconds for the head of a request
    ping: float = 20.0  # seconds between two pings
    close: float = 3.0  # seconds for the peer's part of a goodbye
    shutdown: float = 5.0  # seconds for everyone to end, once the server is stopped
    message: int = 2**24  # bytes of a message, all fragments together
    fragments: int = 100_000  # of a message: empty ones are free of bytes, not of work
    inbox: int = 8  # messages that wait for the application
