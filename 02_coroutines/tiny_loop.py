"""An event loop to read in one sitting, and to step through.

1. A coroutine cannot go on by itself: somebody must call its ``send`` or ``throw``.
   It then runs until it yields. It may yield two things: ``None`` means "let the
   others run first", a future means "resume me when this is done".
2. A future is a box for a result that is not there yet. It keeps a list of functions
   to call as soon as it is done: its waiters.
3. A task is a coroutine together with what the loop must know about it. One step of a
   task is one ``send`` or ``throw``, and a look at what came out: ``Task.resume``.
4. The loop keeps three things: the calls that are ready, a heap of timers, and a
   selector that watches sockets. A *turn* of the loop makes the calls that were ready
   when the turn began. A call that becomes ready meanwhile waits for the next turn.
5. With nothing ready, the loop blocks until the first timer is due or the first
   socket is ready. Without timers and sockets no task can ever go on: a deadlock.
6. To cancel a task is to cancel the future that it waits for. The task is then resumed
   by ``throw(CancelledError())``, and may clean up before it ends.
7. When main has ended, the tasks that are left are cancelled.

The order of events is asyncio's, and a test compares the two. Left out: threads,
signals, subprocesses, and a context of its own for each task.

Nothing here knows of the stepper; ``stepping_loop.py`` adds what that needs.
"""

import time
import traceback
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import ContextVar
from enum import Enum
from heapq import heappop, heappush
from itertools import count
from selectors import DefaultSelector
from types import coroutine
from typing import Any, NamedTuple

CLOCK_ERROR = 1e-9  # seconds: ten times 0.2 s must be due together with once 2 s


class CancelledError(BaseException):
    """Thrown into a task that is to end; no ``except Exception`` catches it."""


class Deadlock(Exception):
    """All tasks wait, and no timer and no socket is left to wake one of them."""


class State(Enum):
    """The four states of a task."""

    READY = "its next step is in the loop's ready queue"
    RUNNING = "its coroutine runs now; there is never more than one such task"
    WAITING = "it waits for a future"
    DONE = "its coroutine has ended"


# The two states that change at each step. Python 3.11 needs 0.15 µs to find
# ``State.READY``, and a whole step takes ten times as long.
READY = State.READY
RUNNING = State.RUNNING


class Future:
    """A box for a result that may not be there yet.

    It becomes done once, by ``set_result``, ``set_exception`` or ``cancel``, whichever
    comes first. After that, each of them returns ``False`` and changes nothing.
    """

    def __init__(self) -> None:
        self.loop = get_loop()

        # Its result: a value, or an error in place of the value.
        self.value: Any = None
        self.error: BaseException | None = None
        self._done = False

        # Called as soon as it is done, in this order.
        self.waiters: list[Callable[[], object]] = []

    def done(self) -> bool:
        return self._done

    def when_done(self, waiter: Callable[[], object]) -> None:
        """Call ``waiter`` as soon as this is done. A task that waits adds ``wake``."""
        if self._done:
            waiter()
        else:
            self.waiters.append(waiter)

    def result(self) -> Any:
        """Return the value, or raise the error.

        Raises:
            RuntimeError: the future is not done yet.
        """
        if not self._done:
            raise RuntimeError("no result yet: await it first")

        self.loop.unseen.pop(self, None)  # somebody has asked
        if self.error is not None:
            raise self.error
        return self.value

    def set_result(self, value: Any = None) -> bool:
        if self._done:
            return False
        self.value = value
        self._finish()
        return True

    def set_exception(self, error: BaseException) -> bool:
        if self._done:
            return False
        self.error = error
        # An error that nobody waits for would be lost without a word. The loop keeps
        # it, and prints it at the end unless somebody has asked for the result.
        if isinstance(error, Exception) and not self.waiters:
            self.loop.unseen[self] = error
        self._finish()
        return True

    def cancel(self) -> bool:
        return self.set_exception(CancelledError())

    def _finish(self) -> None:
        self._done = True
        for waiter in self.waiters:
            waiter()

    def __await__(self) -> Generator["Future", None, Any]:
        # ``yield self`` leaves the task's coroutine: the future comes out of ``send``,
        # which is in ``Task.resume``. The task is resumed here when the future is done.
        if not self._done:
            yield self
        return self.result()


