"""A clock on which seconds cost nothing, for asyncio programs and for ``time.sleep``.

1. A real event loop asks its selector to wait for 0.2 s. :class:`FakeClockLoop` adds
   0.2 to its clock instead. So a program that sleeps takes no time, and all happens at
   exactly the expected moments.
2. A blocking ``time.sleep`` in the loop's thread moves the same clock while nobody else
   can run, as it does in earnest.
3. A ``time.sleep`` in a worker thread is put to bed: the loop wakes the thread when the
   clock has got there. While a worker thread is busy the clock stands still.
"""

import asyncio
import heapq
import itertools
import logging
import selectors
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from workshop.pictures import recorder

PATIENCE = 5.0  # real seconds for a thread or a socket to wake a loop with no timers
STUCK = 2.0  # real seconds after which a loop is taken for one that blocks
ENDLESS = 3600.0  # seconds of the fake clock after which a program will never end
LAST_TURNS = 1_000  # turns of a loop that has been told to end

_real_sleep = time.sleep


class DeadlockError(Exception):
    """Everybody waits, and nobody can wake them."""


class EndlessError(Exception):
    """The program goes on for ever: an hour has passed on the fake clock."""


class _Selector(selectors.SelectSelector):
    """Sees what is ready at once; waits in fake time, unless there is none to add."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.busy = 0  # worker threads that have work which the loop has not seen done
        self.ended = False
        self.turns_left = LAST_TURNS
        self._lock = threading.Lock()
        self._asleep: list[tuple[float, int, threading.Event]] = []
        self._number = itertools.count()

    def put_to_bed(self, seconds: float) -> threading.Event:
        """Note a worker thread that sleeps; the event wakes it."""
        alarm = threading.Event()
        with self._lock:
            due = self.now + max(seconds, 0)
            heapq.heappush(self._asleep, (due, next(self._number), alarm))
        return alarm

    def oversleep(self, alarm: threading.Event) -> None:
        """Move the clock to where a sleeping thread wakes, though the loop blocks."""
        with self._lock:
            mine = [entry for entry in self._asleep if entry[2] is alarm]
            for entry in mine:
                self._asleep.remove(entry)
                heapq.heapify(self._asleep)
                self.now = max(self.now, entry[0])

    def select(
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        self._count_last_turns()
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if self.busy > len(self._asleep):  # real work: it tells the loop when it ends
            return super().select(PATIENCE)
        alarm = self._first_alarm(timeout)
        if alarm:
            alarm.set()
            return super().select(PATIENCE)  # until it is done, or asleep again
        if timeout is None:
            ready = super().select(PATIENCE if self._others() else 0)
            if not ready:
                raise DeadlockError("every task waits, and nothing can wake them")
            return ready
        self.now += timeout
        if self.now > ENDLESS:
            raise EndlessError("an hour has passed on the clock of the program")
        return []

    def _others(self) -> bool:
        """Whether a socket or a thread is there that could wake the loop."""
        sockets = len(self.get_map()) - 1  # without the loop's own
        threads = [t for t in threading.enumerate() if not t.daemon]
        return sockets > 0 or len(threads) > 1

    def _first_alarm(self, timeout: float | None) -> threading.Event | None:
        """Move the clock to the first thread that wakes, if that is before the loop."""
        with self._lock:
            if not self._asleep:
                return None
            due, _, alarm = self._asleep[0]
            if timeout is not None and self.now + timeout < due:
                return None
            heapq.heappop(self._asleep)
            self.now = max(self.now, due)
            return alarm

    def _count_last_turns(self) -> None:
        # A task that swallows every cancellation would keep the loop from ending.
        if self.ended:
            self.turns_left -= 1
            if not self.turns_left:
                raise EndlessError("a task does not end though it was cancelled")


class FakeClockLoop(asyncio.SelectorEventLoop):
    """``asyncio.Runner(loop_factory=FakeClockLoop)`` runs a program on it."""

    def __init__(self) -> None:
        self._clock = _Selector()
        super().__init__(self._clock)

    def time(self) -> float:
        """Fake seconds since the loop was made."""
        return self._clock.now

    def advance(self, seconds: float) -> None:
        """Let time pass while somebody runs: stands for a blocking call."""
        self._clock.now += seconds

    def expect_the_end(self) -> None:
        """From now on the loop has only to end: limit its turns."""
        self._clock.ended = True

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        """As every loop's, but the traceback begins at the learner's first line."""
        error = context.get("exception")
        if error is None:
            super().default_exception_handler(context)
            return
        if isinstance(error, asyncio.CancelledError):
            return  # a gather that nobody awaited: the program's end has cancelled it
        about = sorted(context.keys() - {"message", "exception"})
        lines = [f"{key}: {context[key]!r}" for key in about]
        traceback = recorder.learners_traceback(error)
        said = "\n".join([context["message"], *lines, traceback])
        logging.getLogger("asyncio").error(said.rstrip())

    def sleep_in_thread(self, seconds: float) -> None:
        """Stands for ``time.sleep`` in a worker thread of this loop."""
        alarm = self._clock.put_to_bed(seconds)
        self.call_soon_threadsafe(_nothing)  # so that the selector looks again
        if not alarm.wait(STUCK):
            # The loop does not come round: it waits for this thread, as in join().
            self._clock.oversleep(alarm)

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """As every loop; the clock stands still until the loop has seen the result."""
        future: asyncio.Future[Any] = super().run_in_executor(executor, func, *args)
        self._clock.busy += 1
        future.add_done_callback(self._work_is_done)
        return future

    def _work_is_done(self, _: object) -> None:
        self._clock.busy -= 1

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Wait for the worker threads in real time, and not until a fake time-out."""
        await super().shutdown_default_executor()


