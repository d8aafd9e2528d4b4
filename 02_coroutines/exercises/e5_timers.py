"""Exercise 2.5 · Sleep until the first

25 minutes, after section 6 of the notebook.
Check it: python3 -m workshop exercise 2.5

An event loop with timers. A coroutine asks for a pause with ``await pause(seconds)``,
and ``send`` gives you the number of seconds. ``run`` sleeps through each pause before
it runs another coroutine, so the pauses add up. Change it: while one coroutine pauses
the others run, and when all of them pause, ``clock.sleep`` sleeps until the first one
is due.
"""

import time
from collections.abc import Coroutine, Generator, Sequence
from heapq import heappop, heappush  # you may want them: the smallest comes first
from types import coroutine
from typing import Any


class Clock:
    def now(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Block for so long."""
        time.sleep(seconds)


@coroutine  # a plain generator that can be awaited
def pause(seconds: float) -> Generator[float, None, None]:
    """Ask to be resumed in so many seconds."""
    yield seconds


async def boil(what: str, seconds: float) -> None:
    print(f"{what} goes on")
    await pause(seconds)
    print(f"{what} is done")


# ↓ Your turn begins here.
def run(coros: Sequence[Coroutine[Any, Any, Any]], clock: Clock) -> None:
    """Run all of them until the last has ended; each pauses as long as it asks to."""
    for coro in coros:
        try:
            while True:
                seconds = coro.send(None)
                clock.sleep(seconds)
        except StopIteration:
            pass


# ↑ Your turn ends here.


if __name__ == "__main__":
    start = time.monotonic()
    run([boil("rice", 1.5), boil("an egg", 0.5), boil("tea", 1)], Clock())
    print(f"{time.monotonic() - start:.1f} s in all")