class Task(Future):
    """A coroutine that the loop resumes until it ends.

    To make a task is to schedule it: it takes its first step in the next turn.

    A task is a future, too: its result is what the coroutine returns or raises. So one
    task can await another one.

    Args:
        coro: what a call of an ``async def`` gives.
        name: for messages and pictures; the coroutine function's name by default.

    Raises:
        TypeError: ``coro`` is no coroutine, for example a function that is not called.
    """

    def __init__(self, coro: Coroutine[Any, Any, Any], name: str = "") -> None:
        if not hasattr(coro, "send"):
            raise TypeError(f"a coroutine was expected, got {coro!r}")
        super().__init__()
        self.coro = coro
        self.name = name or getattr(coro, "__name__", "a task")

        self.state = READY
        self.waits_for: Future | None = None  # what it has awaited last
        self.interrupt: BaseException | None = None  # to be thrown in at the next step

        self.loop.task_begins(self)
        self.wake()

    def wake(self) -> None:
        """Ask the loop for one more step."""
        self.state = READY
        self.loop.call_soon(self.resume)

    def resume(self) -> None:
        """One step: resume the coroutine, until it yields or ends."""
        error = self.error_to_throw()
        self.interrupt = None
        self.waits_for = None
        self.state = RUNNING
        try:
            if error is None:
                wish = self.coro.send(None)
            else:
                wish = self.coro.throw(error)
        except StopIteration as stop:
            self.coroutine_returned(stop.value)
        except (Exception, CancelledError) as failure:
            self.set_exception(failure)
        except BaseException as failure:
            # Ctrl-C ends whatever runs at that moment, and is meant for the whole
            # program. Without ``raise`` only this task would end.
            self.set_exception(failure)
            raise
        else:
            self.wait_for(wish)

    def error_to_throw(self) -> BaseException | None:
        """Which error the next step throws into the coroutine; ``None``: it sends."""
        if self.interrupt is not None:
            return self.interrupt
        if self.waits_for is not None:
            return self.waits_for.error  # None if the future has a value
        return None

    def wait_for(self, wish: Any) -> None:
        """Do what the coroutine has asked for by yielding ``wish``."""
        if wish is None:
            self.wake()
            return

        if not isinstance(wish, Future):
            self.interrupt = RuntimeError(
                f"the tiny loop can wait for its own futures and tasks, not for "
                f"{wish!r}: use tiny_loop.sleep and what is in tiny_tools"
            )
            self.wake()
            return

        self.state = State.WAITING
        self.waits_for = wish
        wish.when_done(self.wake)

        # A task can be cancelled while it runs, by its own code. It waited for nothing
        # then. Without this it would now sleep as if nobody had cancelled it.
        if self.interrupt is not None and wish.cancel():
            self.interrupt = None

    def coroutine_returned(self, value: Any) -> None:
        if self.interrupt is not None:  # it was cancelled during its last step
            self.set_exception(self.interrupt)
        else:
            self.set_result(value)

    def cancel(self) -> bool:
        """Ask the task to end; ``False`` if it has ended already.

        The task hears of it in its next step, may clean up, and may even go on.
        """
        if self._done:
            return False

        # The future then wakes this task, and hands its CancelledError on to it.
        if self.waits_for is not None and self.waits_for.cancel():
            return True

        # There is nothing to cancel: the task is ready, or it runs right now.
        self.interrupt = CancelledError()
        return True

    def _finish(self) -> None:
        self.state = State.DONE
        self.loop.task_ends(self)
        super()._finish()

    def __str__(self) -> str:
        frame = getattr(self.coro, "cr_frame", None)
        if frame is None:
            return self.name
        return f"{self.name}, {frame.f_code.co_filename}:{frame.f_lineno}"


class Timer(NamedTuple):
    """In a heap the smallest comes first: the earliest, and of these the oldest."""

    due: float  # in seconds of the loop's clock
    number: int  # counts upwards; it decides between timers of the same time
    future: Future  # done when the time has come