def _nothing() -> None:
    pass


def _recorders_modules() -> list[Any]:
    name = recorder.__name__
    modules = [module for key, module in sys.modules.items() if key.startswith(name)]
    return [module for module in modules if hasattr(module, "perf_counter")]


class Clock:
    """The module ``time`` of a program under check: its own seconds since the start.

    Args:
        make_loop: gives a new loop that goes by this clock.
    """

    def __init__(self, make_loop: Callable[[], FakeClockLoop] = FakeClockLoop) -> None:
        self._make_loop = make_loop
        self._loop: FakeClockLoop | None = None
        self._thread = threading.get_ident()
        self._base = 0.0  # seconds that passed with no loop, or on earlier loops
        self._began = time.time()

    def new_loop(self) -> FakeClockLoop:
        """A loop whose clock is this one; ``asyncio.Runner`` takes this as factory."""
        if self._loop is not None:
            self._base += self._loop.time()
        self._loop = self._make_loop()
        return self._loop

    def now(self) -> float:
        """Seconds since the clock was made."""
        return self._base + (self._loop.time() if self._loop else 0.0)

    def date(self) -> float:
        """``time.time`` on this clock: seconds since 1970."""
        return self._began + self.now()

    def sleep(self, seconds: float) -> None:
        """``time.sleep`` while the clock is installed."""
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        if threading.get_ident() != self._thread:
            if self._loop is None or self._loop.is_closed():
                return
            self._loop.sleep_in_thread(seconds)
        elif self._loop is not None:
            self._loop.advance(seconds)
        else:
            self._base += seconds

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Let ``time`` and the recorder's pictures go by this clock in the body."""
        places: list[tuple[Any, str, Callable[..., Any]]] = [
            (time, "sleep", self.sleep),
            (time, "monotonic", self.now),
            (time, "perf_counter", self.now),
            (time, "time", self.date),
            # The recorder's files have each a name of their own for it.
            *((module, "perf_counter", self.now) for module in _recorders_modules()),
        ]
        before = [(module, name, getattr(module, name)) for module, name, _ in places]
        for module, name, value in places:
            setattr(module, name, value)
        try:
            yield
        finally:
            for module, name, value in before:
                setattr(module, name, value)
