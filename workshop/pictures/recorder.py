"""See who runs when: a recorder for coroutines, told by the coroutines themselves.

How it works

1. An event loop drives a coroutine with ``send`` and ``throw`` and nothing else. So a
   task is seen whole by standing at that door: the coroutine *runs* from the call of
   ``send`` to its return, and *waits* from there to the next call.
2. :class:`Driven` stands at the door. It passes everything on unchanged, and notes the
   time on both sides and the innermost line of the learner's at which the coroutine
   was suspended (``cr_frame`` and ``cr_await``, as :mod:`inspect` documents them).
3. asyncio is given a task factory, so that every task that the recorded program
   starts is driven in this way. Which recordings a task belongs to is told by a
   context variable, which asyncio copies into each new task: other tasks on the same
   loop (a notebook's own) are left alone, and recordings nest.
4. A task that could run while another one runs is *ready*. A future tells its loop
   with ``call_soon`` when it is done, and a timer has its due time in ``call_at``:
   while a recording runs, both are noted in passing.
5. What is noted about a future is kept on the future, and tasks are held weakly: what
   nobody but the recorder knows ends as it would without one.

Nothing here changes what the program does: order, results, exceptions and context
variables are those of plain asyncio.
"""

import asyncio
import functools
import linecache
import os
import sys
import sysconfig
import threading
import traceback
import weakref
from asyncio import Future
from collections import Counter
from collections.abc import Callable, Coroutine, Generator, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from time import perf_counter
from types import CodeType, CoroutineType, GeneratorType
from typing import Any, NamedTuple, Self, TextIO, cast

_recordings: ContextVar[tuple["Recording", ...]] = ContextVar("recordings", default=())


class Outcome(Enum):
    """How a track ended; ``OPEN`` while it has not."""

    OPEN = "open"
    RETURNED = "returned"
    RAISED = "raised"
    CANCELLED = "cancelled"
    LOST = "lost"  # nobody kept the task, so it vanished before its end


class Place(NamedTuple):
    """A line of source: where a coroutine was suspended, or begins."""

    code: CodeType
    line: int

    @property
    def file(self) -> str:
        return Path(self.code.co_filename).name

    @property
    def text(self) -> str:
        """The line itself, without its indentation and comment."""
        line = linecache.getline(self.code.co_filename, self.line)
        return line.split("  #")[0].split(" #")[0].strip()


class Step(NamedTuple):
    """One turn of a coroutine: seconds on the recording's clock.

    ``ready`` is when it could have run, ``place`` where it was suspended afterwards
    (``None`` where it ended, or where no line of the learner's is on its stack).
    """

    ready: float
    start: float
    end: float
    place: Place | None


class Note(NamedTuple):
    """A text that was printed, when, and by which track."""

    at: float
    text: str
    track: "Track | None"


@dataclass(eq=False)
class Track:
    """What one task (or one call in a worker thread) did."""

    plain_name: str
    begins: Place | None
    created: float
    thread: bool = False
    task: "weakref.ref[asyncio.Future[Any]] | None" = None
    task_name: str = "Task-0"
    steps: list[Step] = field(default_factory=list)
    running_since: float | None = None
    ready_at: float | None = None
    outcome: Outcome = Outcome.OPEN
    error: str = ""
    clock: Callable[[], float] = float  # seconds since the recording began
    lost_at: float | None = None

    def lost(self, _: object) -> None:
        """The task is no more; if it has not ended, it was lost."""
        if self.outcome is Outcome.OPEN:
            self.outcome, self.lost_at = Outcome.LOST, self.clock()

    @property
    def name(self) -> str:
        """The name that the learner gave the task, else the coroutine's."""
        self.learn_name()
        given = self.task_name  # Python 3.13.0 with a task factory: "None" if not given
        automatic = given.startswith("Task-") or given == "None"
        return self.plain_name if automatic else given

    def learn_name(self) -> None:
        """Keep the task's name: it may be needed when the task is no more."""
        task = self.task() if self.task else None
        if isinstance(task, asyncio.Task):
            self.task_name = task.get_name()

    @property
    def place(self) -> Place | None:
        """The line at which it waits now, or at which it begins."""
        if self.outcome is not Outcome.OPEN or self.running_since is not None:
            return None
        return self.steps[-1].place if self.steps else self.begins


