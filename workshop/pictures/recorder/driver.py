"""The driver: it stands at a coroutine's door, and notes when the coroutine runs.

Only this file writes what a track says of its steps and of its end (a call in a worker
thread aside, which ``doors`` notes).
"""

from asyncio import Future
from collections.abc import Coroutine, Generator
from time import perf_counter
from types import CoroutineType, GeneratorType
from typing import Any

from workshop.pictures.recorder.learners import learners
from workshop.pictures.recorder.record import Record
from workshop.pictures.recorder.tracks import Outcome, Place, Step, Track


class Driven(Coroutine[Any, Any, Any]):
    """A coroutine with a driver at its door, who notes the time.

    Args:
        coro: the coroutine. It is sent and thrown what the driver is sent and thrown.
        record: whose clock it is.
        track: where the steps are noted.

    Attributes:
        awaited: the future that the coroutine waits for now.
    """

    __slots__ = ("_coro", "_place", "awaited", "record", "track")

    def __init__(
        self, coro: Coroutine[Any, Any, Any], record: Record, track: Track
    ) -> None:
        self._coro = coro
        self._place: Place | None = None
        self.awaited: Any = None
        self.record = record
        self.track = track

    def __getattr__(self, name: str) -> Any:
        # cr_frame, cr_code, __name__ and so on are the coroutine's.
        return getattr(self._coro, name)

    def __await__(self) -> Generator[Any, Any, Any]:
        return self  # it has send, throw and close

    def __iter__(self) -> "Driven":
        return self

    def __next__(self) -> Any:
        return self.send(None)

    def throw(self, *error: Any) -> Any:
        return self.send(None, error)

    def close(self) -> None:
        self._coro.close()

    def send(self, value: Any, error: tuple[Any, ...] = ()) -> Any:
        """Let the coroutine run to its next ``await``, and note the step.

        This runs at every step of every recorded task, so it does little: it takes less
        than 3 µs. A test counts the lines that it runs.
        """
        track = self.track
        record = self.record
        zero = record.zero
        ready = track.ready_at
        before = record.running
        place = None

        self.awaited = None
        track.ready_at = None
        if not track.steps:
            track.learn_name()
        record.running = track
        start = perf_counter() - zero
        track.running_since = start
        try:
            if error:
                awaited = self._coro.throw(*error)
            else:
                awaited = self._coro.send(value)
            place = suspended_at(self._coro, self._place)
            self._place = place
        except BaseException as raised:
            _note_end(track, raised)
            raise
        finally:
            end = perf_counter() - zero
            if ready is None or ready > start:
                ready = start
            track.steps.append(Step(ready, start, end, place))
            track.running_since = None
            record.running = before

        if awaited is None:
            # A bare yield, as that of sleep(0): it is ready again at once.
            track.ready_at = end
        elif isinstance(awaited, Future):
            self.awaited = awaited
            self._note_on_future(awaited)
        return awaited

    def _note_on_future(self, future: Any) -> None:
        """Let ``doors`` find this coroutine when the future is done.

        The note is an attribute of the future, a list: when its timer is due (or None),
        then every driven coroutine that has waited for it. It goes with the future.
        """
        notes = getattr(future, "_recorders_notes", None)
        if notes is None:
            future._recorders_notes = [None, self]
            return
        due = notes[0]
        if due is not None:
            self.track.ready_at = due - self.record.zero
        notes.append(self)


def drive(
    coro: Coroutine[Any, Any, Any], record: Record, name: str | None = None
) -> Driven:
    """``coro``, driven, with a new track in ``record``.

    Args:
        coro: a coroutine (or a generator that is used as one).
        record: the record that it belongs to.
        name: what its track is called; else the coroutine's own name.
    """
    code = getattr(coro, "cr_code", None) or getattr(coro, "gi_code", None)
    begins = Place(code, code.co_firstlineno) if code else None
    plain_name = name or str(getattr(coro, "__name__", "task"))
    track = Track(plain_name, begins, record.now(), clock=record.now)
    track.ready_at = track.created
    record.tracks.append(track)
    return Driven(coro, record, track)


def _note_end(track: Track, error: BaseException) -> None:
    """Note how a coroutine has ended, from what its last step raised."""
    name = type(error).__name__
    if isinstance(error, StopIteration):
        track.outcome = Outcome.RETURNED
    elif name == "CancelledError":
        # asyncio's, or the class of that name of another loop.
        track.outcome = Outcome.CANCELLED
    else:
        track.outcome = Outcome.RAISED
        track.error = name
    track.learn_name()


def suspended_at(coro: Any, last: Place | None = None) -> Place | None:
    """The innermost of the learner's lines on a suspended coroutine's stack.

    Args:
        coro: a coroutine that waits.
        last: where it waited before. Returned if that is the line again, as it mostly
            is: then no new object is made.

    https://docs.python.org/3/library/inspect.html#types-and-members
    """
    frame = None
    while True:
        kind = type(coro)
        if kind is CoroutineType:
            if learners[coro.cr_code.co_filename]:
                frame = coro.cr_frame
            coro = coro.cr_await
        elif kind is GeneratorType:
            if learners[coro.gi_code.co_filename]:
                frame = coro.gi_frame
            coro = coro.gi_yieldfrom
        elif kind is Driven:
            coro = coro._coro
        else:
            # A future, or nothing: the stack ends here.
            break
    if frame is None:
        return None
    code = frame.f_code
    line = frame.f_lineno
    if last is not None and last.line == line and last.code is code:
        return last
    return Place(code, line)
