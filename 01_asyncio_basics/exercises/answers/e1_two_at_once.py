"""Hints, check and solution of exercise 1.1, and what must not pass."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any

import exercises.e1_two_at_once as world
from exercises.e1_two_at_once import news, weather

from workshop.exercises import Wrong, shown

HINTS = (
    "While the page waits for the weather, it could already ask for the news. But "
    "`news()` stands after `await weather()`: it is not even called before the weather "
    "is there.",
    "A task begins to run beside its maker. Which of the two must be a task before "
    "the first `await`?",
    "`latest = asyncio.create_task(news())` comes first; then `today = await "
    "weather()`; the list is `[today, await latest]`.",
)

EXPECTED = ["sunny, 21 degrees", "a new bridge was opened"]

Source = Callable[[], Coroutine[Any, Any, str]]


def spied(source: Source, asked: list[str]) -> Source:
    """``source``, which notes in ``asked`` that it has begun to answer."""

    @wraps(source)
    async def spy() -> str:
        asked.append(source.__name__)
        return await source()

    return spy


async def check(load_page: Callable[[], Awaitable[list[str]]]) -> str:
    asked: list[str] = []
    # load_page looks both names up in its own module, and finds these.
    vars(world).update(weather=spied(weather, asked), news=spied(news, asked))
    loop = asyncio.get_running_loop()
    began = loop.time()
    page = await load_page()
    seconds = loop.time() - began
    if not isinstance(page, list | tuple):
        raise Wrong(
            f"load_page gave {shown(page)}; a list of two texts was wanted.",
            ask="Where does each result come from, and what was awaited to get it?",
        )
    if any(not isinstance(part, str) for part in page):
        kinds = ", ".join(type(part).__name__ for part in page)
        raise Wrong(
            f"The list holds {kinds}; two texts (str) were wanted.",
            ask="What does a task or a coroutine need before one has its result?",
        )
    if list(page) == EXPECTED[::-1]:
        raise Wrong(
            "The news stands before the weather; the weather was wanted first.",
            ask="In which order do the results come, and in which were they asked for?",
        )
    if list(page) != EXPECTED:
        raise Wrong(
            f"load_page gave {shown(page)}; {EXPECTED!r} was wanted.",
            ask="Which of the two did you not wait for?",
        )
    for name in ("weather", "news"):
        if name not in asked:
            raise Wrong(
                f"The page has both texts, and {name} was never asked.",
                ask=f"Where does this text come from tomorrow, if not from {name}()?",
            )
    if seconds >= 5:
        raise Wrong(
            f"The page took {seconds:g} s; 3 s were wanted, as long as the slower one.",
            ask="Has the second one begun while the first one waits?",
        )
    if seconds != 3:
        raise Wrong(
            f"The page took {seconds:g} s; 3 s were wanted.",
            ask="What else does it wait for?",
        )
    return "both were asked at once, and the page was there after 3 s."


async def load_page() -> list[str]:
    """The weather and the news, in this order."""
    latest = asyncio.create_task(news())
    today = await weather()
    return [today, await latest]


async def awaited_at_once():
    today = await asyncio.create_task(weather())
    latest = await asyncio.create_task(news())
    return [today, latest]


async def gathered_and_not_awaited():
    return asyncio.gather(weather(), news())


async def gathered_and_unpacked():
    today, latest = asyncio.gather(weather(), news())
    return [today, latest]


async def as_they_come():
    results = []
    for done in asyncio.as_completed([news(), weather()]):
        results.append(await done)
    return results


async def the_first_one_only():
    tasks = {asyncio.create_task(news()), asyncio.create_task(weather())}
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    return [task.result() for task in done]


async def asked_in_the_wrong_order():
    return await asyncio.gather(news(), weather())


async def tasks_in_the_list():
    today = asyncio.create_task(weather())
    latest = asyncio.create_task(news())
    await asyncio.wait([today, latest])
    return [today, latest]


async def no_await():
    return [weather(), news()]


async def written_down():
    await asyncio.sleep(3)
    return ["sunny", "a bridge"]


async def known_by_heart():
    await asyncio.sleep(3)
    return ["sunny, 21 degrees", "a new bridge was opened"]


WRONG = (
    (awaited_at_once, "The page took 5 s"),
    (gathered_and_not_awaited, "gave <a future of gather>"),
    (gathered_and_unpacked, "Which word is missing before the call on this line?"),
    (as_they_come, "The news stands before the weather"),
    (the_first_one_only, "gave ['a new bridge was opened']"),
    (asked_in_the_wrong_order, "The news stands before the weather"),
    (tasks_in_the_list, "The list holds Task, Task"),
    (no_await, "The list holds coroutine, coroutine"),
    (written_down, "gave ['sunny', 'a bridge']"),
    (known_by_heart, "The page has both texts, and weather was never asked"),
)
