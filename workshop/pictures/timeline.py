"""Draw a recording: one bar per task, when it ran and when it waited, and where."""

import asyncio
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Coroutine, Iterator
from math import ceil
from typing import Any, NamedTuple

from workshop.pictures import svg
from workshop.pictures.recorder import Outcome, Place, Recording, Track
from workshop.pictures.recorder.learners import show_learners_lines
from workshop.pictures.recorder.recording import PATIENCE

LEGEND = {  # each kind of span with its colour of the palette
    "run": ("running", "run"),
    "wait": ("waiting", "wait"),
    "ready": ("ready, but another one runs", "ready"),
    "thread": ("in a worker thread", "soft"),
    "note": ("printed", "note"),
}
LETTERS = {"wait": "─", "ready": "░", "thread": "▒", "run": "█"}  # later ones on top
MARKS = {
    Outcome.RETURNED: "✓",
    Outcome.RAISED: "✗",
    Outcome.CANCELLED: "⊘",
    Outcome.LOST: "✗",
}
# Learners print what they like; https://www.w3.org/TR/xml/#charsets
NOT_XML = re.compile("[^\\t\\n\\r -\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
SMALL = 6.7  # width of a small monospaced character, rounded up
RIGHT = 730.0  # where the bars end; beside them stands how each track ended
COLUMNS = 80  # of the picture in text
LONG = 0.1  # seconds after which the picture says that a step does not end
NOTE_LANES = 8  # rows of printed texts above the bars; more are only marked


class Span(NamedTuple):
    """A stretch of a track; ``kind`` is a key of ``LEGEND``, times in seconds."""

    kind: str
    start: float
    end: float
    place: Place | None


def spans(track: Track, now: float, busy: "list[Span] | None" = None) -> list[Span]:
    """What ``track`` did, in order, up to ``now`` seconds on the recording's clock.

    ``busy`` are the stretches in which the loop ran anybody, in order: a task that
    could run is *ready* only from the moment on at which another one runs. (A timer
    that fires a millisecond late with nobody running is still waiting.)
    """
    found: list[Span] = []
    last, place = track.created, None
    running = "thread" if track.thread else "run"

    def idle(ready: float | None, start: float) -> None:
        ready = start if ready is None else min(max(last, ready), start)
        if busy is not None and ready < start:
            first = bisect_right(busy, ready, key=lambda span: span.end)
            other = busy[first].start if first < len(busy) else start
            ready = min(max(ready, other), start)
        if ready > last:
            found.append(Span("wait", last, ready, place))
        if start > ready:
            found.append(Span("ready", ready, start, place))

    for step in list(track.steps):
        idle(step.ready, step.start)
        found.append(Span(running, step.start, step.end, None))
        last, place = step.end, step.place
    since = track.running_since
    if since is not None:
        idle(track.ready_at, since)
        found.append(Span(running, since, max(since, now), None))
    elif track.outcome is Outcome.OPEN:
        idle(track.ready_at, now)
    elif track.lost_at is not None:
        idle(track.ready_at, track.lost_at)
    return found


class Timeline(Recording, svg.Picture):
    """A recording that draws itself, finished or still growing."""

    @property
    def ended(self) -> float:
        """Seconds from the start to the end of the last track, or to now."""
        if not self.finished:
            return self.now()
        return max([self.elapsed, *(t.steps[-1].end for t in self.tracks if t.steps)])

    def rows(self) -> dict[Track, list[Span]]:
        """Every track with its stretches, in order of creation."""
        ended, tracks = self.ended, list(self.tracks)
        busy = [span for span in self._runs(ended) if span.end > span.start]
        return {track: spans(track, ended, busy) for track in tracks}

    def spans(self) -> dict[str, list[Span]]:
        """The same by the tracks' names, which are unique."""
        names = self.names()
        return {names[track]: row for track, row in self.rows().items()}

    def _runs(self, now: float) -> list[Span]:
        """When the loop ran anybody, in order; worker threads do not count."""
        runs = [
            span
            for track in list(self.tracks)
            for span in spans(track, now)
            if span.kind == "run"
        ]
        return sorted(runs, key=lambda span: span.start)

    @property
    def ran(self) -> float:
        """Seconds in which the loop ran the program's coroutines."""
        return sum(span.end - span.start for span in self._runs(self.ended))

    def summary(self) -> str:
        """How long it took, and how much of that Python was at work."""
        state = "in all" if self.finished else "so far"
        return f"{seconds(self.ended)} {state}, {seconds(self.ran)} of it running"

    def state(self) -> str:
        """In words: who keeps the loop from the others; else running, or done."""
        if self.finished:
            return "done"
        names, now = self.names(), self.now()
        for track, name in names.items():
            since = track.running_since
            if since is not None and not track.thread and now - since > LONG:
                return f"{name} has not given control back for {seconds(now - since)}"
        return "running"

    def svg(self) -> str:
        """The picture, 860 units wide; bars get thinner as tasks get more."""
        return _Drawing(self).document()

    def below(self) -> str:
        """The traceback of a program that raised."""
        return self.error

    def text(self) -> str:
        """The picture in 80 columns of text, and what was printed when."""
        ended, names = self.ended or 1e-9, self.names()
        width = max([4, *(min(16, len(name)) for name in names.values())])
        columns = 72 - width - 14
        rows = [f"{self.title} · {self.summary()}".removeprefix(" · ")]
        for track, row in self.rows().items():
            cells = [" "] * columns
            for kind, letter in LETTERS.items():
                for span in row:
                    if span.kind == kind:
                        first = min(int(span.start / ended * columns), columns - 1)
                        last = max(ceil(span.end / ended * columns), first + 1)
                        if kind != "ready" or span.end - span.start > ended / columns:
                            cells[first:last] = letter * (min(last, columns) - first)
            name = names.get(track, track.name)
            ending = track.error or track.outcome.value
            rows.append(f"{name[:width]:{width}} {''.join(cells)} {ending}")
        for note in list(self.notes):
            who = names.get(note.track, "") if note.track else "somebody"
            rows.append(f"{note.at:7.3f} s  {who} prints {note.text}")
        rows = [
            row if len(row) <= COLUMNS else row[: COLUMNS - 1] + "…" for row in rows
        ]
        for line in self.error.splitlines():  # the whole of it, in several rows
            rows += [line[n : n + COLUMNS] for n in range(0, len(line) or 1, COLUMNS)]
        return "\n".join(rows)


async def record(
    program: Coroutine[Any, Any, Any], title: str = "", *, patience: float = PATIENCE
) -> Timeline:
    """Run a coroutine and give back the picture of which task ran when.

    ``picture = asyncio.run(record(main()))`` in a script,
    ``await record(main())`` as the last line of a notebook's cell.

    Args:
        program: the coroutine; it runs as a task of its own.
        title: stands above the picture; the coroutine's name if empty.
        patience: seconds after which a step is ended that does not give control back.

    Returns:
        The timeline, also where the program raised. Then the picture has the traceback
        below it, and ``picture.result()`` raises what the program raised. Otherwise
        ``picture.result()`` gives what the program returned.

    Raises:
        TypeError: ``program`` is no coroutine. The words are asyncio's.
    """
    if not asyncio.iscoroutine(program):
        error = TypeError(f"a coroutine was expected, got {program!r}")
        error.add_note("record(main()) runs what main() makes. Is main an `async def`?")
        show_learners_lines(error)
        raise error
    name = title or str(getattr(program, "__name__", ""))
    return await Timeline(name, patience=patience).run(program)


def seconds(value: float) -> str:
    """A duration with three digits and a unit that suits it."""
    if value >= 1:
        return f"{value:.2f} s"
    return f"{value * 1e3:.3g} ms" if value >= 1e-3 else f"{value * 1e6:.0f} µs"


class _Drawing:
    """One SVG of a timeline: rows from the top, then the axis, then the legend."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.rows = timeline.rows()
        self.names = timeline.names()
        self.ended = timeline.ended or 1e-6
        # While it grows, the axis stands still for a while, so that one can read it.
        self.horizon = self.ended if timeline.finished else _horizon(self.ended)
        longest = max([4, *(len(name) for name in self.names.values())])
        self.left = min(40 + longest * svg.CHARACTER, 240.0)
        self.notes, self.lanes = self._placed_notes()
        self.top = 44.0 + self.lanes * 16
        few = len(self.rows)
        self.row = 44.0 if few <= 8 else 28.0 if few <= 20 else 18.0
        self.bottom = self.top + self.row * max(few, 1)

    def x(self, at: float) -> float:
        return self.left + (RIGHT - self.left) * min(at / self.horizon, 1)

    def document(self) -> str:
        timeline, title = self.timeline, self.timeline.title
        shapes = [
            svg.text(16, 28, svg.fitted(title, 420), "b"),
            svg.text(svg.WIDTH - 16, 28, timeline.summary(), "soft", "end"),
            *self._axis(),
        ]
        for n, (track, row) in enumerate(self.rows.items()):
            shapes += self._track(track, row, self.top + n * self.row)
        document = svg.document(
            f"Timeline of {title}: {timeline.summary()}",
            self.bottom + 54,
            [*shapes, *self._printed(), *self._legend()],
        )
        return NOT_XML.sub("\N{REPLACEMENT CHARACTER}", document)

    def _axis(self) -> Iterator[str]:
        step = _horizon(self.horizon / 8)
        for n in range(int(self.horizon / step + 1e-9) + 1):
            x = self.x(n * step)
            yield svg.line(x, self.top - 4, x, self.bottom)
            label = f"{n * step:g} s" if step >= 0.01 else f"{n * step * 1e3:g} ms"
            yield svg.text(x, self.bottom + 16, label, "small soft", "middle")

    def _track(self, track: Track, row: list[Span], y: float) -> Iterator[str]:
        height = self.row - (18 if self.row > 40 else 6)
        baseline = y + height / 2 + 4
        label = svg.fitted(self.names[track], self.left - 28)
        yield svg.text(self.left - 12, baseline, label, "mono b", "end")
        for span in sorted(row, key=lambda span: span.kind == "run"):
            yield self._bar(span, y, height)
        waits = [(s, s.place) for s in row if s.kind == "wait" and s.place]
        labels = [w for s, p in waits for w in self._words(s, p, baseline)]
        yield from labels
        if waits and not labels and self.row > 40:  # no room inside: once, below
            counts = Counter(place.text for _, place in waits)
            words = " · ".join(
                f"{text}, {n} times" if n > 1 else text
                for text, n in counts.most_common(2)
            )
            x = self.x(waits[0][0].start)
            yield svg.text(x + 2, y + height + 13, words, "mono small soft")
        if track.outcome is not Outcome.OPEN:
            words = track.error or track.outcome.value
            words = svg.fitted(f"{MARKS[track.outcome]} {words}", 126)
            kind = "done" if track.outcome is Outcome.RETURNED else "fail"
            yield svg.text(RIGHT + 10, baseline, words, f"small {kind}")

    def _bar(self, span: Span, y: float, height: float) -> str:
        x, width = self.x(span.start), self.x(span.end) - self.x(span.start)
        words, color = LEGEND[span.kind]
        where = f" at {span.place.file}:{span.place.line}" if span.place else ""
        hint = f"{words}{where}, {span.start:.4f} to {span.end:.4f} s"
        if span.kind == "run":  # a hairline at least, and taller than what it covers
            thin = max(width, 3)
            x, y, width, height = x - (thin - width) / 2, y - 2, thin, height + 4
        if span.kind == "ready":  # lower than waiting: told apart without its colour
            y, height = y + height / 4, height / 2
        return svg.rect(x, y, max(width, 0.5), height, color, hint=hint)

    def _words(self, span: Span, place: Place, baseline: float) -> Iterator[str]:
        """The line that a task waits at, inside its bar where there is room."""
        room = self.x(span.end) - self.x(span.start) - 16
        where = f"{place.file}:{place.line}"
        words = svg.fitted(place.text, room)
        if words != place.text and len(words) < 20:
            return
        yield svg.text(self.x(span.start) + 9, baseline, words, "mono")
        if (len(words) + len(where) + 2) * svg.CHARACTER < room:
            yield svg.text(
                self.x(span.end) - 8, baseline, where, "mono small soft", "end"
            )

    def _placed_notes(self) -> tuple[list[tuple[float, float, int, str]], int]:
        """Each printed text with its moment, its left edge and a lane of its own."""
        taken: list[list[tuple[float, float]]] = [[] for _ in range(NOTE_LANES)]
        placed = []
        for note in list(self.timeline.notes):
            x, words = self.x(note.at), svg.fitted(note.text, 440)
            width = len(words) * SMALL
            start = x + 5 if x + width < svg.WIDTH - 16 else x - 5 - width
            lane = -1  # only marked, where there is no room
            for n, others in enumerate(taken):
                if all(start + width + 8 < a or start > b + 8 for a, b in others):
                    others.append((min(start, x), max(start + width, x)))
                    lane = n
                    break
            placed.append((x, start, lane, words))
        return placed, max([lane + 1 for _, _, lane, _ in placed], default=0)

    def _printed(self) -> Iterator[str]:
        for x, start, lane, words in self.notes:
            yield svg.line(x, self.top - 6, x, self.top, "note")
            if lane >= 0:
                y = 54 + lane * 16
                yield svg.line(x, y - 10, x, y + 3, "note")
                left = start < x  # beside its mark, whatever the true width is
                at, anchor = (x - 5, "end") if left else (start, "start")
                yield svg.text(at, y, words, "mono small note", anchor)

    def _legend(self) -> Iterator[str]:
        x, y = self.left, self.bottom + 40
        kinds = {span.kind for row in self.rows.values() for span in row}
        kinds |= {"run", "wait"} | {"note" for _ in self.notes[:1]}
        for kind, (words, color) in LEGEND.items():
            if kind in kinds:
                width = 3 if kind == "run" else 12
                height = 6 if kind == "ready" else 12
                yield svg.rect(x + 12 - width, y - 4 - height / 2, width, height, color)
                yield svg.text(x + 18, y, words, "small soft")
                x += 44 + len(words) * 6.5


def _horizon(value: float) -> float:
    """The next round number of seconds from ``value`` up: 1, 2.5 or 5 with zeros."""
    steps = (n * 10.0**e for e in range(-6, 7) for n in (1, 2.5, 5))
    return next((step for step in steps if step >= value * 0.999), value)
