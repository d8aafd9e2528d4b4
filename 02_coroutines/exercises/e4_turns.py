"""Exercise 2.4 · Taking turns

15 minutes, after section 6 of the notebook.
Check it: python3 -m workshop exercise 2.4

The smallest event loop: it only takes turns. Each coroutine runs until its next
``await turn()``, then it is the next one's turn. ``run`` lets each one run to its end
before the next one begins. Change it. Its results stay in the order of ``coros``.
"""

from collections import deque
from collections.abc import Coroutine, Generator, Sequence
from types import coroutine
from typing import Any


@coroutine  # a plain generator that can be awaited
def turn() -> Generator[None, None, None]:
    """Give control back: the others first, then me again."""
    yield


async def cook(dish: str, steps: int) -> str:
    for step in range(1, steps + 1):
        print(f"{dish}: step {step}")
        await turn()
    return f"{dish} is ready"


# ↓ Your turn begins here.
def run(coros: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
    """Run all of them in turns, until the last has ended; give back their results."""
    results = []
    ready = deque(coros)
    while ready:
        coro = ready.popleft()
        try:
            while True:
                coro.send(None)
        except StopIteration as stop:
            results.append(stop.value)
    return results


# ↑ Your turn ends here.


if __name__ == "__main__":
    print(run([cook("soup", 3), cook("rice", 1), cook("tea", 2)]))
