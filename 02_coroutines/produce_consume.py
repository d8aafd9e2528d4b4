"""Two coroutines that fill and drain one queue, and yield to each other.

``python produce_consume.py`` runs them as generators with a trampoline,
``python produce_consume.py tasks`` as two tasks with an ``asyncio.Queue``.
Both print the same.
"""

import asyncio
import sys
from collections import deque
from collections.abc import Iterator

CAPACITY = 3  # the queue is full with so many items
ITEMS = 7  # how many are produced in all


def produce(q: deque[int]) -> Iterator[str]:
    item = 0
    while item < ITEMS:
        while len(q) < CAPACITY and item < ITEMS:
            item += 1
            q.append(item)
            print("produced", item)
        yield "consume"


def consume(q: deque[int]) -> Iterator[str]:
    while True:
        while q:
            item = q.popleft()
            print("consumed", item)
        yield "produce"


def trampoline(coroutines: dict[str, Iterator[str]], turn: str) -> None:
    """Resume the coroutine whose turn it is; what it yields names the next one.

    A Python generator can only yield to whoever resumed it. Here that is always this
    loop, which then jumps to the other one for it.
    """
    try:
        while True:
            turn = next(coroutines[turn])
    except StopIteration:  # one of them has returned
        return


def main() -> None:
    q: deque[int] = deque()
    trampoline({"produce": produce(q), "consume": consume(q)}, turn="produce")


async def produce_task(q: asyncio.Queue[int]) -> None:
    for item in range(1, ITEMS + 1):
        await q.put(item)  # waits while the queue is full
        print("produced", item)


async def consume_task(q: asyncio.Queue[int]) -> None:
    for _ in range(ITEMS):
        item = await q.get()  # waits while the queue is empty
        print("consumed", item)


async def main_tasks() -> None:
    q: asyncio.Queue[int] = asyncio.Queue(CAPACITY)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(produce_task(q))
        tasks.create_task(consume_task(q))


if __name__ == "__main__":
    if sys.argv[1:] == ["tasks"]:
        asyncio.run(main_tasks())
    else:
        main()
