"""``await``: what it does, and when it gives control back to the others.

``python waiting.py`` runs every program of this file. Each takes well under a second;
the first one is over in less than a millisecond.
"""

import asyncio
import time
import warnings


class Metronome:
    """A task that ticks once in every turn of the loop in which it gets its chance."""

    def __init__(self) -> None:
        self.ticks = 0
        self._task = asyncio.create_task(self._spin(), name="metronome")

    async def _spin(self) -> None:
        while True:
            self.ticks += 1
            await asyncio.sleep(0)

    def say(self, what: str) -> None:
        """How often it ticked since the last time it was asked."""
        print(f"{what}: {self.ticks} tick{'' if self.ticks == 1 else 's'}")
        self.ticks = 0

    def stop(self) -> None:
        self._task.cancel()


async def fetch() -> str:
    print("fetch begins")
    return "an answer"


async def quick() -> None:
    """A coroutine with no await in it: it cannot give control back."""


async def which_gives_way() -> None:
    """A tick has happened only where the ``await`` before it gave control back."""
    metronome = Metronome()
    metronome.say("after create_task")
    await asyncio.sleep(0)
    metronome.say("await asyncio.sleep(0)")
    await quick()
    metronome.say("await a coroutine that has nothing to wait for")
    task = asyncio.create_task(quick())
    await task  # one turn in which it runs, and one in which this task is woken
    metronome.say("await a task")
    await task
    metronome.say("await the same task, now done")
    metronome.stop()


async def only_called() -> None:
    """Calling a coroutine function runs nothing; it makes a coroutine object."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        coro = fetch()
        print("called:", type(coro).__name__)
        await asyncio.sleep(0.3)  # time enough, yet fetch does not begin
        del coro  # the last one who could have awaited it
    for warning in caught:
        print("Python warns:", warning.message)
    print("awaited:", await fetch())


async def scheduled() -> None:
    """A task is scheduled at once; it begins when this one gives control back."""
    task = asyncio.create_task(fetch())
    print("created:", type(task).__name__)
    time.sleep(0.3)  # it could begin now, but this task does not give control back
    print("0.3 s later: it has not begun")
    await quick()  # an await, but not one that gives control back
    print("still not")
    await asyncio.sleep(0)
    print("done:", task.done())


async def one_task_or_two() -> None:
    """Awaiting a coroutine runs it here and now; a task runs beside this one."""

    async def count(name: str) -> None:
        for n in (1, 2):
            print(name, n)
            await asyncio.sleep(0.1)

    await count("first, awaited directly,")
    await count("second")
    tasks = [asyncio.create_task(count(name)) for name in ("third, a task,", "fourth")]
    for task in tasks:
        await task


async def main() -> None:
    for program in (which_gives_way, only_called, scheduled, one_task_or_two):
        print(f"{program.__name__}:")
        await program()


if __name__ == "__main__":
    asyncio.run(main())
