"""Results as text on a terminal, and as Markdown in the READMEs."""

import re
from collections.abc import Iterator
from pathlib import Path

from benchmarks import capacity, pictures
from benchmarks.results import CURVES, TABLES, Change, Results
from benchmarks.subjects import ECHO, FANOUT, IDLE

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "benchmarks" / "README.md"
REFERENCE = ROOT / "04_django_wrapper" / "REFERENCE.md"
DEPLOYMENT = ROOT / "04_django_wrapper" / "deployment" / "README.md"
RESULTS = ROOT / "benchmarks" / "results"

Rows = list[list[str]]


def table(results: Results, name: str) -> Rows:
    """A benchmark's table, the heading first: medians, spread, ratios."""
    kind = TABLES[name]
    heading = [""]
    for column in kind.columns:
        heading.append(column.heading)
        if column.compared:
            heading += ["from–to", f"× {kind.base}"]
    rows = [heading]
    for row, figures in results.tables[name].items():
        cells = [row]
        for column in kind.columns:
            middle = results.median(name, row, column.key)
            if middle is None:
                cells.append("–")
                continue
            digits = column.digits
            cells.append(f"{middle:,.{digits}f}")
            if column.compared:
                low = min(figures[column.key])
                high = max(figures[column.key])
                cells.append(f"{low:,.{digits}f}–{high:,.{digits}f}")
                cells.append(_ratio(results.ratio(name, row, column.key)))
        rows.append(cells)
    return rows


def _ratio(ratio: float | None) -> str:
    """Two digits; a dash if there is nothing to compare with."""
    if ratio is None:
        return "–"
    return f"{ratio:.2f}"


SUMMARY = ("bare ASGI", "the layer", "Channels")


def summary(results: Results) -> Rows:
    """Three subjects only, and only what is compared."""
    rows = [["", *SUMMARY]]
    for name in (ECHO, FANOUT, IDLE):
        for column in TABLES[name].columns:
            if column.compared:
                cells = [f"{TABLES[name].title}: {column.heading}"]
                for row in SUMMARY:
                    figure = results.median(name, row, column.key)
                    ratio = results.ratio(name, row, column.key)
                    told = f"{figure or 0:,.{column.digits}f}"
                    cells.append(f"{told} (×{ratio or 0:.2f})")
                rows.append(cells)
    return rows


def curve(results: Results, name: str) -> Rows:
    """A curve's points and its line."""
    kind = CURVES[name]
    more = "one more"
    if kind.unit > 1:
        more = f"{kind.unit:,} more"
    xs = max((points["x"] for points in results.curves[name].values()), key=len)
    heading = ["", *(f"{x:,}" for x in xs), "at 0", f"µs for {more}", "furthest off"]
    rows = [heading]
    for row in results.curves[name]:
        _, ys = results.points(name, row)
        line = results.line(name, row)
        off = f"{line.off:.0%}"
        if line.bends:
            off += ", **it bends**"
        slope = line.slope * kind.unit
        rows.append([row, *map(_short, ys), _short(line.start), f"{slope:,.2f}", off])
    return rows


def _short(value: float) -> str:
    if abs(value) < 100:
        return f"{value:,.1f}"
    return f"{value:,.0f}"


def markdown(rows: Rows) -> str:
    heading, *body = rows
    rule = ["---"]
    rule += ["---:" for _ in heading[1:]]
    lines = [heading, rule, *body]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def plain(rows: Rows) -> str:
    """The same for a terminal, in columns."""
    clean = [[cell.replace("*", "") for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*clean, strict=True)]
    lines = []
    for first, *cells in clean:
        sized = zip(cells, widths[1:], strict=True)
        right = "  ".join(f"{cell:>{width}}" for cell, width in sized)
        lines.append(f"{first:<{widths[0]}}  {right}".rstrip())
    return "\n".join(lines)


def where(results: Results) -> str:
    """Date, machine and versions, in one paragraph."""
    machine = results.machine
    versions = ", ".join(f"{name} {v}" for name, v in results.versions.items())
    return (
        f"{results.date} UTC, {results.scale['rounds']} rounds. {machine['cpu']}, "
        f"{machine['cores']} cores, {machine['system']}, {machine['python']}, "
        f"{machine['loop']}. {versions}."
    )


def text(results: Results) -> str:
    """All of it, for a terminal."""
    parts = [where(results), *results.notes]
    for name in filter(results.has, TABLES):
        parts.append(f"{TABLES[name].title}\n{plain(table(results, name))}")
    for name in filter(results.has, CURVES):
        kind = CURVES[name]
        title = f"{kind.title}: {kind.y}, by {kind.x}"
        parts.append(f"{title}\n{plain(curve(results, name))}")
    return "\n\n".join(parts)


def changes(found: list[Change], then: Results) -> str:
    """Ratios now and then. A ratio that moved by more than a tenth is marked."""
    rows = [["ratio", "", "then", "now", ""]]
    for change in found:
        moved = ""
        if change.moved:
            moved = f"{change.now / change.then - 1:+.0%}"
        row = [change.row, change.heading, f"{change.then:.2f}", f"{change.now:.2f}"]
        rows.append([*row, moved])
    count = sum(change.moved for change in found)
    said = f"{count} of {len(found)} ratios moved by more than 10 % since {then.date}."
    return f"{plain(rows)}\n\n{said}"


# Into the READMEs, between <!-- bench NAME --> and <!-- end -->.

MARKED = re.compile(r"(<!-- bench (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def block(results: Results, name: str) -> str:
    """The text between the markers of ``name``."""
    if name == "where":
        lines = [where(results)]
        lines += [f"* {note}" for note in results.notes]
        return "\n".join(lines)
    if name == "summary":
        return markdown(summary(results))
    if name == "capacity":
        return capacity.text(results)
    if name in TABLES:
        return markdown(table(results, name))
    return markdown(curve(results, name))


def filled(readme: str, results: Results) -> str:
    """A README with all its marked blocks written anew."""
    return MARKED.sub(
        lambda found: f"{found[1]}\n{block(results, found[2])}\n\n{found[3]}", readme
    )


def publish(results: Results) -> Iterator[Path]:
    """Write the tables into the READMEs, and the pictures beside the results."""
    for readme in (README, REFERENCE, DEPLOYMENT):
        readme.write_text(filled(readme.read_text("utf-8"), results), "utf-8")
        yield readme
    for name in [*TABLES, *CURVES]:
        path = RESULTS / f"{name}.svg"
        path.write_text(pictures.picture(results, name).svg(), "utf-8")
        yield path
