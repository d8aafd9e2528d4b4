"""An event loop to read in one sitting, and to step through.

1. A task is a coroutine that the loop resumes by ``send`` or ``throw``. It runs until
   it yields ``None`` ("the others first") or a future ("me again when this is done").
2. A turn makes as many calls as are ``ready`` when it begins. What comes later waits
   for the next turn, and before that the timers (a heap) and the sockets are looked at.
3. With nothing ready the loop blocks until the first timer or socket: it never spins.
   Without any of these nobody can ever go on: ``Deadlock`` says who waits where.
4. ``cancel`` cancels what a task waits for, which throws ``CancelledError`` into it.
5. When main has ended the others are cancelled; an error nobody awaited is printed.
The order of events is asyncio's. Left out: threads, signals, contextvars per task."""

import time
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextvars import ContextVar, copy_context
from enum import Enum
from heapq import heappop, heappush
from itertools import count
from selectors import BaseSelector, DefaultSelector
from types import coroutine
from typing import Any

State = Enum("State", "READY RUNNING WAITING DONE")
READY, RUNNING, WAITING, DONE = State
_current: ContextVar["Loop"] = ContextVar("the loop that runs")
get_loop = _current.get


class CancelledError(BaseException):
    """Thrown into a task that is to end; no ``except Exception`` catches it."""


class Deadlock(Exception):
    """All tasks wait, and no timer and no socket is left to wake one of them."""


class Future:
    """A result that may not be there yet; whoever awaits it waits for it."""

    def __init__(self) -> None:
        self.loop, self.state = get_loop(), WAITING
        self.value: Any = None
        self.error: BaseException | None = None
        self.waiters: list[Callable[[], object]] = []  # called as soon as it is done

    def __await__(self) -> Generator["Future", None, Any]:
        if not self.done():
            yield self  # the door: to whoever resumed us, which is Task.resume
        return self.result()

    def done(self) -> bool:
        return self.state is DONE

    def result(self) -> Any:
        self.loop.unseen.pop(self, None)
        if self.error or not self.done():
            raise self.error or RuntimeError("no result yet: await it first")
        return self.value

    def set_result(self, value: Any = None, error: BaseException | None = None) -> bool:
        if self.done():
            return False  # the first one counts
        self.state, self.value, self.error = DONE, value, error
        if isinstance(error, Exception) and not self.waiters:
            self.loop.unseen[self] = error
        if self in self.loop.tasks:
            self.loop.ended.append(self.loop.tasks.pop(self))
        for waiter in self.waiters:
            waiter()
        return True

    def cancel(self) -> bool:
        return self.set_result(error=CancelledError())


class Task(Future):
    """A coroutine that the loop resumes until it ends; making one starts it."""

    def __init__(self, coro: Any, name: str = "") -> None:
        super().__init__()
        self.name = name or coro.__name__
        self.coro = self.loop.wrap(coro, self.name)
        self.waits_for: Future | None = None
        self.interrupt: CancelledError | None = None
        self.loop.tasks[self] = self
        self.wake()

    def wake(self) -> None:
        self.state = READY
        self.loop.ready.append(self.resume)

    def cancel(self) -> bool:
        if not self.done() and not (self.waits_for and self.waits_for.cancel()):
            self.interrupt = CancelledError()  # for its next step or await
        return not self.done()

    def __str__(self) -> str:
        at = getattr(self.coro, "cr_frame", None)  # a generator has none
        return f"{self.name}, {at and f'{at.f_code.co_filename}:{at.f_lineno}'}"

    def resume(self) -> None:
        error = self.interrupt or (self.waits_for and self.waits_for.error)
        self.state, self.waits_for, self.interrupt = RUNNING, None, None
        try:
            awaited = self.coro.throw(error) if error else self.coro.send(None)
            if awaited is None:
                self.wake()
            else:
                awaited.waiters.append(self.wake)
                self.state, self.waits_for = WAITING, awaited
                if self.interrupt and awaited.cancel():
                    self.interrupt = None
        except StopIteration as stop:
            self.set_result(stop.value, self.interrupt)  # cancelled in its last step
        except BaseException as failure:
            self.set_result(None, failure)
            if not isinstance(failure, Exception | CancelledError):
                raise  # Ctrl-C is meant for the loop, not for this task


class Loop:  # ``run`` it, or do one ``step`` at a time and look around in between
    def __init__(self, main: Any, clock: Any = time, wrap: Any = None) -> None:
        self.clock, self.wrap = clock, wrap or (lambda coro, name: coro)
        self.selector = clock if isinstance(clock, BaseSelector) else DefaultSelector()
        self.ready: deque[Callable[[], object]] = deque()
        self.timers: list[tuple[float, int, Future]] = []  # the number breaks ties
        self.tasks: dict[Any, Task] = {}  # those that have not ended
        self.ended: deque[Task] = deque(maxlen=50)  # the last ones
        self.unseen: dict[Future, Exception] = {}
        self.call_soon, self.number = self.ready.append, count()
        _current.set(self)
        self.main, self._steps = Task(main), self.steps()

    def run(self) -> Any:
        try:
            deque(self.steps(), maxlen=0)
            return self.main.result()
        finally:  # after Ctrl-C or a deadlock the tasks get to clean up, too
            self.main.cancel()
            deque(self.steps(), maxlen=0)
            self.selector.close()
            for error in self.unseen.values():
                traceback.print_exception(error)

    def step(self) -> Callable[[], object] | None:
        _current.set(self)
        return next(self._steps, None)

    def steps(self) -> Iterator[Callable[[], object]]:
        over, told = False, dict[Future, bool]()  # main is; who was cancelled for it
        while self.tasks or not over:
            last = self.main.done() and not over  # what is ready has one more turn
            if not self.ready and not last:
                self.look()
                yield self.look
            elif self.timers or self.selector.get_map():
                self.look(seconds=0)
            for _ in range(len(self.ready)):
                call = self.ready.popleft()
                call()
                yield call
            over = over or last
            for task in [t for t in self.tasks if t not in told] if over else ():
                told[task] = task.cancel()

    def look(self, seconds: float | None = None) -> None:
        """Wake whoever's timer or socket it is time for; wait for the first of them."""
        while self.timers and self.timers[0][2].done():
            heappop(self.timers)  # its sleeper was cancelled
        if self.timers and seconds is None:
            seconds = max(self.timers[0][0] - self.clock.monotonic(), 0)
        if self.selector.get_map():
            for key, _ in self.selector.select(seconds):
                self.call_soon(key.data.set_result)
        elif seconds is None:
            raise Deadlock("; ".join(f"{task} waits" for task in self.tasks))
        else:
            self.clock.sleep(seconds)
        now = self.clock.monotonic() + 1e-9  # 10 * 0.2 s is due together with 2 s
        while self.timers and self.timers[0][0] <= now:
            self.call_soon(heappop(self.timers)[2].set_result)


@coroutine  # lets a generator be awaited: its yields go out to Task.resume
def sleep(delay: float) -> Generator[Any, None, None]:
    if delay <= 0:
        return (yield)
    loop, timer = get_loop(), Future()
    heappush(loop.timers, (loop.clock.monotonic() + delay, next(loop.number), timer))
    yield from timer.__await__()


def run(main: Any) -> Any:
    return copy_context().run(lambda: Loop(main).run())


create_task = Task
