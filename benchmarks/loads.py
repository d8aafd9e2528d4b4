"""The work of the client: two closed loops, and opening many peers.

A closed loop sends its next message when an answer has arrived. So a slow server is
asked less, and no queue grows without end. Its latency is therefore that of a server at
its limit: of the clients that wait at once, each waits for all before it.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from time import perf_counter
from typing import Any

from benchmarks.peer import Peer
from benchmarks.peers import open_peer

OPENING = 32  # handshakes at a time


class WrongAnswerError(Exception):
    """A server answered something else than it was asked for."""


class _Load:
    """Some messages, until a time is up and all answers are there.

    Args:
        peers: open websockets.
        message: what each of them sends, in UTF-8.

    Attributes:
        latencies: seconds, one for each message that was received.
        sent: how many messages the peers have sent.
        started: when it began, on the clock of ``time.perf_counter``.
        end: when no further message is sent, on the same clock.
        done: a future, done when all answers are there.
    """

    def __init__(self, peers: Sequence[Peer], message: bytes) -> None:
        self.peers = peers
        self.message = message
        self.size = len(message)
        self.latencies: list[float] = []
        self.sent = 0
        self.started = 0.0
        self.end = 0.0
        self.done = asyncio.get_running_loop().create_future()
        for peer in peers:
            peer.owner = self
            peer.messages = 0

    async def run(self, seconds: float) -> None:
        """Send messages for some seconds, and wait for the last answers.

        Raises:
            WrongAnswerError: a wrong message, too many, too few, or a lost connection.
        """
        self.started = perf_counter()
        self.end = self.started + seconds
        if any(peer.gone for peer in self.peers):
            self.lost(None)
        else:
            self.begin()
        await self.done
        self.elapsed = perf_counter() - self.started
        expected = self.expected()
        received = sum(peer.messages for peer in self.peers)
        if received != expected:
            raise WrongAnswerError(f"{received} messages came where {expected} should")

    def begin(self) -> None:
        raise NotImplementedError

    def expected(self) -> int:
        """The number of messages that must have come by now."""
        raise NotImplementedError

    def received(self, peer: Any, size: int) -> None:
        raise NotImplementedError

    def fail(self, why: str) -> None:
        if not self.done.done():
            self.done.set_exception(WrongAnswerError(why))

    def lost(self, peer: Any) -> None:
        self.fail("a connection was lost")


class Echo(_Load):
    """Some peers at a time send a message, and wait for it to come back.

    Args:
        peers: open websockets.
        message: what is sent.
        at_once: how many of the peers wait at a time.
    """

    def __init__(self, peers: Sequence[Peer], message: bytes, at_once: int) -> None:
        super().__init__(peers, message)
        self.at_once = min(at_once, len(peers))
        # The peer that has been silent longest is the next to send.
        self.idle = deque(peers)

    def begin(self) -> None:
        for _ in range(self.at_once):
            self._send(perf_counter())

    def expected(self) -> int:
        return self.sent

    def _send(self, now: float) -> None:
        peer = self.idle.popleft()
        peer.sent = now
        self.sent += 1
        peer.send(self.message)

    def received(self, peer: Any, size: int) -> None:
        now = perf_counter()
        if size != self.size:
            self.fail(f"{size} bytes came back where {self.size} were sent")
            return
        self.latencies.append(now - peer.sent)
        peer.messages += 1
        self.idle.append(peer)
        if now < self.end:
            self._send(now)
        elif len(self.idle) == len(self.peers):
            self.done.set_result(None)


class Fanout(_Load):
    """The first peer sends a message; when all have received it, the next one."""

    def begin(self) -> None:
        self._send(perf_counter())

    def expected(self) -> int:
        return self.sent * len(self.peers)

    def _send(self, now: float) -> None:
        self.sent_at = now
        self.missing = len(self.peers)
        self.sent += 1
        self.peers[0].send(self.message)

    def received(self, peer: Any, size: int) -> None:
        now = perf_counter()
        peer.messages += 1
        if size != self.size or peer.messages != self.sent:
            self.fail("a member of the room received something else")
            return
        self.latencies.append(now - self.sent_at)
        self.missing -= 1
        if self.missing:
            return
        if now < self.end:
            self._send(now)
        else:
            self.done.set_result(None)


async def open_many(
    count: int,
    address: str,
    path: str,
    cookie: str,
    *,
    say: bytes = b"",
    deflate: bool = False,
) -> list[Peer]:
    """Open ``count`` websockets, a few at a time; see `open_peer`."""
    peers: list[Peer] = []
    left = iter(range(count))

    async def some() -> None:
        for _ in left:
            peers.append(
                await open_peer(address, path, cookie, say=say, deflate=deflate)
            )

    async with asyncio.TaskGroup() as group:
        for _ in range(min(count, OPENING)):
            group.create_task(some())
    return peers
