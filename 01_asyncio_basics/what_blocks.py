"""A call that blocks stops every task: seen as ticks that did not happen.

A metronome ticks beside a piece of work. ``python what_blocks.py`` counts its ticks
while the work waits, while it blocks, and while it blocks a thread of its own.
``PYTHONASYNCIODEBUG=1 python what_blocks.py`` lets asyncio name the one that blocks.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

TICK = 0.05  # seconds from one tick to the next
REST = 0.22  # seconds in which only the metronome is at work
WORK = 0.42  # seconds: room for eight ticks


async def metronome(ticks: list[float]) -> None:
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(TICK)
        ticks.append(loop.time())


async def counting_ticks(work: Callable[[], Awaitable[None]]) -> None:
    ticks: list[float] = []
    beat = asyncio.create_task(metronome(ticks))
    await asyncio.sleep(REST)
    before = len(ticks)
    await work()
    meanwhile = len(ticks) - before  # counted before anybody else can run
    print("ticks meanwhile:", meanwhile)
    await asyncio.sleep(REST)
    beat.cancel()


async def waits() -> None:
    async def work() -> None:
        await asyncio.sleep(WORK)

    await counting_ticks(work)


async def blocks() -> None:
    async def work() -> None:
        # An async def around it does not help: it never gives control back.
        time.sleep(WORK)

    await counting_ticks(work)


async def fixed() -> None:
    async def work() -> None:
        await asyncio.to_thread(time.sleep, WORK)  # blocks a thread, not the loop

    await counting_ticks(work)


async def main() -> None:
    for program in (waits, blocks, fixed):
        print(f"{program.__name__}:")
        await program()


if __name__ == "__main__":
    asyncio.run(main())
