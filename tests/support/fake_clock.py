"""Run a program on the clock of the exercises, and note what it prints when."""

import asyncio
import contextlib
import io
from collections.abc import Coroutine
from typing import Any, NamedTuple

from workshop.exercises.clock import FakeClockLoop


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
