"""The figures of a run, with the machine, the versions and the date; kept as JSON.

Every round's figure is kept, and the tables show the median of the rounds. A ratio is
made within each round, since a machine that is slow for a while slows both sides of it.
The tables show the median of these ratios.
"""

import json
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Self

from benchmarks.subjects import BARE, ECHO, FANOUT, IDLE

SWITCH = "switch"
MOVED = 0.10  # a ratio that differs by more than this from an earlier run has moved
BENT = 0.15  # a curve with a point further than this from its line bends

Rounds = dict[str, list[float]]  # what was measured → its figure in each round
Points = dict[str, list[Any]]  # "x": what grew; "y": for each x the rounds' figures


class Column(NamedTuple):
    """One column of a table."""

    key: str
    heading: str
    digits: int = 1
    compared: bool = False  # also as a ratio


class Table(NamedTuple):
    """One benchmark's table."""

    title: str
    base: str  # the row that the ratios are against
    columns: list[Column]


TABLES = {
    ECHO: Table(
        "Echo",
        BARE,
        [
            Column("cpu_us", "CPU µs per message", 1, True),
            Column("per_second", "messages/s", 0),
            Column("p50_ms", "p50, ms", 2),
            Column("p99_ms", "p99, ms", 2),
        ],
    ),
    FANOUT: Table(
        "Fan-out",
        BARE,
        [
            Column("cpu_us", "CPU µs per delivery", 1, True),
            Column("per_second", "deliveries/s", 0),
            Column("p50_ms", "p50, ms", 2),
            Column("p99_ms", "p99, ms", 2),
        ],
    ),
    IDLE: Table(
        "Idle connections and handshakes",
        BARE,
        [
            Column("kb", "KB per connection", 1, True),
            Column("kb_deflate", "KB with permessage-deflate"),
            Column("handshake_us", "CPU µs per handshake", 0, True),
            Column("per_second", "handshakes/s", 0),
        ],
    ),
    SWITCH: Table("Switch", "asyncio", [Column("ns", "ns per switch", 0, True)]),
}


class Curve(NamedTuple):
    """One way in which cost may grow."""

    benchmark: str  # with which it is measured
    title: str
    x: str  # what grows
    y: str  # what is measured
    unit: int  # the slope is told for so much more of x
    scale: str  # the field of Scale with the points


CURVES = {
    "connections": Curve(
        ECHO,
        "Connections",
        "open connections",
        "CPU µs per message",
        1000,
        "connections",
    ),
    "sizes": Curve(
        ECHO, "Message size", "bytes in a message", "CPU µs per message", 1024, "bytes"
    ),
    "members": Curve(
        FANOUT,
        "Group size",
        "members of the group",
        "CPU µs per message to the group",
        1,
        "group",
    ),
    "groups": Curve(
        FANOUT,
        "Groups",
        "other groups",
        "CPU µs per message to a group of 50",
        1000,
        "groups",
    ),
}


class Line(NamedTuple):
    """A straight line through some points, and how far they are from it."""

    start: float  # at x = 0
    slope: float  # for one more of x
    off: float  # of the point that is furthest off, as a part of its own height

    @property
    def bends(self) -> bool:
        return self.off > BENT


def fit(xs: list[float], ys: list[float]) -> Line:
    """The line of least squares, where each error counts as a part of its ``y``.

    The points lie decades apart; without these weights only the last would count.
    (Weighted least squares with the weights 1/y².)
    """
    weights = [1 / y**2 for y in ys]
    total = sum(weights)
    x_mean = sum(w * x for w, x in zip(weights, xs, strict=True)) / total
    y_mean = sum(w * y for w, y in zip(weights, ys, strict=True)) / total
    points = list(zip(weights, xs, ys, strict=True))
    spread = sum(w * (x - x_mean) ** 2 for w, x, _ in points)
    slope = sum(w * (x - x_mean) * (y - y_mean) for w, x, y in points)
    # With one point only, there is no slope.
    slope = slope / spread if spread else 0.0
    start = y_mean - slope * x_mean
    return Line(start, slope, max(abs(start + slope * x - y) / y for _, x, y in points))


@dataclass
class Results:
    """One run."""

    date: str  # and time, UTC, ISO 8601
    machine: dict[str, Any]
    versions: dict[str, str]
    scale: dict[str, Any]  # how much was measured
    notes: list[str] = field(default_factory=list)  # what was left out, and why
    tables: dict[str, dict[str, Rounds]] = field(default_factory=dict)
    curves: dict[str, dict[str, Points]] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what ``save`` has written.

        Raises:
            OSError: the file cannot be read.
            ValueError: it holds something else.
        """
        try:
            return cls(**json.loads(path.read_text("utf-8")))
        except TypeError:
            raise ValueError("it is JSON, but no results of a run") from None

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", "utf-8")

    def has(self, name: str) -> bool:
        """Whether there are figures of a table or a curve."""
        return bool(self.tables.get(name) or self.curves.get(name))

    def median(self, table: str, row: str, key: str) -> float | None:
        """None: it was not measured."""
        figures = self.tables[table][row].get(key)
        if not figures:
            return None
        return statistics.median(figures)

    def ratio(self, table: str, row: str, key: str) -> float | None:
        """Against the base row of the table, as the median of the rounds' ratios."""
        base = self.tables[table].get(TABLES[table].base, {}).get(key)
        figures = self.tables[table][row].get(key)
        if not base or not figures or not all(base):
            return None
        return statistics.median(a / b for a, b in zip(figures, base, strict=True))

    def points(self, curve: str, row: str) -> tuple[list[float], list[float]]:
        """The points of a curve: what grew, and the medians of the rounds."""
        points = self.curves[curve][row]
        return points["x"], [statistics.median(figures) for figures in points["y"]]

    def line(self, curve: str, row: str) -> Line:
        return fit(*self.points(curve, row))


class Change(NamedTuple):
    """One ratio, in two runs."""

    table: str
    row: str
    heading: str
    then: float
    now: float

    @property
    def moved(self) -> bool:
        return abs(self.now / self.then - 1) > MOVED


def compare(now: Results, then: Results) -> list[Change]:
    """All ratios that both runs have."""
    changes = []
    for name, rows in now.tables.items():
        for row in rows:
            for column in TABLES[name].columns:
                if (
                    not column.compared
                    or row == TABLES[name].base
                    or row not in then.tables.get(name, {})
                ):
                    continue
                ratio = now.ratio(name, row, column.key)
                before = then.ratio(name, row, column.key)
                if ratio is not None and before is not None:
                    heading = column.heading
                    changes.append(Change(name, row, heading, before, ratio))
    return changes
