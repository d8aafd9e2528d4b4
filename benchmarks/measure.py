"""One measurement: a server that runs, peers that ask, and numbers.

CPU time is the server's, by the operating system's accounting, from before the first
message to after the last one; divided by the messages. Each measurement has a shorter
one before it that does not count.
"""

import statistics
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any, NamedTuple

from benchmarks.loads import Echo, Fanout, open_many
from benchmarks.peer import Peer
from benchmarks.processes import Server

SPARE = 200  # file descriptors for all that is no peer


@dataclass(frozen=True)
class Scale:
    """How much is measured.

    Attributes:
        seconds: of each load.
        warm_up: seconds of the load that does not count.
        message: bytes.
        clients: of an echo.
        members: of a room.
        idle: connections that are there before, and how many more are opened.
        switches: between tasks.
        growth_seconds: of each point of a curve.
        growth_rounds: how often a curve is measured; 0: not at all.
        connections: the points of the curve of open connections.
        bytes: those of the curve of message sizes.
        group: those of the curve of a group's members.
        groups: those of the curve of other groups.
        beside: members of the room that is measured beside other groups.
    """

    seconds: float = 1.5
    warm_up: float = 0.3
    message: int = 32
    clients: int = 64
    members: int = 200
    idle: tuple[int, int] = (100, 500)
    switches: int = 20_000
    growth_seconds: float = 0.5
    growth_rounds: int = 3
    connections: tuple[int, ...] = (10, 100, 1000, 2500, 5000)
    bytes: tuple[int, ...] = (16, 256, 4096, 16_384, 65_536)
    group: tuple[int, ...] = (1, 10, 100, 500, 1000, 2000)
    groups: tuple[int, ...] = (1, 100, 1000, 5000, 10_000)
    beside: int = 50

    def descriptors(self) -> int:
        """Sockets that the client needs at once, at most."""
        first, more = self.idle
        counts = [first + 2 * more, self.clients, self.members]
        counts += self.connections
        counts += self.group
        return SPARE + max(counts)


FULL = Scale()
QUICK = Scale(seconds=0.4, warm_up=0.1, idle=(50, 200), switches=5_000, growth_rounds=0)


class Spent(NamedTuple):
    """The cost of a load."""

    cpu: float  # seconds, of the server
    load: Any


async def spend(
    server: Server, make: Callable[[], Any], seconds: float, warm_up: float
) -> Spent:
    """Run a load twice, and measure the second time."""
    await make().run(warm_up)
    load = make()
    before = server.cpu()
    await load.run(seconds)
    return Spent(server.cpu() - before, load)


@asynccontextmanager
async def opened(
    server: Server,
    count: int,
    path: str,
    say: bytes = b"",
    *,
    deflate: bool = False,
    cookie: str | None = None,
) -> AsyncIterator[list[Peer]]:
    """``count`` open websockets, for the length of the block; see `open_peer`."""
    if cookie is None:
        cookie = server.cookie
    peers = await open_many(
        count, server.address, path, cookie, say=say, deflate=deflate
    )
    try:
        yield peers
    finally:
        for peer in peers:
            peer.close()


async def echo(server: Server, scale: Scale) -> dict[str, float]:
    message = b"x" * scale.message
    async with opened(server, scale.clients, "/echo", message) as peers:
        spent = await spend(
            server,
            lambda: Echo(peers, message, scale.clients),
            scale.seconds,
            scale.warm_up,
        )
    return _figures(spent)


async def fanout(server: Server, scale: Scale) -> dict[str, float]:
    message = b"x" * scale.message
    async with opened(server, scale.members, "/room/a") as peers:
        spent = await spend(
            server, lambda: Fanout(peers, message), scale.seconds, scale.warm_up
        )
    return _figures(spent)


def _figures(spent: Spent) -> dict[str, float]:
    count = len(spent.load.latencies)
    percentiles = statistics.quantiles(spent.load.latencies, n=100)
    return {
        "messages": count,
        "cpu_us": spent.cpu / count * 1e6,
        "per_second": count / spent.load.elapsed,
        "p50_ms": percentiles[49] * 1e3,
        "p99_ms": percentiles[98] * 1e3,
    }


async def idle(server: Server, scale: Scale) -> dict[str, float]:
    """Open some, then more; then as many that offer permessage-deflate.

    Each has sent one message and received one, so that its buffers are there. The
    figure is the slope: memory of the second lot, divided by its number.
    """
    message = b"x" * scale.message
    first, more = scale.idle
    async with opened(server, first, "/echo", message):
        memory = server.memory()
        cpu = server.cpu()
        now = perf_counter()
        async with opened(server, more, "/echo", message):
            elapsed = perf_counter() - now
            figures = {
                "messages": first + more,
                "kb": (server.memory() - memory) / more / 1024,
                "handshake_us": (server.cpu() - cpu) / more * 1e6,
                "per_second": more / elapsed,
            }
            memory = server.memory()
            async with opened(server, more, "/echo", message, deflate=True) as peers:
                if all(peer.deflates for peer in peers):
                    grown = server.memory() - memory
                    figures["kb_deflate"] = grown / more / 1024
    return figures


# How cost grows: one server for all points of a curve, from the smallest up. No user is
# logged in, so that thousands of connections are soon there.


async def connections(
    server: Server, scale: Scale, counts: Sequence[int]
) -> list[float]:
    """CPU µs of an echo, while so many are open and take turns."""
    message = b"x" * scale.message
    costs = []
    async with AsyncExitStack() as stack:
        peers: list[Peer] = []
        for count in counts:
            more = opened(server, count - len(peers), "/echo", message, cookie="")
            peers += await stack.enter_async_context(more)
            costs.append(
                await _cost(server, scale, Echo, peers, message, scale.clients)
            )
    return costs


async def sizes(server: Server, scale: Scale, sizes: Sequence[int]) -> list[float]:
    """CPU µs of an echo of so many bytes."""
    costs = []
    async with opened(server, scale.clients, "/echo", b"x", cookie="") as peers:
        for size in sizes:
            message = b"x" * size
            costs.append(
                await _cost(server, scale, Echo, peers, message, scale.clients)
            )
    return costs


async def members(server: Server, scale: Scale, counts: Sequence[int]) -> list[float]:
    """CPU µs of one message to a group of so many."""
    message = b"x" * scale.message
    costs = []
    async with AsyncExitStack() as stack:
        peers: list[Peer] = []
        for count in counts:
            more = opened(server, count - len(peers), "/room/a", cookie="")
            peers += await stack.enter_async_context(more)
            costs.append(await _cost(server, scale, Fanout, peers, message))
    return costs


async def groups(server: Server, scale: Scale, counts: Sequence[int]) -> list[float]:
    """CPU µs of one message to a small group, while there are so many other groups."""
    message = b"x" * scale.message
    costs = []
    there = 0
    async with (
        opened(server, scale.beside, "/room/a", cookie="") as peers,
        AsyncExitStack() as stack,
    ):
        for count in counts:
            path = f"/rooms/{there}/{count - there}"
            await stack.enter_async_context(opened(server, 1, path, cookie=""))
            there = count
            costs.append(await _cost(server, scale, Fanout, peers, message))
    return costs


async def _cost(server: Server, scale: Scale, load: Any, *arguments: Any) -> float:
    """CPU µs of each message that the client sends."""
    spent = await spend(
        server, lambda: load(*arguments), scale.growth_seconds, scale.warm_up
    )
    return float(spent.cpu / spent.load.sent * 1e6)
