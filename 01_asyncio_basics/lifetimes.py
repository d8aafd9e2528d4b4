"""How tasks end: one of three fails, a time-out, cancelled, shielded, lost.

``python lifetimes.py`` runs every program of this file;
``python lifetimes.py with_gather`` runs one.
"""

import asyncio
import gc
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager


async def fetch(name: str, seconds: float, *, fails: bool = False) -> str:
    try:
        await asyncio.sleep(seconds)
        if fails:
            raise ConnectionError(f"{name} has no answer")
        print(name, "is done")
        return name
    except asyncio.CancelledError:
        print(name, "is cancelled")
        raise  # the task that cancelled waits to hear that it worked


async def with_gather() -> None:
    """The caller sees the first exception at once; the others run on, unwatched."""
    try:
        await asyncio.gather(
            fetch("one", 0.2), fetch("two", 0.4, fails=True), fetch("three", 0.6)
        )
    except ConnectionError as error:
        print("main sees:", error)
    await asyncio.sleep(0.4)
    print("main ends")


async def with_task_group() -> None:
    """The others are cancelled; once all have ended the caller sees every exception."""
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fetch("one", 0.2), name="one")
            group.create_task(fetch("two", 0.4, fails=True), name="two")
            group.create_task(fetch("three", 0.6), name="three")
    except* ConnectionError as errors:
        print("main sees:", *errors.exceptions)
    await asyncio.sleep(0.4)
    print("main ends")


async def tidy(seconds: float) -> None:
    """Works, and cleans up whatever happens; cleaning up takes its time, too."""
    try:
        print("work begins")
        await asyncio.sleep(seconds)
        print("work is done")
    except asyncio.CancelledError:
        print("cancelled at the await")
        raise
    finally:
        print("cleaning up")
        await asyncio.sleep(0.2)
        print("cleaned up")


async def with_timeout() -> None:
    """A time-out cancels, waits for the ``finally``, and only then raises."""
    try:
        async with asyncio.timeout(0.4):
            await tidy(2)
    except TimeoutError:
        print("main sees: TimeoutError")


async def cancelled() -> None:
    """``cancel()`` only asks; the task hears of it at its ``await``, and answers."""
    task = asyncio.create_task(tidy(2))
    await asyncio.sleep(0.3)
    task.cancel()
    print("cancel() has returned, done:", task.done())
    try:
        await task
    except asyncio.CancelledError:
        print("main sees: CancelledError, done:", task.done())


async def shielded() -> None:
    """A shield lets the caller give up while the work goes on; somebody keeps it."""
    saving = asyncio.create_task(fetch("saving", 0.6))
    try:
        async with asyncio.timeout(0.3):
            await asyncio.shield(saving)
    except TimeoutError:
        print("main gives up waiting, cancelled:", saving.cancelled())
    await saving  # without this line it would be cut off where the program ends


async def nobody_retrieves() -> None:
    """An exception waits in its task; the loop complains when nobody can see it."""
    with complaints_printed():
        task = asyncio.create_task(fetch("two", 0.2, fails=True))
        await asyncio.sleep(0.4)
        print("nothing was heard of it, done:", task.done())
        del task  # the last one who could have asked
        gc.collect()
        print("main ends")


async def wait_for_news() -> None:
    await asyncio.get_running_loop().create_future()  # nobody else knows this future


async def nobody_keeps() -> None:
    """The loop holds its tasks weakly: one that nobody keeps may vanish."""
    with complaints_printed():
        task = weakref.ref(asyncio.create_task(wait_for_news()))  # looks, keeps nothing
        await asyncio.sleep(0.2)
        print("is it there?", task() is not None)
        gc.collect()  # Python does so by itself, now and then
        print("is it there?", task() is not None)


async def somebody_keeps() -> None:
    """The fix: a task group keeps its tasks until they have ended."""
    async with asyncio.TaskGroup() as group:
        task = weakref.ref(group.create_task(fetch("one", 0.4)))
        await asyncio.sleep(0.2)
        gc.collect()
        print("is it there?", task() is not None)


@contextmanager
def complaints_printed() -> Iterator[None]:
    """Print what the loop would otherwise write to its log, on standard error."""
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    loop.set_exception_handler(
        lambda _, complaint: print("the loop says:", complaint["message"])
    )
    try:
        yield
    finally:
        loop.set_exception_handler(before)


PROGRAMS = (
    with_gather,
    with_task_group,
    with_timeout,
    cancelled,
    shielded,
    nobody_retrieves,
    nobody_keeps,
    somebody_keeps,
)


async def main(*names: str) -> None:
    known = [program.__name__ for program in PROGRAMS]
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"There is no program {unknown[0]!r}, only {', '.join(known)}.")
    for program in PROGRAMS:
        if not names or program.__name__ in names:
            print(f"{program.__name__}:")
            await program()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
