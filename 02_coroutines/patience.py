"""End a step that does not give control back, and say at which line it was."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from types import FrameType
from typing import Any

import tiny_loop


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
def watchdog(patience: float) -> Iterator[None]:
    """Let what runs inside take ``patience`` seconds at most.

    Python calls a trace function at each line that it runs, so that even a loop
    without an ``await`` can be ended. One long call of a C function cannot.

    Raises:
        DoesNotGiveWay: the time is over.
    """
    deadline = perf_counter() + patience

    def trace(frame: FrameType, event: str, _: object) -> Any:
        code = frame.f_code
        # Only in the learner's lines: an error inside the loop would break the loop.
        if perf_counter() > deadline and code.co_filename != tiny_loop.__file__:
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
