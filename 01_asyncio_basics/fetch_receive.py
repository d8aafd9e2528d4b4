"""Two waits at the same time: the program that this course begins with.

``python fetch_receive.py`` takes 2.25 s, because both coroutines wait at once.
``python fetch_receive.py one_after_the_other`` does the same work in 4.25 s.
"""

import asyncio
import sys
from time import perf_counter


async def fetch() -> None:
    await asyncio.sleep(2)  # the delay of a fetch


async def receive() -> None:
    for _ in range(10):
        await asyncio.sleep(0.225)  # the delay of each piece that arrives


async def main() -> None:
    task1 = asyncio.create_task(fetch())  # a Task, scheduled: it has not begun yet
    task2 = asyncio.create_task(receive())
    await task1  # main gives control back; now both tasks begin
    print("task one awaited")
    await task2


async def one_after_the_other() -> None:
    await fetch()  # a coroutine awaited directly runs as a part of this task
    print("task one awaited")
    await receive()


if __name__ == "__main__":
    start = perf_counter()
    asyncio.run(one_after_the_other() if sys.argv[1:] else main())
    print(f"{perf_counter() - start:.2f} s in all")