class Recording:
    """The record of a program, growing while the program runs.

    Args:
        title: what the picture says above the tracks.
        echo: whether printed text also goes where it usually goes.
    """

    def __init__(self, title: str = "", *, echo: bool = True) -> None:
        self.title = title
        self.echo = echo
        self.tracks: list[Track] = []
        self.notes: list[Note] = []
        self.elapsed = 0.0
        self.finished = False
        self._zero = perf_counter()
        self._thread = threading.get_ident()
        self._unfinished = ""
        self._running: Track | None = None
        self._in_threads: dict[int, Track] = {}
        self._task: asyncio.Task[Any] | None = None

    def now(self) -> float:
        """Seconds since the recording began."""
        return perf_counter() - self._zero

    async def run(self, program: Coroutine[Any, Any, Any]) -> Self:
        """Run ``program`` as a task of the running loop until it ends.

        An exception of the program's is kept, not raised: :meth:`result` raises it,
        and the picture shows it. Cancelling ``run`` cancels the program.
        """
        loop = asyncio.get_running_loop()
        self._zero = perf_counter()
        self._thread = threading.get_ident()
        with _watched(loop), _printing():
            with self.listening():
                self._task = loop.create_task(program)
            try:
                await asyncio.wait([self._task])
            except asyncio.CancelledError:
                self._task.cancel()
                await asyncio.wait([self._task])
                raise
            finally:
                self.elapsed = self.now()
                self.finished = True
                if self._unfinished:
                    self._note("\n")
        if not self._task.cancelled():
            self._task.exception()  # seen: result() raises it for whoever asks
        return self

    def whereabouts(self) -> list[tuple[Place, Track]]:
        """Where each track is now: at the line where it waits, or that it runs."""
        found = [(t.place, t) for t in list(self.tracks)]
        places = [(place, track) for place, track in found if place is not None]
        running, frame = self._running, sys._current_frames().get(self._thread)
        while running is not None and frame is not None:
            if is_learners(frame.f_code.co_filename):
                return [(Place(frame.f_code, frame.f_lineno), running), *places]
            frame = frame.f_back
        return places

    def result(self) -> Any:
        """What the program returned; raises what it raised."""
        if self._task is None:
            raise RuntimeError("nothing was recorded yet: await run(program) first")
        return self._task.result()

    @property
    def error(self) -> str:
        """The program's traceback from the learner's first line on, or ``""``."""
        task = self._task
        if not self.finished or task is None or task.cancelled():
            return ""
        error = task.exception()
        return learners_traceback(error) if error else ""

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Note what is printed in this context, and whose tasks are started in it."""
        token = _recordings.set((*_recordings.get(), self))
        try:
            with _printing():
                yield
        finally:
            _recordings.reset(token)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Record a program that another loop than asyncio's runs in the body.

        Each of its tasks is to be driven through :meth:`drive`.
        """
        self._zero = perf_counter()
        self._thread = threading.get_ident()
        try:
            with self.listening():
                yield
        finally:
            self.elapsed = self.now()
            self.finished = True

    def drive(
        self, coro: Coroutine[Any, Any, Any], name: str | None = None
    ) -> "Driven":
        """``coro``, watched: whoever drives it is recorded as this recording's."""
        code = getattr(coro, "cr_code", None) or getattr(coro, "gi_code", None)
        begins = Place(code, code.co_firstlineno) if code else None
        plain = name or str(getattr(coro, "__name__", "task"))
        track = Track(plain, begins, self.now(), clock=self.now)
        track.ready_at = track.created
        self.tracks.append(track)
        return Driven(coro, self, track)

    def names(self) -> dict[Track, str]:
        """The tracks' names, numbered from the second of a kind on."""
        counts: Counter[str] = Counter()
        names = {}
        for track in list(self.tracks):
            counts[track.name] += 1
            n = counts[track.name]
            names[track] = track.name if n == 1 else f"{track.name} {n}"
        return names

    def _note(self, text: str) -> None:
        """Keep each line that is printed, once it is whole."""
        *lines, self._unfinished = (self._unfinished + text).split("\n")
        thread = threading.get_ident()
        on_loop = thread == self._thread
        track = self._running if on_loop else self._in_threads.get(thread)
        self.notes.extend(Note(self.now(), line, track) for line in lines)

    def _in_thread(self, work: Callable[..., Any]) -> Callable[..., Any]:
        """``work``, so that its time in a worker thread becomes a track."""
        inner = work
        while isinstance(inner, functools.partial):  # to_thread: ctx.run, function
            inner = inner.args[0] if inner.args else inner.func
        name = getattr(inner, "__name__", "work")
        track = Track(f"thread: {name}", None, self.now(), thread=True)
        self.tracks.append(track)

        @functools.wraps(work)
        def timed(*args: Any) -> Any:
            start = track.running_since = self.now()
            self._in_threads[threading.get_ident()] = track
            try:
                result = work(*args)
                track.outcome = Outcome.RETURNED
                return result
            except BaseException as error:
                track.outcome, track.error = Outcome.RAISED, _name(error)
                raise
            finally:
                del self._in_threads[threading.get_ident()]
                track.running_since = None
                track.steps.append(Step(track.created, start, self.now(), None))

        return timed


