"""Hints, check and solution of exercise 1.6, and what must not pass."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from exercises.e6_one_fails import Server

from workshop.exercises import Wrong, shown

HINTS = (
    "`gather` raises the first error, and leaves the others alone. What starts tasks, "
    "cancels the rest when one fails, and waits until all have ended?",
    "A `TaskGroup` does all three. Where do the results stand when its block has "
    "ended?",
    "`async with asyncio.TaskGroup() as group:`, and `tasks = "
    "[group.create_task(server.fetch(part)) for part in parts]` in its block; behind "
    "the block `[task.result() for task in tasks]`.",
)

PARTS = ("weather", "map", "news")


async def check(load: Callable[[Server, Sequence[str]], Awaitable[list[str]]]) -> str:
    loop = asyncio.get_running_loop()
    server = Server()
    began = loop.time()
    page = await load(server, PARTS)
    seconds = round(loop.time() - began, 6)
    _require_page(page, seconds)
    server = Server(broken="map")
    began = loop.time()
    try:
        page = await load(server, PARTS)
    except Exception as error:
        raised: Exception | None = error
    else:
        raised = None
    seconds = round(loop.time() - began, 6)
    still_open = sorted(server.open)
    if raised is None:
        raise Wrong(
            f"Here the fetch of map fails, and load gave {shown(page)}; it should "
            "raise the error.",
            ask="Who looks at the error, if load returns as if all were well?",
        )
    if still_open:
        raise Wrong(
            f"Here the fetch of map fails. load has raised after {seconds:g} s, and "
            f"these lines are still open: {', '.join(still_open)}.",
            ask="Who cancels the others, and who waits until they have closed?",
        )
    if not _has_connection_error(raised):
        raise Wrong(
            f"Here the fetch of map fails, and load raised {raised!r}; the "
            "ConnectionError was wanted, alone or in an ExceptionGroup.",
            ask="Where has the first error gone?",
        )
    if seconds != 0.8:  # 0.6 s to the error, 0.1 s to close its line, then the others'
        raise Wrong(
            f"Here the fetch of map fails after 0.6 s. load raised after {seconds:g} "
            "s; 0.8 s were wanted. Nobody needs the others any more when one has "
            "failed.",
            ask="Were the others cancelled, or was their end awaited?",
        )
    return "the others were cancelled, and have closed their lines."


def _require_page(page: object, seconds: float) -> None:
    expected = [f"<{part}>" for part in PARTS]
    if not isinstance(page, list | tuple) or list(page) != expected:
        raise Wrong(
            f"With nothing broken load gave {shown(page)}; {shown(expected)} was "
            "wanted.",
            ask="Where do the results of the tasks go, and in which order?",
        )
    if seconds != 1.5:
        raise Wrong(
            f"With nothing broken load took {seconds:g} s; 1.5 s were wanted, as long "
            "as the slowest part.",
            ask="Do all fetches go on at the same time?",
        )


def _has_connection_error(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return any(_has_connection_error(inner) for inner in error.exceptions)
    return isinstance(error, ConnectionError)


async def load(server: Server, parts: Sequence[str]) -> list[str]:
    """All parts, in their order; fetched at once, and all or none."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(server.fetch(part)) for part in parts]
    return [task.result() for task in tasks]


async def errors_as_results(server, parts):
    fetches = (server.fetch(part) for part in parts)
    return await asyncio.gather(*fetches, return_exceptions=True)


async def errors_as_results_then_raised(server, parts):
    fetches = (server.fetch(part) for part in parts)
    results = await asyncio.gather(*fetches, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result
    return results


async def try_around_gather(server, parts):
    try:
        return await asyncio.gather(*(server.fetch(part) for part in parts))
    except ConnectionError:
        raise


async def swallowed(server, parts):
    try:
        return await asyncio.gather(*(server.fetch(part) for part in parts))
    except ConnectionError:
        return []


async def cancelled_and_not_awaited(server, parts):
    tasks = [asyncio.create_task(server.fetch(part)) for part in parts]
    try:
        return await asyncio.gather(*tasks)
    except ConnectionError:
        for task in tasks:
            task.cancel()
        raise


async def cancelled_and_one_turn(server, parts):
    tasks = [asyncio.create_task(server.fetch(part)) for part in parts]
    try:
        return await asyncio.gather(*tasks)
    except ConnectionError:
        for task in tasks:
            task.cancel()
        await asyncio.sleep(0)
        raise


async def one_after_the_other(server, parts):
    return [await server.fetch(part) for part in parts]


async def wait_for_the_first_error(server, parts):
    tasks = [asyncio.create_task(server.fetch(part)) for part in parts]
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    for task in done:
        task.result()
    return [task.result() for task in tasks]


async def results_in_the_group(server, parts):
    async with asyncio.TaskGroup() as group:
        return [group.create_task(server.fetch(part)) for part in parts]


async def awaited_in_the_group(server, parts):
    async with asyncio.TaskGroup() as group:
        return [await group.create_task(server.fetch(part)) for part in parts]


WRONG = (
    (errors_as_results, "it should raise the error"),
    (errors_as_results_then_raised, "load raised after 1.5 s; 0.8 s were wanted"),
    (
        try_around_gather,
        "the fetch of map fails. load has raised after 0.7 s, and these lines are "
        "still open: news, weather",
    ),
    (swallowed, "Here the fetch of map fails, and load gave []"),
    (cancelled_and_not_awaited, "these lines are still open"),
    (cancelled_and_one_turn, "these lines are still open"),
    (one_after_the_other, "With nothing broken load took 3.1 s"),
    (wait_for_the_first_error, "these lines are still open: news, weather"),
    (results_in_the_group, "load gave [<a task>, <a task>, <a task>]"),
    (awaited_in_the_group, "With nothing broken load took 3.1 s"),
)
