"""The same two waits in three ways: one after the other, in threads, as tasks.

``python three_ways.py`` runs all three. The delays are a tenth of those of
``fetch_receive.py``.
"""

import asyncio
import time
from time import perf_counter

FETCH = 0.2  # seconds until the whole answer is there
PIECE = 0.0225  # seconds until the next of ten pieces is there


def fetch() -> None:
    time.sleep(FETCH)  # holds its thread
    print("fetched")


def receive() -> None:
    for _ in range(10):
        time.sleep(PIECE)
    print("received")


async def one_after_the_other() -> None:
    fetch()
    receive()


async def in_threads() -> None:
    """The very same functions; the operating system decides when each thread runs."""
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.to_thread(fetch), name="fetch")
        group.create_task(asyncio.to_thread(receive), name="receive")


async def as_tasks() -> None:
    """One thread; each coroutine says itself, with ``await``, where others may run."""

    async def fetch() -> None:
        await asyncio.sleep(FETCH)  # gives control back
        print("fetched")

    async def receive() -> None:
        for _ in range(10):
            await asyncio.sleep(PIECE)
        print("received")

    async with asyncio.TaskGroup() as group:
        group.create_task(fetch())
        group.create_task(receive())


async def main() -> None:
    for way in (one_after_the_other, in_threads, as_tasks):
        start = perf_counter()
        await way()
        print(f"{way.__name__}: {perf_counter() - start:.3f} s")


if __name__ == "__main__":
    asyncio.run(main())
