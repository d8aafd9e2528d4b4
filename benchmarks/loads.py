"""What the client does with its peers: two closed loops, and opening many.

A closed loop says its next message when an answer has come, so a slow server is asked
less and no queue grows without end. Its latency is therefore that of a server at its
limit: of the clients that wait at once, each waits for all before it.
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
    """A server answered something else than was asked of it."""


class _Load:
    """Some messages, until a time is up and all answers are there."""

    def __init__(self, peers: Sequence[Peer], message: bytes) -> None:
        self.peers, self.message, self.size = peers, message, len(message)
        self.latencies: list[float] = []  # seconds, one for each message heard
        self.said = 0
        self.started = self.end = 0.0
        self.done = asyncio.get_running_loop().create_future()
        for peer in peers:
            peer.owner, peer.messages = self, 0

    async def run(self, seconds: float) -> None:
        self.started = perf_counter()
        self.end = self.started + seconds
        if any(peer.gone for peer in self.peers):
            self.lost(None)
        else:
            self.begin()
        await self.done
        self.elapsed = perf_counter() - self.started
        expected = self.expected()
        heard = sum(peer.messages for peer in self.peers)
        if heard != expected:
            raise WrongAnswerError(f"{heard} messages came where {expected} should")

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
    """Some peers at a time say something and wait for it to come back."""

    def __init__(self, peers: Sequence[Peer], message: bytes, at_once: int) -> None:
        super().__init__(peers, message)
        self.at_once = min(at_once, len(peers))
        self.idle = deque(peers)  # the one that has been silent longest is next

    def begin(self) -> None:
        for _ in range(self.at_once):
            self._say(perf_counter())

    def expected(self) -> int:
        return self.said

    def _say(self, now: float) -> None:
        peer = self.idle.popleft()
        peer.sent = now
        self.said += 1
        peer.send(self.message)

    def received(self, peer: Any, size: int) -> None:
        now = perf_counter()
        if size != self.size:
            return self.fail(f"{size} bytes came back where {self.size} were sent")
        self.latencies.append(now - peer.sent)
        peer.messages += 1
        self.idle.append(peer)
        if now < self.end:
            self._say(now)
        elif len(self.idle) == len(self.peers):
            self.done.set_result(None)


class Fanout(_Load):
    """The first peer says something; when all have heard it, it says the next."""

    def begin(self) -> None:
        self._say(perf_counter())

    def expected(self) -> int:
        return self.said * len(self.peers)

    def _say(self, now: float) -> None:
        self.sent, self.missing = now, len(self.peers)
        self.said += 1
        self.peers[0].send(self.message)

    def received(self, peer: Any, size: int) -> None:
        now = perf_counter()
        peer.messages += 1
        if size != self.size or peer.messages != self.said:
            return self.fail("a member of the room heard something else")
        self.latencies.append(now - self.sent)
        self.missing -= 1
        if self.missing:
            return
        if now < self.end:
            self._say(now)
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
