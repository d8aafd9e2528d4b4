"""The tiny loop, one call at a time: what the stepper needs, and the loop does not.

``steps`` is ``Loop.run`` and ``Loop.run_turn`` once more, with a ``yield`` after each
call. It repeats their twenty lines, so that the loop itself can be read without knowing
of steps. A test runs generated programs in both ways and compares the order of events.
"""

from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from fake_clock import FakeClock, FakeTimeLoop
from tiny_loop import Task, running_loop

Call = Callable[[], object]

ENDED = 50  # how many tasks that have ended are remembered


class SteppingLoop(FakeTimeLoop):
    """A loop that stands still between two calls.

    Args:
        coro: the program's main coroutine; it becomes a task at once, and is ready.
        clock: a fake one: where the loop would block, its time jumps.
    """

    def __init__(self, coro: Coroutine[Any, Any, Any], clock: FakeClock) -> None:
        super().__init__(clock)
        self.ended: deque[Task] = deque(maxlen=ENDED)
        self._steps = self.steps()
        outer_loop = running_loop.set(self)
        self.main = Task(coro)
        running_loop.reset(outer_loop)

    def step(self) -> Call | None:
        """Make one call, or wait for something; return what it was, or ``None``.

        Raises:
            Deadlock: all tasks wait for each other.
        """
        outer_loop = running_loop.set(self)
        try:
            return next(self._steps, None)
        finally:
            running_loop.reset(outer_loop)

    def steps(self) -> Iterator[Call]:
        while not self.main.done():
            yield from self.steps_of_a_turn()
        if self.ready:
            yield from self.steps_of_a_turn()

        cancelled: set[Task] = set()
        while self.tasks:
            for task in list(self.tasks):
                if task not in cancelled:
                    cancelled.add(task)
                    task.cancel()
            yield from self.steps_of_a_turn()

    def steps_of_a_turn(self) -> Iterator[Call]:
        if not self.ready:
            self.wait_for_something()
            yield self.wait_for_something
        elif self.timers or self.selector.get_map():
            self.wake_the_due(0)

        for _ in range(len(self.ready)):
            call = self.ready.popleft()
            call()
            yield call

    def task_ends(self, task: Task) -> None:
        super().task_ends(task)
        self.ended.append(task)
