"""Hints, check and solution of exercise 1.4, and what must not pass."""

import asyncio
from collections.abc import Awaitable, Callable

from exercises.e4_blocks import Disk

from workshop.exercises import Wrong, shown

HINTS = (
    "`disk.read` keeps its thread until it is done. Which thread is that now, and "
    "which other one could it be?",
    "asyncio has a function that calls a plain function in a worker thread: section 4 "
    "uses it. It wants the function and its arguments apart, so that *it* can call.",
    "`asyncio.to_thread(disk.read, word)` gives something to await.",
)


# Python's words for a text that stands where a function or a coroutine was wanted.
NO_FUNCTION = (
    "'str' object is not callable",
    "a coroutine was expected",
    "awaitable is required",
    "'await' expression",
    "can't be awaited",
)


class CountedDisk(Disk):
    """Notes what was read, and means something that nobody can guess."""

    def __init__(self) -> None:
        self.read_words: list[str] = []

    def read(self, word: str) -> str:
        super().read(word)
        self.read_words.append(word)
        return f"{word}: page {len(self.read_words) + 40}"


async def check(look_up: Callable[[str, Disk], Awaitable[str]]) -> str:
    disk = CountedDisk()
    ticks: list[float] = []
    others = asyncio.create_task(heartbeat(ticks), name="the others")
    await asyncio.sleep(0)
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        meaning = await look_up("loop", disk)
    except TypeError as error:
        if not disk.read_words or not any(part in str(error) for part in NO_FUNCTION):
            raise
        raise Wrong(
            "`disk.read` was called here, and its result was given on.",
            ask="Who is to call it?",
        ) from error
    seconds = loop.time() - began
    await asyncio.sleep(0.2)  # so that one sees when the others could go on
    others.cancel()
    if asyncio.iscoroutine(meaning) or asyncio.isfuture(meaning):
        kind = "a coroutine" if asyncio.iscoroutine(meaning) else "a future"
        raise Wrong(
            f"look_up gave {kind}; the meaning, a text, was wanted.",
            ask="What must be done with it to get the result?",
        )
    if not disk.read_words:
        raise Wrong(
            "The disk was never read.",
            ask="Which call reads it, and is it still there?",
        )
    longest = max(
        after - before for before, after in zip(ticks, ticks[1:], strict=False)
    )
    if longest > 0.11:
        raise Wrong(
            f"The others stood still for {longest:g} s; they tick every 0.1 s.",
            ask="In which thread does disk.read run, and who else needs that one?",
        )
    if meaning != "loop: page 41":
        raise Wrong(
            f"look_up gave {shown(meaning)}; what the disk says ('loop: page 41') was "
            "wanted.",
            ask="What does disk.read return, and where does that go?",
        )
    if len(disk.read_words) > 1:
        raise Wrong(f"The disk was read {len(disk.read_words)} times for one word.")
    return f"the others ticked on during the {seconds:g} s."


async def heartbeat(ticks: list[float]) -> None:
    loop = asyncio.get_running_loop()
    while True:
        ticks.append(loop.time())
        await asyncio.sleep(0.1)


async def look_up(word: str, disk: Disk) -> str:
    """The meaning of one word, read from the disk."""
    return await asyncio.to_thread(disk.read, word)


async def sleeps_without_await(word, disk):
    asyncio.sleep(0.4)
    return f"what {word} means"


async def sleeps_instead(word, disk):
    await asyncio.sleep(0.4)
    return f"what {word} means"


async def async_around(word, disk):
    async def read():
        return disk.read(word)

    return await read()


async def a_task_around(word, disk):
    async def read():
        return disk.read(word)

    return await asyncio.create_task(read())


async def not_awaited(word, disk):
    return asyncio.to_thread(disk.read, word)


async def called_at_once(word, disk):
    return await asyncio.to_thread(disk.read(word))


async def a_task_of_the_text(word, disk):
    return await asyncio.create_task(disk.read(word))


async def gives_way_first(word, disk):
    await asyncio.sleep(0)
    return disk.read(word)


async def result_lost(word, disk):
    await asyncio.to_thread(disk.read, word)


async def awaits_the_text(word, disk):
    return await disk.read(word)


async def joins_the_thread(word, disk):
    import threading

    found = []
    thread = threading.Thread(target=lambda: found.append(disk.read(word)))
    thread.start()
    thread.join()
    return found[0]


WRONG = (
    (sleeps_without_await, "The disk was never read"),
    (sleeps_instead, "The disk was never read"),
    (async_around, "The others stood still for 0.4 s"),
    (a_task_around, "The others stood still for 0.4 s"),
    (not_awaited, "look_up gave a coroutine"),
    (called_at_once, "`disk.read` was called here, and its result was given on."),
    (a_task_of_the_text, "`disk.read` was called here"),
    (gives_way_first, "The others stood still for"),
    (result_lost, "look_up gave None"),
    (awaits_the_text, "`disk.read` was called here"),
    (joins_the_thread, "The others stood still for"),
)
