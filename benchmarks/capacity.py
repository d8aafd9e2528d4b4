"""The needs of many connections: the arithmetic behind stage 04's tables of capacity.

The costs are measured, the use is assumed: a result without both means nothing. Put
your own figures into `Use`, then ``python -m benchmarks.capacity`` prints the tables.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil

from benchmarks.results import Results
from benchmarks.subjects import ECHO, FANOUT, IDLE

LAYER = "the layer"


@dataclass(frozen=True)
class Costs:
    """The cost of one of each: seconds of a core, bytes of memory.

    Attributes:
        received: s: a message is read, brought to its handler, and answered.
        delivered: s: a message goes to one member of its group.
        connection: bytes of an idle connection.
        handshake: s: with a session and a user out of the database.
        stored: s: the chat's unit of work around one message.
        relayed: s: a message from Redis, in one process.
        published: s of Redis: one PUBLISH.
        forwarded: s of Redis: the same to one subscribed process.
    """

    received: float
    delivered: float
    connection: float
    handshake: float
    # The rest is measured apart from the benchmarks: see `COSTS`.
    stored: float = 2.8e-3
    relayed: float = 40e-6
    published: float = 35e-6
    forwarded: float = 8e-6

    @classmethod
    def of(cls, results: Results) -> "Costs":
        """Those of a run of the benchmarks."""

        def figure(benchmark: str, key: str) -> float:
            return results.median(benchmark, LAYER, key) or 0.0

        return cls(
            received=figure(ECHO, "cpu_us") / 1e6,
            delivered=figure(FANOUT, "cpu_us") / 1e6,
            connection=figure(IDLE, "kb") * 1024,
            handshake=figure(IDLE, "handshake_us") / 1e6,
        )


@dataclass(frozen=True)
class Use:
    """How people use the site, and how full a machine may be.

    Attributes:
        messages: a second, from each connection: one in 100 s.
        room: people who receive each message.
        load: the part of a core that is used; the rest is for bursts.
        process: connections of one process: ``SOCKETS["CONNECTIONS"]``.
        cores: of a machine.
        writes: messages a second that one database stores: a guess.
        together: whether a proxy brings all people of a room to one process.
    """

    messages: float = 0.01
    room: int = 50
    load: float = 0.5
    process: int = 10_000
    cores: int = 16
    writes: float = 2_000
    together: bool = False


@dataclass(frozen=True)
class Need:
    """The needs of so many connections.

    Attributes:
        messages: a second.
        deliveries: a second.
        cores: busy ones, of the site's processes.
        processes: of the site.
        machines: for these processes.
        memory: bytes, of the connections.
        relayed: messages a second, from Redis to processes.
        redis: busy cores of Redis, which uses one in each server.
        shards: Redis servers.
        databases: that store.
        comeback: s until all are back after all were cut off.
    """

    messages: float
    deliveries: float
    cores: float
    processes: int
    machines: int
    memory: float
    relayed: float
    redis: float
    shards: int
    databases: int
    comeback: float


def need(connections: int, costs: Costs, use: Use) -> Need:
    """Add up what ``connections`` open websockets need.

    Members of a room are spread over the processes by chance, so a message goes to
    nearly as many processes as the room has people, once there are more processes.
    """
    messages = connections * use.messages
    deliveries = messages * use.room
    here = messages * (costs.received + costs.stored) + deliveries * costs.delivered
    fewest = ceil(connections / use.process)
    processes = max(fewest, ceil(here / use.load))
    # Relayed messages need processes, and more processes relay more: a few rounds, so
    # that the number no longer changes.
    for _ in range(20):
        others = 0.0
        if not use.together:
            others = _others(processes, use.room)
        cores = here + messages * others * costs.relayed
        processes = max(fewest, ceil(cores / use.load))
    redis = messages * (costs.published + others * costs.forwarded)
    return Need(
        messages=messages,
        deliveries=deliveries,
        cores=cores,
        processes=processes,
        machines=ceil(processes / use.cores),
        memory=connections * costs.connection,
        relayed=messages * others,
        redis=redis,
        shards=ceil(redis / use.load) if processes > 1 else 0,
        databases=ceil(messages / use.writes),
        comeback=connections * costs.handshake / processes,
    )


def _others(processes: int, room: int) -> float:
    """Processes beside the sender's that have at least one of a room's people."""
    return (processes - 1) * (1 - (1 - 1 / processes) ** (room - 1))


ROWS: tuple[tuple[str, Callable[[Need], str]], ...] = (
    ("messages a second", lambda n: f"{n.messages:,.0f}"),
    ("deliveries a second", lambda n: f"{n.deliveries:,.0f}"),
    ("busy cores of the site", lambda n: f"{n.cores:,.1f}"),
    ("processes", lambda n: f"{n.processes:,}"),
    ("machines", lambda n: f"{n.machines:,}"),
    ("memory of the connections, GB", lambda n: f"{n.memory / 1e9:,.1f}"),
    ("messages a second from Redis to processes", lambda n: f"{n.relayed:,.0f}"),
    ("Redis servers, each on a core", lambda n: f"{n.shards:,}"),
    ("databases that store", lambda n: f"{n.databases:,}"),
    ("seconds until all are back at once", lambda n: f"{n.comeback:,.0f}"),
)


def table(costs: Costs, use: Use, *sizes: int) -> str:
    """The needs of several sizes beside each other, in Markdown."""
    apart = [need(size, costs, use) for size in sizes]
    together = [need(size, costs, replace(use, together=True)) for size in sizes]
    lines = [["connections"], ["---"]]
    for size in sizes:
        lines[0].append(f"{size:,}")
        lines[1].append("---:")
    lines += [[name, *map(show, apart)] for name, show in ROWS]
    lines += [
        [f"{name}, if each room is in one process", *map(show, together)]
        for name, show in ROWS
        if [*map(show, together)] != [*map(show, apart)]
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


SIZES = (10_000, 1_000_000, 100_000_000)

COSTS: tuple[tuple[str, Callable[[Costs], str], str], ...] = (
    (
        "a message received and answered",
        lambda c: f"{c.received * 1e6:.0f} µs",
        "`bench echo`",
    ),
    (
        "a message to one member",
        lambda c: f"{c.delivered * 1e6:.0f} µs",
        "`bench fanout`",
    ),
    (
        "an idle connection",
        lambda c: f"{c.connection / 1024:.0f} KB",
        "`bench idle`",
    ),
    (
        "a handshake with a session",
        lambda c: f"{c.handshake * 1e3:.1f} ms",
        "`bench idle`",
    ),
    (
        "a message stored",
        lambda c: f"{c.stored * 1e3:.1f} ms",
        "`pytest -s tests/04_django_wrapper/test_chat_cost.py`",
    ),
    (
        "a message from Redis, in one process",
        lambda c: f"{c.relayed * 1e6:.0f} µs",
        "the process's CPU time for messages one at a time",
    ),
    (
        "Redis: to publish a message",
        lambda c: f"{c.published * 1e6:.0f} µs",
        "`python benchmarks/redis_cost.py`",
    ),
    (
        "Redis: to pass it on to one process",
        lambda c: f"{c.forwarded * 1e6:.0f} µs",
        "the same",
    ),
)


def text(results: Results) -> str:
    """Both tables, in Markdown."""
    costs = Costs.of(results)
    lines = ["| what it costs | | measured by |", "| --- | ---: | --- |"]
    lines += [f"| {name} | {show(costs)} | {how} |" for name, show, how in COSTS]
    return "\n".join(lines) + "\n\n" + table(costs, Use(), *SIZES)


if __name__ == "__main__":
    from benchmarks.pictures import latest

    print(text(latest()))
