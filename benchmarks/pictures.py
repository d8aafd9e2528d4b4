"""Results as pictures: bars for what was compared, lines for what grew."""

import math
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from benchmarks.results import CURVES, TABLES, Results
from workshop.pictures import svg

# Of the bars, in units of the picture.
LEFT = 190.0
RIGHT = 690.0
TOP = 56.0
ROW = 30.0
# Of the lines.
AXES = (70.0, 640.0, 56.0, 320.0)  # left, right, top, bottom
OURS = ("the layer", "stage 03", "stage 02")  # how the names of our own rows begin
LINES = ("run", "done", "note", "ready")  # colours, one for each subject


def latest() -> Results:
    """The results of the last run that was kept in ``benchmarks/results/``."""
    folder = Path(__file__).parent / "results"
    return Results.load(max(folder.glob("*.json")))


def picture(results: Results, name: str) -> svg.Picture:
    """The picture of a benchmark or a curve: ``picture(latest(), "fanout")``.

    Args:
        results: of a run that measured it.
        name: a key of ``TABLES`` or ``CURVES``.
    """
    if name in TABLES:
        return Bars(results, name)
    return Lines(results, name)


class Bars(svg.Picture):
    """A benchmark's first column, smallest first, with the spread of its rounds."""

    def __init__(self, results: Results, name: str) -> None:
        self.results = results
        self.name = name
        self.table = TABLES[name]
        self.column = self.table.columns[0]
        rows = results.tables[name].items()
        has = [row for row, figures in rows if self.column.key in figures]
        self.rows = sorted((self._figure(row), row) for row in has)
        self.title = f"{self.table.title}: {self.column.heading}"

    def _figure(self, row: str) -> float:
        # A few connections may take no page of memory: no less than nothing is drawn.
        return max(self.results.median(self.name, row, self.column.key) or 0.0, 0.0)

    def text(self) -> str:
        most = max(figure for figure, _ in self.rows) or 1.0
        lines = [self.title]
        for figure, row in self.rows:
            bar = "█" * max(1, round(figure / most * 40))
            lines.append(f"{row:<24} {bar} {figure:,.{self.column.digits}f}")
        return "\n".join(lines)

    def svg(self) -> str:
        most = max(
            max(self.results.tables[self.name][row][self.column.key])
            for _, row in self.rows
        )
        scale = (RIGHT - LEFT) / max(most, 1.0)
        shapes = [
            svg.text(16, 30, self.title, "b"),
            svg.text(svg.WIDTH - 16, 30, self.results.date[:10], "soft", "end"),
        ]
        for n, (figure, row) in enumerate(self.rows):
            shapes += self._bar(row, figure, TOP + n * ROW, scale)
        bottom = TOP + len(self.rows) * ROW
        words = "The thin line: lowest to highest round. Shorter is better."
        shapes.append(svg.text(LEFT, bottom + 16, words, "small soft"))
        return svg.document(self.title, bottom + 32, shapes)

    def _bar(self, row: str, figure: float, y: float, scale: float) -> list[str]:
        rounds = self.results.tables[self.name][row][self.column.key]
        low = LEFT + min(rounds) * scale
        high = LEFT + max(rounds) * scale
        ratio = self.results.ratio(self.name, row, self.column.key)
        words = f"{figure:,.{self.column.digits}f}"
        if ratio is not None:
            words += f"  ×{ratio:.2f}"
        weight = ""
        color = "wait"
        if row.startswith(OURS):
            weight = "b"
            color = "run"
        middle = y + ROW / 2
        return [
            svg.text(LEFT - 10, middle + 4, row, weight, "end"),
            svg.rect(LEFT, y + 5, figure * scale, ROW - 10, color),
            svg.line(low, middle, high, middle, "ink"),
            svg.text(max(high, LEFT + figure * scale) + 8, middle + 4, words, "small"),
        ]


class Lines(svg.Picture):
    """How a cost grows, on two logarithmic axes."""

    def __init__(self, results: Results, name: str) -> None:
        self.results = results
        self.curve = CURVES[name]
        self.rows = {row: results.points(name, row) for row in results.curves[name]}
        self.lines = {row: results.line(name, row) for row in self.rows}
        self.title = f"{self.curve.title}: {self.curve.y}, by {self.curve.x}"

    def text(self) -> str:
        lines = [self.title]
        for row, (xs, ys) in self.rows.items():
            points = zip(xs, ys, strict=True)
            lines.append(f"{row}: " + ", ".join(f"{x:,}: {y:,.1f}" for x, y in points))
        return "\n".join(lines)

    def svg(self) -> str:
        scales = Scales(self.rows.values())
        shapes = [svg.text(16, 30, self.title, "b")]
        shapes += scales.grid()
        words = f"{self.curve.x}; both scales are logarithmic"
        shapes.append(svg.text(scales.left, scales.bottom + 38, words, "small soft"))

        ends = []
        for color, (row, (xs, ys)) in zip(LINES, self.rows.items(), strict=False):
            places = [scales.at(x, y) for x, y in zip(xs, ys, strict=True)]
            for (x1, y1), (x2, y2) in pairwise(places):
                shapes.append(svg.line(x1, y1, x2, y2, color))
            for x, y in places:
                shapes.append(svg.rect(x - 3, y - 3, 6, 6, color))
            _, end = places[-1]
            ends.append((end, row, color))

        # Each name stands beside the end of its line, but below the name before it.
        low = 0.0
        for y, row, color in sorted(ends):
            low = max(low + 17, y + 4)
            words = row
            if self.lines[row].bends:
                words += ", bends"
            shapes.append(svg.rect(scales.right + 12, low - 9, 8, 8, color))
            shapes.append(svg.text(scales.right + 26, low, words, "small"))
        return svg.document(self.title, scales.bottom + 52, shapes)


class Scales:
    """Two logarithmic axes that hold all points.

    Args:
        rows: for each line, its xs and its ys.
    """

    def __init__(self, rows: Iterable[tuple[list[float], list[float]]]) -> None:
        self.left, self.right, self.top, self.bottom = AXES
        every_x: list[float] = []
        every_y: list[float] = []
        for xs, ys in rows:
            every_x += xs
            every_y += ys
        self.xs = sorted(set(every_x))
        # As powers of ten. A single point must not make a scale of no length.
        self.x_low = math.log10(min(every_x))
        self.x_span = math.log10(max(every_x)) - self.x_low or 1.0
        self.y_low = math.floor(math.log10(min(every_y)))
        self.y_high = math.ceil(math.log10(max(every_y)))
        self.y_span = self.y_high - self.y_low or 1

    def at(self, x: float, y: float) -> tuple[float, float]:
        """The place of a point in the picture."""
        across = (math.log10(x) - self.x_low) / self.x_span
        up = (math.log10(y) - self.y_low) / self.y_span
        return (
            self.left + (self.right - self.left) * across,
            self.bottom - (self.bottom - self.top) * up,
        )

    def grid(self) -> list[str]:
        """A line for each power of ten across, and for each x upwards."""
        shapes = []
        for power in range(self.y_low, self.y_high + 1):
            _, y = self.at(self.xs[0], 10.0**power)
            shapes.append(svg.line(self.left, y, self.right, y))
            label = f"{10.0**power:,g}"
            shapes.append(svg.text(self.left - 8, y + 4, label, "small", "end"))
        for x in self.xs:
            across, _ = self.at(x, 10.0**self.y_low)
            shapes.append(svg.line(across, self.top, across, self.bottom))
            label = f"{x:,}"
            shapes.append(svg.text(across, self.bottom + 18, label, "small", "middle"))
        return shapes
