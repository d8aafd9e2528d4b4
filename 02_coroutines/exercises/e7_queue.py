"""Exercise 2.7 · A queue that waits

30 minutes, after section 7 of the notebook.
Check it: python3 -m workshop exercise 2.7

A queue between tasks of the tiny loop. ``get`` waits while it is empty. ``put`` waits
while it is full, which slows a fast producer down. Write it. No task looks again and
again: each one that waits puts a ``tiny_loop.Future`` of its own into a line, and is
woken by ``set_result``, the first one first. A task that waits, in ``get`` or in
``put``, can be cancelled: it gets a ``tiny_loop.CancelledError``. Then the wake-up is
for the next one in the line.
"""

import sys
from collections import deque
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parent.parent))

import tiny_loop


# ↓ Your turn begins here.
class Queue:
    """First in, first out; never more than ``size`` items."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.items: deque[Any] = deque()

    async def put(self, item: Any) -> None:
        """Add an item; wait while the queue is full."""
        self.items.append(item)

    async def get(self) -> Any:
        """Take the oldest item; wait while there is none."""
        return self.items.popleft()


# ↑ Your turn ends here.


async def produce(queue: Queue) -> None:
    for n in range(5):
        await queue.put(n)
        print("put", n)


async def main() -> None:
    queue = Queue(2)
    tiny_loop.create_task(produce(queue))
    for _ in range(5):
        print("    got", await queue.get())
        await tiny_loop.sleep(0.5)


if __name__ == "__main__":
    tiny_loop.run(main())
