"""What many connections need: the arithmetic behind stage 04's tables of capacity.

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
    """What one of each costs: seconds of a core, bytes of memory."""

    received: float  # s: a message read, brought to its handler, and answered
    delivered: float  # s: a message to one member of its group
    connection: float  # bytes of an idle connection
    handshake: float  # s: with a session and a user out of the database
    # The rest is measured apart from the benchmarks: see `COSTS`.
    stored: float = 2.8e-3  # s: the chat's unit of work around one message
    relayed: float = 40e-6  # s: a message from Redis, in one process
    published: float = 35e-6  # s of Redis: one PUBLISH
    forwarded: float = 8e-6  # s of Redis: the same to one subscribed process

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
    """What people do, and how full a machine may be."""

    messages: float = 0.01  # a second, from each connection: one in 100 s
    room: int = 50  # people who hear each message
    load: float = 0.5  # of a core that is used; the rest is for bursts
    process: int = 10_000  # connections of one process: SOCKETS["CONNECTIONS"]
    cores: int = 16  # of a machine
    writes: float = 2_000  # messages a second that one database stores: a guess
    together: bool = False  # a proxy brings all people of a room to one process


@dataclass(frozen=True)
class Need:
    """What so many connections need."""

    messages: float  # a second
    deliveries: float  # a second
    cores: float  # busy ones, of the site's processes
    processes: int
    machines: int
    memory: float  # bytes, of the connections
    relayed: float  # messages a second, from Redis to processes
    redis: float  # busy cores of Redis, each with one
    shards: int  # Redis servers
    databases: int
    comeback: float  # s until all are back after they were all cut off


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
    for _ in range(20):  # what is relayed needs processes, and those relay more
        others = 0.0 if use.together else _others(processes, use.room)
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
    lines = [["connections", *(f"{size:,}" for size in sizes)]]
    lines.append(["---", *("---:" for _ in sizes)])
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
