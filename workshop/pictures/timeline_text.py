"""A timeline as text: one line a task, then what was printed, then the error."""

from math import ceil

from workshop.pictures.spans import Rows, Span

COLUMNS = 80
NAME = 30  # columns for a name, at most
ENDING = 24  # and for how a task ended
# Each kind of span with its letter; later ones are drawn over earlier ones.
LETTERS = {"wait": "─", "ready": "░", "thread": "▒", "run": "█"}


def drawn(rows: Rows, error: str) -> str:
    """The picture.

    Args:
        rows: what it shows.
        error: a traceback, or ``""``.
    """
    endings = {track: track.error or track.outcome.value for track in rows.spans}
    name_width = _width(list(rows.names.values()), NAME)
    ending_width = _width(list(endings.values()), ENDING)
    columns = COLUMNS - name_width - ending_width - 2

    lines = [f"{rows.title} · {rows.summary}".removeprefix(" · ")]
    for track, spans in rows.spans.items():
        name = _cut(rows.names.get(track, track.name), name_width)
        bar = _bar(spans, rows.ended or 1e-9, columns)
        lines.append(f"{name:{name_width}} {bar} {endings[track]}")
    for note in rows.notes:
        who = rows.names.get(note.track, "") if note.track else "a callback"
        lines.append(f"{note.at:7.3f} s  {who} prints {note.text}")
    lines = [_cut(line, COLUMNS) for line in lines]

    # The error in full: a long line of it goes on in the next row.
    for line in error.splitlines():
        for start in range(0, max(len(line), 1), COLUMNS):
            lines.append(line[start : start + COLUMNS])
    return "\n".join(lines)


def _width(words: list[str], most: int) -> int:
    """Columns for the longest of some words."""
    longest = max((len(word) for word in words), default=0)
    return min(max(longest, 4), most)


def _cut(words: str, width: int) -> str:
    if len(words) <= width:
        return words
    return words[: width - 1] + "…"


def _bar(spans: list[Span], ended: float, columns: int) -> str:
    """The stretches of one task, one letter a column."""
    cells = [" "] * columns
    for kind, letter in LETTERS.items():
        for span in spans:
            if span.kind != kind:
                continue
            # A task is ready for some microseconds before nearly every step. Only what
            # is wider than a column says something.
            if kind == "ready" and span.end - span.start <= ended / columns:
                continue
            first = min(int(span.start / ended * columns), columns - 1)
            last = max(ceil(span.end / ended * columns), first + 1)
            last = min(last, columns)
            cells[first:last] = letter * (last - first)
    return "".join(cells)
