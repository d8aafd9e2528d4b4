"""The program that this course begins with, on an event loop of our own.

``python tiny_fetch_receive.py`` takes 2.25 s, as on asyncio. Compare its coroutines
with those of stage 01's ``fetch_receive.py``: only the module's name differs.
"""

from time import perf_counter

import tiny_loop


async def fetch() -> None:
    await tiny_loop.sleep(2)  # the delay of a fetch


async def receive() -> None:
    for _ in range(10):
        await tiny_loop.sleep(0.225)  # the delay of each piece that arrives


async def main() -> None:
    task1 = tiny_loop.create_task(fetch())
    task2 = tiny_loop.create_task(receive())
    await task1
    print("task one awaited")
    await task2


if __name__ == "__main__":
    start = perf_counter()
    tiny_loop.run(main())
    print(f"{perf_counter() - start:.2f} s in all")