class Loop:
    """Runs one program: ``Loop().run(main())``."""

    def __init__(self) -> None:
        self.ready: deque[Callable[[], object]] = deque()
        self.timers: list[Timer] = []  # a heap
        self.timer_numbers = count()
        self.selector = DefaultSelector()  # with each socket: the future to set

        # The tasks that have not ended: the keys of a dict, which keeps their order.
        self.tasks: dict[Task, None] = {}

        # The errors that nobody has asked for, by the future that holds them.
        self.unseen: dict[Future, Exception] = {}

    def run(self, coro: Coroutine[Any, Any, Any]) -> Any:
        """Run ``coro`` as the main task, and return its result.

        Raises:
            Deadlock: all tasks wait for each other.
            Exception: whatever the main task raises.
        """
        outer_loop = running_loop.set(self)  # a task may run a loop of its own
        try:
            return self.run_main(Task(coro))
        finally:
            self.selector.close()
            running_loop.reset(outer_loop)
            self.print_unseen_errors()

    def run_main(self, main: Task) -> Any:
        """Run until main has ended, and then until all other tasks have, too."""
        try:
            self.run_until_done(main)
            return main.result()
        finally:
            # After Ctrl-C or a deadlock main has not ended. It cleans up first: it may
            # need the other tasks for that.
            main.cancel()
            self.run_until_done(main)
            self.cancel_the_rest()

    def run_until_done(self, main: Task) -> None:
        while not main.done():
            self.run_turn()

    def run_turn(self) -> None:
        """Make the calls that are ready; with none ready, wait for the first one."""
        if not self.ready:
            self.wait_for_something()
        elif self.timers or self.selector.get_map():  # its map: the sockets it watches
            # Look, and do not wait. Without this, tasks that are always ready would
            # keep those from running whose timer is due or whose socket has news.
            self.wake_the_due(0)

        # As many calls as are ready now. A loop "while self.ready" would never end
        # with a task that is ready again at once: no timer would ever be looked at.
        for _ in range(len(self.ready)):
            call = self.ready.popleft()
            call()

    def wait_for_something(self) -> None:
        """Block until the first timer is due or the first socket is ready.

        Raises:
            Deadlock: there is neither a timer nor a socket.
        """
        # A cancelled sleeper leaves its timer in the heap. Nobody waits for it.
        while self.timers and self.timers[0].future.done():
            heappop(self.timers)

        if self.timers:
            self.wake_the_due(max(0, self.timers[0].due - self.time()))
        elif self.selector.get_map():
            self.wake_the_due(None)
        else:
            raise Deadlock("; ".join(f"{task} waits" for task in self.tasks))

    def wake_the_due(self, seconds: float | None) -> None:
        """Make ready what a socket or a timer has been waited for.

        Args:
            seconds: how long to block if no socket is ready; ``None``: until one is.
        """
        if self.selector.get_map():
            for key, _ in self.selector.select(seconds):
                self.call_soon(key.data.set_result)
        elif seconds:
            self.block(seconds)

        now = self.time() + CLOCK_ERROR
        while self.timers and self.timers[0].due <= now:
            timer = heappop(self.timers)
            self.call_soon(timer.future.set_result)

    def cancel_the_rest(self) -> None:
        """Cancel the tasks that are left, and run until all of them have ended."""
        # The tasks that main's end has made ready go on first, as in asyncio.
        if self.ready:
            self.run_turn()

        cancelled: set[Task] = set()
        while self.tasks:
            # Again in each turn: a task that cleans up may start another one. Each is
            # cancelled once, so that its clean-up may wait for something.
            for task in list(self.tasks):
                if task not in cancelled:
                    cancelled.add(task)
                    task.cancel()
            self.run_turn()

    def call_soon(self, call: Callable[[], object]) -> None:
        """Make ``call`` in the next turn."""
        self.ready.append(call)

    def set_later(self, seconds: float, future: Future) -> None:
        """Make ``future`` done in so many seconds."""
        due = self.time() + seconds
        heappush(self.timers, Timer(due, next(self.timer_numbers), future))

    def time(self) -> float:
        return time.monotonic()

    def block(self, seconds: float) -> None:
        time.sleep(seconds)

    def task_begins(self, task: Task) -> None:
        self.tasks[task] = None

    def task_ends(self, task: Task) -> None:
        del self.tasks[task]

    def print_unseen_errors(self) -> None:
        for error in self.unseen.values():
            traceback.print_exception(error)


# ``get_loop`` finds the loop here. A plain global variable would be shared by all
# threads, and two loops in two threads would take each other's tasks.
running_loop: ContextVar[Loop] = ContextVar("running_loop")


def get_loop() -> Loop:
    """Return the loop that runs the code that asks.

    Raises:
        RuntimeError: no tiny loop runs it.
    """
    loop = running_loop.get(None)
    if loop is None:
        raise RuntimeError(
            "no tiny loop runs here: start it with tiny_loop.run(main())"
        )
    return loop


def run(main: Coroutine[Any, Any, Any]) -> Any:
    """Run a program to its end; return what its main coroutine returns."""
    return Loop().run(main)


def create_task(coro: Coroutine[Any, Any, Any], name: str = "") -> Task:
    """Make a task that runs beside the others. It takes its first step next turn."""
    return Task(coro, name)


async def sleep(delay: float) -> None:
    """Let the others run for ``delay`` seconds; 0 seconds: let each run once."""
    if delay <= 0:
        await give_control_back()
        return
    timer = Future()
    get_loop().set_later(delay, timer)
    await timer


@coroutine
def give_control_back() -> Generator[None, None, None]:
    """Yield ``None`` to the loop.

    An ``async def`` with a ``yield`` in it would be an asynchronous generator, which
    is another thing. So this is a plain generator, and ``@coroutine`` lets it be
    awaited.
    """
    yield
