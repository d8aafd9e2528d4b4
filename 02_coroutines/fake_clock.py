"""A clock whose time passes only where a loop would wait: sleeping takes no time."""

from selectors import DefaultSelector
from typing import Any


class FakeClock(DefaultSelector):
    """Stands in for the module ``time`` and for the selector of a loop.

    ``tiny_loop.Loop(main(), clock=FakeClock())``; sockets work as ever.
    """

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def select(self, timeout: float | None = None) -> list[Any]:
        """Look for sockets; with none ready, time passes at once."""
        events = super().select(None if timeout is None else 0)
        if not events and timeout:
            self.sleep(timeout)
        return events
