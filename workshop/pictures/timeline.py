"""A recording that draws itself: one bar per task, when it ran and when it waited."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from workshop.pictures import svg, timeline_svg, timeline_text
from workshop.pictures.recorder import Recording, Track
from workshop.pictures.recorder.learners import show_learners_lines
from workshop.pictures.recorder.recording import PATIENCE
from workshop.pictures.spans import Rows, Span, spans
from workshop.pictures.units import seconds

LONG = 0.1  # seconds after which the state says that a step does not end


class Timeline(Recording, svg.Picture):
    """A recording that draws itself, finished or still growing.

    Attributes:
        pretended: its clock moves only where the program sleeps, as an exercise's.
    """

    pretended = False

    @property
    def ended(self) -> float:
        """Seconds from the start to the end of the last track, or to now."""
        if not self.finished:
            return self.now()
        ends = [track.steps[-1].end for track in self.tracks if track.steps]
        return max([self.elapsed, *ends])

    def rows(self) -> Rows:
        """All that a picture shows now."""
        ended = self.ended
        tracks = list(self.tracks)
        # Steps that took no measurable time keep no other task from running.
        busy = [span for span in self._runs(ended) if span.end > span.start]
        return Rows(
            title=self.title,
            summary=self.summary(),
            ended=ended,
            finished=self.finished,
            spans={track: spans(track, ended, busy) for track in tracks},
            names=self.names(),
            notes=list(self.notes),
        )

    def spans(self) -> dict[str, list[Span]]:
        """Every track's stretches, by the tracks' names."""
        rows = self.rows()
        return {rows.names[track]: found for track, found in rows.spans.items()}

    def _runs(self, now: float) -> list[Span]:
        """When the loop ran any task, in order; worker threads do not count."""
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
        if self.pretended:
            return f"{seconds(self.ended)} {state}, counting only sleep"
        return f"{seconds(self.ended)} {state}, {seconds(self.ran)} of it running"

    def state(self) -> str:
        """In words: which task keeps the loop from the others, or running, or done."""
        if self.finished:
            return "done"
        now = self.now()
        for track, name in self.names().items():
            ran = _runs_for(track, now)
            if ran > LONG:
                return f"{name} has not given control back for {seconds(ran)}"
        return "running"

    def svg(self) -> str:
        """The picture, 860 units wide; bars get thinner as tasks get more."""
        return timeline_svg.Drawing(self.rows()).document()

    def text(self) -> str:
        """The picture in 80 columns of text, what was printed when, and the error."""
        return timeline_text.drawn(self.rows(), self.error)

    def below(self) -> str:
        """The traceback of a program that raised."""
        return self.error


def _runs_for(track: Track, now: float) -> float:
    """Seconds for which the track's step has run so far; 0 in a worker thread."""
    since = track.running_since
    if since is None or track.thread:
        return 0.0
    return now - since


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
