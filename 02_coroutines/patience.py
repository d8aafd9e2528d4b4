"""End a step that does not give control back, and say at which line it was."""

import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from time import perf_counter
from types import FrameType
from typing import Any

import tiny_loop

from workshop.pictures.recorder import is_learners


class DoesNotGiveWay(BaseException):
    """Raised in a step that has run for longer than the stepper's patience.

    Args:
        words: what to tell the learner.
        line: where the step was when it was ended.
    """

    def __init__(self, words: str, line: int) -> None:
        super().__init__(words)
        self.line = line


@contextmanager
def watchdog(patience: float, machinery: Collection[str]) -> Iterator[None]:
    """Let what runs inside take ``patience`` seconds at most.

    Python calls a trace function at each line that it runs, so that even a loop
    without an ``await`` can be ended. One long call of a C function cannot.

    Args:
        patience: in seconds.
        machinery: the files of the loop and of its stepper. An error inside them would
            break them.

    Raises:
        DoesNotGiveWay: the time is over.
    """
    deadline = perf_counter() + patience

    def trace(frame: FrameType, event: str, _: object) -> Any:
        code = frame.f_code
        if perf_counter() > deadline and is_of_the_step(frame, machinery):
            raise DoesNotGiveWay(
                f"{code.co_name} has run for {patience:g} s and does not give control "
                f"back: it is at line {frame.f_lineno}. It does not wait: it works, or "
                f"blocks.",
                frame.f_lineno,
            )
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


def is_of_the_step(frame: FrameType, machinery: Collection[str]) -> bool:
    """Whether a frame runs the learner's lines, or what they call, for the loop.

    The stepper calls such lines, too: it closes what a program has left.

    Args:
        frame: what runs. Below it are those that have called it.
        machinery: the files of the loop and of its stepper.
    """
    learners = False
    below: FrameType | None = frame
    while below is not None and below.f_code.co_filename not in machinery:
        learners = learners or is_learners(below.f_code.co_filename)
        below = below.f_back
    called_by_the_loop = (
        below is not None and below.f_code is tiny_loop.Task.resume.__code__
    )
    return learners and called_by_the_loop
