"""A timeline as SVG: rows from the top, then the axis, then the legend."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from workshop.pictures import svg
from workshop.pictures.recorder import Outcome, Place, Track
from workshop.pictures.spans import Rows, Span

# Each kind of span with its words and its colour of the palette.
LEGEND = {
    "run": ("running", "run"),
    "wait": ("waiting", "wait"),
    "ready": ("ready, but another one runs", "ready"),
    "thread": ("in a worker thread", "soft"),
    "note": ("printed", "note"),
}
MARKS = {
    Outcome.RETURNED: "✓",
    Outcome.RAISED: "✗",
    Outcome.CANCELLED: "⊘",
    Outcome.LOST: "✗",
}
# Learners print what they like; https://www.w3.org/TR/xml/#charsets
NOT_XML = re.compile("[^\\t\\n\\r -\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
SMALL = 6.7  # width of a small monospaced character, rounded up
NAMES = 430.0  # width of the tasks' names, at most
ENDINGS = 240.0  # and of how they ended
TALL = 40.0  # a row that is taller has space for words below its bar
NOTE_LANES = 8  # rows of printed texts above the bars; more are only marked


class PlacedNote(NamedTuple):
    """A printed text in the picture.

    Attributes:
        x: the moment at which it was printed.
        start: its left edge.
        lane: its row from the top; -1: there is no space, it is only marked.
        words: what is shown of it.
    """

    x: float
    start: float
    lane: int
    words: str


class Drawing:
    """One SVG of a timeline.

    Args:
        rows: what it shows.
    """

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.ended = rows.ended or 1e-6
        # While it grows, the axis stands still for a while, so that one can read it.
        self.horizon = self.ended if rows.finished else horizon(self.ended)

        longest = max([4, *(len(name) for name in rows.names.values())])
        self.left = min(40 + longest * svg.CHARACTER, NAMES)
        self.endings = {track: _ending(track) for track in rows.spans}
        longest = max([17, *(len(words) for words in self.endings.values())])
        self.right = svg.WIDTH - 16 - min(longest * SMALL, ENDINGS)

        self.notes = self._placed_notes()
        lanes = max([note.lane + 1 for note in self.notes], default=0)
        self.top = 44.0 + lanes * 16
        count = len(rows.spans)
        self.row = _row_height(count)
        self.bottom = self.top + self.row * max(count, 1)

    def document(self) -> str:
        """The whole picture."""
        shapes = [
            svg.text(16, 28, svg.fitted(self.rows.title, 420), "b"),
            svg.text(svg.WIDTH - 16, 28, self.rows.summary, "soft", "end"),
            *self._axis(),
        ]
        y = self.top
        for track, spans in self.rows.spans.items():
            shapes += self._track(track, spans, y)
            y += self.row
        shapes += self._printed()
        shapes += self._legend()
        title = f"Timeline of {self.rows.title}: {self.rows.summary}"
        document = svg.document(title, self.bottom + 54, shapes)
        return NOT_XML.sub("\N{REPLACEMENT CHARACTER}", document)

    def x(self, at: float) -> float:
        """The place of a moment, in units from the left."""
        return self.left + (self.right - self.left) * min(at / self.horizon, 1)

    def _axis(self) -> Iterator[str]:
        step = horizon(self.horizon / 8)
        count = int(self.horizon / step + 1e-9) + 1
        for number in range(count):
            at = number * step
            x = self.x(at)
            label = f"{at:g} s" if step >= 0.01 else f"{at * 1e3:g} ms"
            yield svg.line(x, self.top - 4, x, self.bottom)
            yield svg.text(x, self.bottom + 16, label, "small soft", "middle")

    def _track(self, track: Track, spans: list[Span], y: float) -> Iterator[str]:
        """A task's name, its bars, the lines where it waited, and how it ended."""
        tall = self.row > TALL
        height = self.row - (18 if tall else 6)
        baseline = y + height / 2 + 4
        name = svg.fitted(self.rows.names[track], self.left - 28)
        yield svg.text(self.left - 12, baseline, name, "mono b", "end")

        # The running stretches are drawn last: they lie on top of their neighbours.
        for span in sorted(spans, key=lambda span: span.kind == "run"):
            yield self._bar(span, y, height)

        without_words: Counter[str] = Counter()
        first_x = 0.0
        for span in spans:
            if span.kind != "wait" or span.place is None:
                continue
            if self._fits(span, span.place):
                yield from self._words(span, span.place, baseline)
            else:
                if not without_words:
                    first_x = self.x(span.start)
                without_words[span.place.text] += 1
        if without_words and tall:
            yield self._words_below(without_words, first_x, y + height + 13)

        if track.outcome is not Outcome.OPEN:
            words = svg.fitted(self.endings[track], ENDINGS)
            kind = "done" if track.outcome is Outcome.RETURNED else "fail"
            yield svg.text(self.right + 10, baseline, words, f"small {kind}")

    def _bar(self, span: Span, y: float, height: float) -> str:
        x = self.x(span.start)
        width = self.x(span.end) - x
        words, color = LEGEND[span.kind]
        where = ""
        if span.place:
            where = f" at {span.place.file}:{span.place.line}"
        hint = f"{words}{where}, {span.start:.4f} to {span.end:.4f} s"
        if span.kind == "run":
            # A hairline at least, and taller than what it covers.
            thin = max(width, 3)
            x -= (thin - width) / 2
            width = thin
            y -= 2
            height += 4
        if span.kind == "ready":
            # Lower than waiting: they can be told apart without their colours.
            y += height / 4
            height /= 2
        return svg.rect(x, y, max(width, 0.5), height, color, hint=hint)

    def _inside(self, span: Span) -> float:
        """Units for words inside a bar."""
        return self.x(span.end) - self.x(span.start) - 16

    def _fits(self, span: Span, place: Place) -> bool:
        return len(place.text) * svg.CHARACTER <= self._inside(span)

    def _words(self, span: Span, place: Place, baseline: float) -> Iterator[str]:
        """The line at which a task waits, and where it is, inside the bar."""
        yield svg.text(self.x(span.start) + 9, baseline, place.text, "mono")
        where = f"{place.file}:{place.line}"
        needed = (len(place.text) + len(where) + 2) * svg.CHARACTER
        if needed < self._inside(span):
            x = self.x(span.end) - 8
            yield svg.text(x, baseline, where, "mono small soft", "end")

    def _words_below(self, counts: Counter[str], x: float, y: float) -> str:
        """The lines that did not fit into their bars, once, below the row."""
        words = " · ".join(
            f"{text}, {count} times" if count > 1 else text
            for text, count in counts.most_common(2)
        )
        words = svg.fitted(words, (svg.WIDTH - 32) * svg.CHARACTER / SMALL)
        # A long line begins further left, so that it ends inside of the picture.
        x = min(x, svg.WIDTH - 16 - len(words) * SMALL)
        return svg.text(max(x, 14) + 2, y, words, "mono small soft")

    def _placed_notes(self) -> list[PlacedNote]:
        """Each printed text, in the first lane where it touches no other."""
        taken: list[list[tuple[float, float]]] = [[] for _ in range(NOTE_LANES)]
        placed = []
        for note in self.rows.notes:
            x = self.x(note.at)
            words = svg.fitted(note.text, 440)
            width = len(words) * SMALL
            start = x + 5
            if x + width >= svg.WIDTH - 16:
                start = x - 5 - width

            lane = -1
            for number, others in enumerate(taken):
                if all(start + width + 8 < a or start > b + 8 for a, b in others):
                    others.append((min(start, x), max(start + width, x)))
                    lane = number
                    break
            placed.append(PlacedNote(x, start, lane, words))
        return placed

    def _printed(self) -> Iterator[str]:
        for note in self.notes:
            yield svg.line(note.x, self.top - 6, note.x, self.top, "note")
            if note.lane < 0:
                continue
            y = 54 + note.lane * 16
            yield svg.line(note.x, y - 10, note.x, y + 3, "note")
            # The text touches its mark, whatever the true width of its letters is.
            if note.start < note.x:
                yield svg.text(note.x - 5, y, note.words, "mono small note", "end")
            else:
                yield svg.text(note.start, y, note.words, "mono small note")

    def _legend(self) -> Iterator[str]:
        x = self.left
        y = self.bottom + 40
        kinds = {span.kind for spans in self.rows.spans.values() for span in spans}
        kinds |= {"run", "wait"}
        if self.notes:
            kinds.add("note")
        for kind, (words, color) in LEGEND.items():
            if kind not in kinds:
                continue
            width = 3 if kind == "run" else 12
            height = 6 if kind == "ready" else 12
            yield svg.rect(x + 12 - width, y - 4 - height / 2, width, height, color)
            yield svg.text(x + 18, y, words, "small soft")
            x += 44 + len(words) * 6.5


def _ending(track: Track) -> str:
    """How a track ended, with its mark."""
    if track.outcome is Outcome.OPEN:
        return ""
    return f"{MARKS[track.outcome]} {track.error or track.outcome.value}"


def _row_height(count: int) -> float:
    if count <= 8:
        return 44.0
    if count <= 20:
        return 28.0
    return 18.0


def horizon(value: float) -> float:
    """The next round number of seconds from ``value`` up: 1, 2.5 or 5 with zeros."""
    for exponent in range(-6, 7):
        for digits in (1, 2.5, 5):
            step = digits * 10.0**exponent
            if step >= value * 0.999:
                return step
    return value
