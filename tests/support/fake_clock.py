"""An asyncio event loop whose time passes only where all of its tasks wait.

Where a real loop would ask its selector to wait for 0.2 s, this one adds 0.2 to its
clock: programs that sleep take no time, and happen at exactly the expected moments.
"""

import asyncio
import contextlib
import io
import selectors
from collections.abc import Coroutine
from typing import Any, NamedTuple

PATIENCE = 5.0  # real seconds for a thread or a socket to wake a loop with no timers


class DeadlockError(Exception):
    """Everybody waits, and nobody can wake them."""


class _Selector(selectors.SelectSelector):
    """Sees what is ready at once; waits in fake time, unless there is none to add."""

    now = 0.0

    def select(
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:  # a worker thread may be at work
            if not (ready := super().select(PATIENCE)):
                raise DeadlockError("every task waits, and nothing can wake them")
            return ready
        self.now += timeout
        return []


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

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Wait for the worker threads in real time, and not until a fake time-out."""
        await super().shutdown_default_executor()


class Printed(NamedTuple):
    at: float
    text: str


class Story(NamedTuple):
    """What a program did: its printed lines with their times, and when it ended."""

    printed: list[Printed]
    seconds: float
    result: Any

    @property
    def lines(self) -> list[str]:
        return [line.text for line in self.printed]

    def at(self, text: str) -> float:
        """When the line ``text`` was printed."""
        return next(line.at for line in self.printed if line.text == text)


class _Paper(io.StringIO):
    def __init__(self, loop: FakeClockLoop) -> None:
        super().__init__()
        self.loop = loop
        self.printed: list[Printed] = []
        self._unfinished = ""

    def write(self, text: str) -> int:
        *lines, self._unfinished = (self._unfinished + text).split("\n")
        self.printed += [Printed(round(self.loop.time(), 6), line) for line in lines]
        return len(text)


def run(program: Coroutine[Any, Any, Any]) -> Any:
    """What ``program`` returns, run in fake time."""
    with asyncio.Runner(loop_factory=FakeClockLoop) as runner:
        return runner.run(program)


def story(program: Coroutine[Any, Any, Any]) -> Story:
    """Run ``program`` in fake time, and note what it prints when."""
    with asyncio.Runner(loop_factory=FakeClockLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, FakeClockLoop)
        paper = _Paper(loop)
        with contextlib.redirect_stdout(paper):
            result = runner.run(program)
        return Story(paper.printed, round(loop.time(), 6), result)


def block(seconds: float) -> None:
    """Stands for ``time.sleep`` in a test: blocks the running loop in fake time."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, FakeClockLoop)
    loop.advance(seconds)
