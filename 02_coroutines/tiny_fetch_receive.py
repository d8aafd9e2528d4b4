"""The program that this course begins with, on an event loop of under 200 lines.

``python tiny_fetch_receive.py`` takes 2.25 s and prints what asyncio's prints. Compare
it with ``fetch_receive.py`` of stage 01: only the module's name differs.
"""

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
    tiny_loop.run(main())
