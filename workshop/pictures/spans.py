"""A track as stretches of time: running, waiting, ready."""

from bisect import bisect_right
from dataclasses import dataclass
from typing import NamedTuple

from workshop.pictures.recorder import Note, Outcome, Place, Track


class Span(NamedTuple):
    """A stretch of a track.

    Attributes:
        kind: ``"run"``, ``"wait"``, ``"ready"`` or ``"thread"``.
        start: seconds on the recording's clock.
        end: likewise.
        place: the line at which the task waits.
    """

    kind: str
    start: float
    end: float
    place: Place | None


@dataclass(frozen=True)
class Rows:
    """All that a picture of a recording shows, at one moment.

    Attributes:
        title: stands above.
        summary: how long it took.
        ended: seconds from the start to the end of the last track, or to now.
        finished: whether the program has ended.
        spans: every track with its stretches, in order of creation.
        names: the tracks' names, which are unique.
        notes: what was printed.
    """

    title: str
    summary: str
    ended: float
    finished: bool
    spans: dict[Track, list[Span]]
    names: dict[Track, str]
    notes: list[Note]


def spans(track: Track, now: float, busy: list[Span] | None = None) -> list[Span]:
    """The stretches of ``track``, in order, up to now.

    Args:
        track: may still grow while this runs.
        now: seconds on the recording's clock.
        busy: the stretches in which the loop ran any task, in order. A task that could
            run is *ready* only from the moment on at which another one runs. A timer
            that fires a millisecond late while no task runs is still waiting.
    """
    found: list[Span] = []
    last = track.created
    place: Place | None = None
    running = "thread" if track.thread else "run"

    def idle(ready: float | None, start: float) -> None:
        """Add what the track did from ``last`` to ``start``, where it began to run."""
        if ready is None:
            ready = start
        ready = min(max(last, ready), start)
        if busy is not None and ready < start:
            ready = _until_another_runs(busy, ready, start)
        if ready > last:
            found.append(Span("wait", last, ready, place))
        if start > ready:
            found.append(Span("ready", ready, start, place))

    for step in list(track.steps):
        idle(step.ready, step.start)
        found.append(Span(running, step.start, step.end, None))
        last = step.end
        place = step.place

    since = track.running_since
    if since is not None:
        idle(track.ready_at, since)
        found.append(Span(running, since, max(since, now), None))
    elif track.outcome is Outcome.OPEN:
        idle(track.ready_at, now)
    elif track.lost_at is not None:
        idle(track.ready_at, track.lost_at)
    return found


def _until_another_runs(busy: list[Span], ready: float, start: float) -> float:
    """When the first stretch of ``busy`` begins that ends after ``ready``."""
    first = bisect_right(busy, ready, key=lambda span: span.end)
    if first == len(busy):
        return start
    return min(max(ready, busy[first].start), start)