class Driven(Coroutine[Any, Any, Any]):
    """A coroutine at whose door somebody stands and notes the time."""

    __slots__ = ("_awaited", "_coro", "_place", "_recording", "track")

    def __init__(
        self, coro: Coroutine[Any, Any, Any], recording: Recording, track: Track
    ) -> None:
        self._coro = coro
        self._recording = recording
        self._awaited: Any = None
        self._place: Place | None = None
        self.track = track

    def __getattr__(self, name: str) -> Any:
        return getattr(self._coro, name)  # cr_frame, cr_code, __name__, …

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
        # Done at every step, so it is written to be fast: with fewer calls than words.
        # What is noted about a future is an attribute of it, a list: when its timer is
        # due (or None), and then every driven coroutine that has waited for it.
        track, recording = self.track, self._recording
        steps, zero, ready = track.steps, recording._zero, track.ready_at
        before, recording._running = recording._running, track
        self._awaited = track.ready_at = place = None
        if not steps:
            track.learn_name()
        start = track.running_since = perf_counter() - zero
        try:
            awaited = self._coro.throw(*error) if error else self._coro.send(value)
            self._place = place = suspended_at(self._coro, self._place)
        except BaseException as error:
            _ended(track, error)
            raise
        finally:
            end = perf_counter() - zero
            if ready is None or ready > start:
                ready = start
            # As Step(...), in half the time.
            steps.append(_new(Step, (ready, start, end, place)))
            track.running_since = None
            recording._running = before
        if awaited is None:  # a bare yield, as of sleep(0): at once ready again
            track.ready_at = end
        elif isinstance(awaited, Future):
            self._awaited = awaited
            notes = getattr(awaited, "_recorders_notes", None)
            if notes is None:
                awaited._recorders_notes = [None, self]  # type: ignore[attr-defined]
            else:
                if notes[0] is not None:
                    track.ready_at = notes[0] - zero
                notes.append(self)
        return awaited


_new = tuple.__new__


def _ended(track: Track, error: BaseException) -> None:
    if isinstance(error, StopIteration):
        track.outcome = Outcome.RETURNED
    elif _name(error) == "CancelledError":  # asyncio's, or another loop's own
        track.outcome = Outcome.CANCELLED
    else:
        track.outcome, track.error = Outcome.RAISED, _name(error)
    track.learn_name()


class _Doors:
    """Where the recorder stands at a loop: new tasks, wake-ups, timers, threads.

    A loop that does not let itself be watched (uvloop) has only its tasks watched.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.users = 0
        self._factory = loop.get_task_factory()
        self._call_soon = loop.call_soon
        self._call_at = loop.call_at
        self._run_in_executor = loop.run_in_executor

    def open(self) -> None:
        self.loop.set_task_factory(self._new_task)
        if isinstance(self.loop, asyncio.BaseEventLoop):
            watched = vars(self.loop)
            watched["call_soon"] = self._note_wake_up
            watched["call_at"] = self._note_timer
            watched["run_in_executor"] = self._note_thread

    def close(self) -> None:
        self.loop.set_task_factory(self._factory)
        for name in ("call_soon", "call_at", "run_in_executor"):
            vars(self.loop).pop(name, None)

    def _new_task(
        self, loop: asyncio.AbstractEventLoop, coro: Any, **options: Any
    ) -> "asyncio.Future[Any]":
        tracks = []
        for recording in _recordings.get():
            coro = recording.drive(coro)
            tracks.append(coro.track)
        make = self._factory or _plain_task
        task = make(loop, coro, **options)
        for track in tracks:
            track.task = weakref.ref(task, track.lost)
        return task

    def _note_wake_up(self, callback: Any, *args: Any, context: Any = None) -> Any:
        if args and args[0] is not None:
            future = args[0]
            for driven in getattr(future, "_recorders_notes", ()):
                if type(driven) is Driven and driven._awaited is future:  # it waits yet
                    track, now = driven.track, perf_counter() - driven._recording._zero
                    if track.ready_at is None or now < track.ready_at:
                        track.ready_at = now
        return self._call_soon(callback, *args, context=context)

    def _note_timer(
        self, when: float, callback: Any, *args: Any, **options: Any
    ) -> Any:
        if args and isinstance(args[0], asyncio.Future) and _recordings.get():
            due = perf_counter() + when - self.loop.time()
            cast(Any, args[0])._recorders_notes = [due]
        return self._call_at(when, callback, *args, **options)

    def _note_thread(self, executor: Executor | None, work: Any, *args: Any) -> Any:
        # Others, of processes or interpreters, would have to pickle what we add.
        if executor is None or type(executor) is ThreadPoolExecutor:
            for recording in _recordings.get():
                work = recording._in_thread(work)
        return self._run_in_executor(executor, work, *args)


_doors: dict[asyncio.AbstractEventLoop, _Doors] = {}


@contextmanager
def _watched(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Stand at the doors of ``loop`` while at least one recording runs on it."""
    doors = _doors.get(loop)
    if doors is None:
        doors = _doors[loop] = _Doors(loop)
        doors.open()
    doors.users += 1
    try:
        yield
    finally:
        doors.users -= 1
        if not doors.users:
            doors.close()
            del _doors[loop]


