"""The doors of an event loop: new tasks, wake-ups, timers, worker threads.

While a recording runs, four methods of the loop are wrapped. Each does what it does
without a recorder, and notes something in passing. A loop that does not let itself be
wrapped (uvloop) has only its tasks watched.
"""

import asyncio
import functools
import sys
import threading
import weakref
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from time import perf_counter
from typing import Any, cast

from workshop.pictures.recorder.driver import Driven, drive
from workshop.pictures.recorder.record import Record, current
from workshop.pictures.recorder.tracks import Outcome, Step, Track


class _Doors:
    """The wrapped methods of one loop.

    Attributes:
        users: how many recordings run on the loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.users = 0
        self._factory = loop.get_task_factory()
        self._call_soon = loop.call_soon
        self._call_at = loop.call_at
        self._run_in_executor = loop.run_in_executor

    def open(self) -> None:
        """Begin to watch."""
        self.loop.set_task_factory(self._new_task)
        # Loops in Python: asyncio's own, and the one of a page in a browser.
        if isinstance(self.loop, asyncio.BaseEventLoop) or sys.platform == "emscripten":
            watched = vars(self.loop)
            watched["call_soon"] = self._note_wake_up
            watched["call_at"] = self._note_timer
            watched["run_in_executor"] = self._note_thread

    def close(self) -> None:
        """Leave the loop as it was."""
        self.loop.set_task_factory(self._factory)
        for name in ("call_soon", "call_at", "run_in_executor"):
            vars(self.loop).pop(name, None)

    def _new_task(
        self, loop: asyncio.AbstractEventLoop, coro: Any, **options: Any
    ) -> "asyncio.Future[Any]":
        make = self._factory or _plain_task
        # create_task(fetch) without parentheses: asyncio itself says what is wrong. A
        # driver around the function would look like a coroutine, and hide it.
        if not asyncio.iscoroutine(coro):
            return make(loop, coro, **options)
        tracks = []
        for record in current.get():
            coro = drive(coro, record)
            tracks.append(coro.track)
        task = make(loop, coro, **options)
        for track in tracks:
            track.task = weakref.ref(task, track.lost)
        return task

    def _note_wake_up(self, callback: Any, *args: Any, context: Any = None) -> Any:
        """A future that is done calls this, once for each of its callbacks."""
        if args and args[0] is not None:
            future = args[0]
            for driven in getattr(future, "_recorders_notes", ()):
                # A coroutine that waits for something else by now is not woken.
                if type(driven) is Driven and driven.awaited is future:
                    _note_ready(driven)
        return self._call_soon(callback, *args, context=context)

    def _note_timer(
        self, when: float, callback: Any, *args: Any, **options: Any
    ) -> Any:
        """A timer is set: keep on its future when it is due."""
        if args and isinstance(args[0], asyncio.Future) and current.get():
            due = perf_counter() + when - self.loop.time()
            cast(Any, args[0])._recorders_notes = [due]
        return self._call_at(when, callback, *args, **options)

    def _note_thread(self, executor: Executor | None, work: Any, *args: Any) -> Any:
        """A call goes to a worker thread: let its time there be a track."""
        # Other executors, of processes or interpreters, pickle the work. They could not
        # pickle what is added here.
        if executor is None or type(executor) is ThreadPoolExecutor:
            for record in current.get():
                work = _timed(record, work)
        return self._run_in_executor(executor, work, *args)


def _plain_task(loop: Any, coro: Any, **options: Any) -> "asyncio.Task[Any]":
    return asyncio.Task(cast(Coroutine[Any, Any, Any], coro), loop=loop, **options)


def _note_ready(driven: Driven) -> None:
    """The coroutine could run from now on."""
    track = driven.track
    now = perf_counter() - driven.record.zero
    if track.ready_at is None or now < track.ready_at:
        track.ready_at = now


def _timed(record: Record, work: Callable[..., Any]) -> Callable[..., Any]:
    """``work``, so that its time in a worker thread becomes a track of ``record``."""
    track = Track(f"thread: {_plain_name(work)}", None, record.now(), thread=True)
    record.tracks.append(track)

    @functools.wraps(work)
    def timed(*args: Any) -> Any:
        start = record.now()
        track.running_since = start
        thread = threading.get_ident()
        record.in_threads[thread] = track
        try:
            result = work(*args)
        except BaseException as error:
            track.outcome = Outcome.RAISED
            track.error = type(error).__name__
            raise
        else:
            track.outcome = Outcome.RETURNED
            return result
        finally:
            del record.in_threads[thread]
            track.running_since = None
            track.steps.append(Step(track.created, start, record.now(), None))

    return timed


def _plain_name(work: Any) -> str:
    """The name of the function that a call runs in the end."""
    # asyncio.to_thread(function) runs partial(context.run, function).
    while isinstance(work, functools.partial):
        work = work.args[0] if work.args else work.func
    return str(getattr(work, "__name__", "work"))


_doors: dict[asyncio.AbstractEventLoop, _Doors] = {}


@contextmanager
def watched(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Stand at the doors of ``loop`` while at least one recording runs on it."""
    doors = _doors.get(loop)
    if doors is None:
        doors = _Doors(loop)
        _doors[loop] = doors
        doors.open()
    doors.users += 1
    try:
        yield
    finally:
        doors.users -= 1
        if not doors.users:
            doors.close()
            del _doors[loop]
