"""Results as pictures: bars for what was compared, lines for what grew."""

import math
from itertools import pairwise
from pathlib import Path

from benchmarks.results import CURVES, TABLES, Results
from workshop.pictures import svg

LEFT, RIGHT, TOP, ROW = 190.0, 690.0, 56.0, 30.0
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
    return Bars(results, name) if name in TABLES else Lines(results, name)


class Bars(svg.Picture):
    """A benchmark's first column, smallest first, with the spread of its rounds."""

    def __init__(self, results: Results, name: str) -> None:
        self.results, self.name, self.table = results, name, TABLES[name]
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
        low, high = LEFT + min(rounds) * scale, LEFT + max(rounds) * scale
        ratio = self.results.ratio(self.name, row, self.column.key)
        words = f"{figure:,.{self.column.digits}f}"
        if ratio is not None:
            words += f"  ×{ratio:.2f}"
        ours = row.startswith(OURS)
        middle = y + ROW / 2
        return [
            svg.text(LEFT - 10, middle + 4, row, "b" if ours else "", "end"),
            svg.rect(LEFT, y + 5, figure * scale, ROW - 10, "run" if ours else "wait"),
            svg.line(low, middle, high, middle, "ink"),
            svg.text(max(high, LEFT + figure * scale) + 8, middle + 4, words, "small"),
        ]


class Lines(svg.Picture):
    """How a cost grows, on two logarithmic axes."""

    def __init__(self, results: Results, name: str) -> None:
        self.results, self.curve = results, CURVES[name]
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
        left, right, top, bottom = 70.0, 640.0, 56.0, 320.0
        xs = [x for row, _ in self.rows.values() for x in row]
        ys = [y for _, row in self.rows.values() for y in row]
        x_low, x_high = math.log10(min(xs)), math.log10(max(xs))
        y_low, y_high = math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys)))

        def at(x: float, y: float) -> tuple[float, float]:
            across = (math.log10(x) - x_low) / ((x_high - x_low) or 1)
            up = (math.log10(y) - y_low) / ((y_high - y_low) or 1)
            return left + (right - left) * across, bottom - (bottom - top) * up

        shapes = [svg.text(16, 30, self.title, "b")]
        for power in range(y_low, y_high + 1):
            y = at(10**x_low, 10**power)[1]
            shapes.append(svg.line(left, y, right, y))
            shapes.append(
                svg.text(left - 8, y + 4, f"{10.0**power:,g}", "small", "end")
            )
        for x in sorted(set(xs)):
            across = at(x, 10**y_low)[0]
            shapes.append(svg.line(across, top, across, bottom))
            shapes.append(svg.text(across, bottom + 18, f"{x:,}", "small", "middle"))
        words = f"{self.curve.x}; both scales are logarithmic"
        shapes.append(svg.text(left, bottom + 38, words, "small soft"))
        ends = []
        for color, (row, (xs, ys)) in zip(LINES, self.rows.items(), strict=False):
            places = [at(x, y) for x, y in zip(xs, ys, strict=True)]
            for (x1, y1), (x2, y2) in pairwise(places):
                shapes.append(svg.line(x1, y1, x2, y2, color))
            shapes += [svg.rect(x - 3, y - 3, 6, 6, color) for x, y in places]
            ends.append((places[-1][1], row, color))
        low = 0.0
        for y, row, color in sorted(ends):  # names do not cover each other
            low = max(low + 17, y + 4)
            bends = ", bends" if self.lines[row].bends else ""
            shapes.append(svg.rect(right + 12, low - 9, 8, 8, color))
            shapes.append(svg.text(right + 26, low, row + bends, "small"))
        return svg.document(self.title, bottom + 52, shapes)