def _plain_task(loop: Any, coro: Any, **options: Any) -> "asyncio.Task[Any]":
    return asyncio.Task(coro, loop=loop, **options)


class _Printed:
    """Standard output while recordings run: what is printed is also noted."""

    def __init__(self, out: TextIO) -> None:
        self.out = out
        self.noting = True  # until the last recording has ended

    def __getattr__(self, name: str) -> Any:
        return getattr(self.out, name)

    def write(self, text: str) -> int:
        recordings = _recordings.get() if self.noting else ()
        for recording in recordings:
            recording._note(text)
        if all(recording.echo for recording in recordings):
            self.out.write(text)
        return len(text)


_printing_lock = threading.Lock()
_printing_users = 0
_printed: _Printed | None = None


@contextmanager
def _printing() -> Iterator[None]:
    """Note what is printed, while at least one recording runs in this process."""
    global _printing_users, _printed
    with _printing_lock:
        _printing_users += 1
        if _printed is None:
            _printed = _Printed(sys.stdout)
            sys.stdout = cast(TextIO, _printed)
    try:
        yield
    finally:
        with _printing_lock:
            _printing_users -= 1
            if not _printing_users and _printed:
                _printed.noting = False
                if sys.stdout is _printed:  # else somebody redirects it just now
                    sys.stdout = _printed.out
                _printed = None


def _name(error: BaseException) -> str:
    return type(error).__name__


def suspended_at(coro: Any, last: Place | None = None) -> Place | None:
    """The innermost of the learner's lines on a suspended coroutine's stack.

    ``last`` is given back where it is that line: most wait where they waited before.
    https://docs.python.org/3/library/inspect.html#types-and-members
    """
    frame = None
    while True:
        kind = type(coro)
        if kind is CoroutineType:
            if _learners[coro.cr_code.co_filename]:
                frame = coro.cr_frame
            coro = coro.cr_await
        elif kind is GeneratorType:
            if _learners[coro.gi_code.co_filename]:
                frame = coro.gi_frame
            coro = coro.gi_yieldfrom
        elif kind is Driven:
            coro = coro._coro
        else:  # a future, or nothing: nobody waits deeper than here
            break
    if frame is None:
        return None
    code, line = frame.f_code, frame.f_lineno
    if last is not None and last.line == line and last.code is code:
        return last
    return Place(code, line)


_HERE = str(Path(__file__).parents[1]) + os.sep  # workshop/
_PATHS = [sysconfig.get_paths()[key] for key in ("stdlib", "purelib", "platlib")]
_NOT_THE_LEARNERS = (_HERE, *(path + os.sep for path in _PATHS), "<frozen")


class _Learners(dict[str, bool]):
    """Whether each file is the learner's, found out when it is first asked for."""

    def __missing__(self, filename: str) -> bool:
        self[filename] = found = not filename.startswith(_NOT_THE_LEARNERS)
        return found


_learners = _Learners()


def is_learners(filename: str) -> bool:
    """Whether a file is the learner's: not Python's, a package's or this one's."""
    return _learners[filename]


def hide(file: str) -> None:
    """Take ``file`` for machinery, not for the learner's: a loop to be recorded."""
    _learners[file] = False
    _hidden.append(file)


_hidden = [_HERE]


def learners_traceback(error: BaseException) -> str:
    """The traceback of ``error``, from the learner's first line on."""
    shown = traceback.TracebackException.from_exception(error)
    _clean(shown)
    return "".join(shown.format())


def _clean(shown: traceback.TracebackException) -> None:
    hidden = tuple(_hidden)
    frames = [frame for frame in shown.stack if not frame.filename.startswith(hidden)]
    first = next((n for n, f in enumerate(frames) if is_learners(f.filename)), 0)
    shown.stack = traceback.StackSummary.from_list(frames[first:])
    for inner in (shown.__cause__, shown.__context__, *(shown.exceptions or ())):
        if inner is not None:
            _clean(inner)
