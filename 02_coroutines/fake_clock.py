"""A clock whose time passes only where a loop would wait: sleeping takes no time."""

from collections.abc import Coroutine
from selectors import DefaultSelector
from typing import Any

from tiny_loop import Loop


class FakeClock(DefaultSelector):
    """A clock and a selector in one, since a loop waits in both. Sockets work."""

    now = 0.0  # seconds

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def select(self, timeout: float | None = None) -> list[Any]:
        """Look for sockets; with none ready, time passes at once."""
        if timeout is None:
            return super().select(None)
        events = super().select(0)
        if not events:
            self.sleep(timeout)
        return events


class FakeTimeLoop(Loop):
    """The tiny loop on a fake clock.

    Args:
        clock: what tells the time, and what the loop waits with.
    """

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.selector.close()
        self.selector = clock
        self.clock = clock

    def time(self) -> float:
        return self.clock.monotonic()

    def block(self, seconds: float) -> None:
        self.clock.sleep(seconds)


def run_in_fake_time(main: Coroutine[Any, Any, Any]) -> tuple[Any, float]:
    """Run a program without waiting.

    Returns:
        what ``main`` returns, and the seconds that it would have taken.
    """
    clock = FakeClock()
    result = FakeTimeLoop(clock).run(main)
    return result, clock.now
