"""Check an exercise inside a browser's page, which can start no child process.

The kernel itself runs the learner's program: with the same check, on the same fake
clock, and it says the same sentences. Three things of a machine are missing there:

1. **A second event loop.** The kernel's own loop runs already, and asyncio allows one
   running loop in a thread. `_kernels_loop_set_aside` hides it for the time of a check.
2. **Threads.** `PageLoop` calls a worker thread's function at once, on seconds of its
   own. The result arrives when the loop's clock has got there. So the other tasks go
   on meanwhile, as beside a thread. `threading.Thread` itself stays impossible.
3. **Somebody who ends an endless program.** `_limited` looks at each jump back in the
   learner's file, and raises an exception there when the time is over. A single call
   that never returns, such as ``sum(itertools.count())``, has no jump in that file:
   only a reload of the page ends it.

Sources: docs.python.org/3/library/sys.monitoring.html; pyodide.org, "Pyodide Python
compatibility".
"""

import asyncio
import gc
import linecache
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import monotonic  # the real one: a check puts a fake one into the module
from types import CodeType
from typing import Any

from workshop.exercises.catalogue import Exercise
from workshop.exercises.child import still_running
from workshop.exercises.clock import Clock, FakeClockLoop
from workshop.exercises.judge import Judge, Stop
from workshop.exercises.verdict import Verdict


def check(exercise: Exercise, path: Path, limit: float) -> Verdict:
    """Check a file in this process.

    Args:
        exercise: whose check is used.
        path: the file.
        limit: seconds of real time.
    """
    judge = Judge(exercise, path, Clock(PageLoop))
    # The lines of the file as it was at an earlier check.
    linecache.cache.pop(str(judge.path), None)
    late: list[Verdict] = []
    # The objects of now stay: the collections after the check then look at less.
    gc.freeze()
    try:
        with _kernels_loop_set_aside(), _limited(judge, limit, late):
            verdict = judge.verdict()
    finally:
        gc.unfreeze()
    if late:
        late[0].printed = verdict.printed
        return late[0]
    return verdict


class PageLoop(FakeClockLoop):
    """A loop on the fake clock, without threads and without a socket to wake it."""

    def __init__(self) -> None:
        # Seconds that a "thread" has slept which is called now; None while none is.
        self._apart: float | None = None
        super().__init__()

    def time(self) -> float:
        """Fake seconds; a "thread" sees its own ones, too."""
        return super().time() + (self._apart or 0.0)

    def advance(self, seconds: float) -> None:
        """Let time pass: for all, or only for the "thread" that is called now."""
        if self._apart is None:
            super().advance(seconds)
        else:
            self._apart += seconds

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Call the function now; its result arrives after the seconds it has slept."""
        future: asyncio.Future[Any] = self.create_future()
        self._apart = 0.0
        # In a thread no loop runs: asyncio.run() works there.
        asyncio._set_running_loop(None)
        try:
            result = func(*args)
        except Exception as error:
            arrives = partial(_arrives, future, future.set_exception, error)
        else:
            arrives = partial(_arrives, future, future.set_result, result)
        finally:
            asyncio._set_running_loop(self)
            slept = self._apart
            self._apart = None
        self.call_later(slept, arrives)
        return future

    # asyncio's loop has a pair of sockets, with which another thread wakes it.

    def _make_self_pipe(self) -> None:
        self._ssock = self._csock = None

    def _close_self_pipe(self) -> None:
        pass

    def _write_to_self(self) -> None:
        pass


def _arrives(
    future: asyncio.Future[Any], arrive: Callable[[Any], None], what: Any
) -> None:
    if not future.cancelled():
        arrive(what)


@contextmanager
def _kernels_loop_set_aside() -> Iterator[None]:
    """In the body no loop runs and no task is current; afterwards all is as before.

    The body must not wait for anything of the kernel's loop, which stands still.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    if task is not None:
        asyncio.tasks._leave_task(loop, task)
    asyncio._set_running_loop(None)
    try:
        yield
    finally:
        asyncio._set_running_loop(loop)
        if task is not None:
            asyncio.tasks._enter_task(loop, task)


@contextmanager
def _limited(judge: Judge, limit: float, late: list[Verdict]) -> Iterator[None]:
    """End a loop of the learner's file that goes on for too long.

    Args:
        judge: of the file.
        limit: seconds of real time.
        late: gets the verdict, if the time is over.
    """
    if sys.version_info < (3, 12):
        raise RuntimeError("sys.monitoring came with Python 3.12")
    monitoring = sys.monitoring
    tool = monitoring.DEBUGGER_ID
    name = str(judge.path)
    end = monotonic() + limit

    def jumped(code: CodeType, start: int, destination: int) -> Any:
        if code.co_filename != name:
            # This place is not looked at again, and costs nothing from now on.
            return monitoring.DISABLE
        if monotonic() < end:
            return None
        # With a verdict already there it is only the picture that does not end.
        if not late and judge.found is None:
            line = judge.line()
            late.append(still_running(judge.exercise, judge.path, limit, line))
        raise Stop(f"still running after {limit:g} s")

    monitoring.use_tool_id(tool, "workshop.exercises")
    monitoring.register_callback(tool, monitoring.events.JUMP, jumped)
    monitoring.set_events(tool, monitoring.events.JUMP)
    monitoring.restart_events()
    try:
        yield
    finally:
        monitoring.set_events(tool, monitoring.events.NO_EVENTS)
        monitoring.register_callback(tool, monitoring.events.JUMP, None)
        monitoring.free_tool_id(tool)
