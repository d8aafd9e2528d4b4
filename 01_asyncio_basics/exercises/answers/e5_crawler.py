"""Hints, check and solution of exercise 1.5, and what must not pass."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from exercises.e5_crawler import AT_ONCE, PAGES, Site

from workshop.exercises import Wrong, shown

HINTS = (
    "Ten tasks may wait at the same time. What could be a door with three places, and "
    "let the fourth task in as soon as one of the three has left?",
    "asyncio has a `Semaphore`. One for all pages, and `async with` it around each "
    "download.",
    "Before the tasks: `places = asyncio.Semaphore(AT_ONCE)`. Each task runs a small "
    "coroutine: `async with places: return await site.download(page)`. Keep the tasks "
    "of a `TaskGroup` in a list, and behind its block ask each for its `result()`.",
)


class CountingSite(Site):
    """The pretend site, which counts its visitors."""

    def __init__(self) -> None:
        self.asking = 0
        self.most = 0
        self.begun: list[str] = []
        # How often a page came though two or more places were free.
        self.free_places = 0

    async def download(self, page: str) -> str:
        if len(self.begun) >= AT_ONCE and self.asking < AT_ONCE - 1:
            self.free_places += 1
        self.begun.append(page)
        self.asking += 1
        self.most = max(self.most, self.asking)
        try:
            return await super().download(page)
        finally:
            self.asking -= 1


async def check(crawl: Callable[[Site, Sequence[str]], Awaitable[list[str]]]) -> str:
    site = CountingSite()
    texts = await crawl(site, PAGES)
    if site.asking:
        raise Wrong(
            f"crawl has returned, and {site.asking} downloads still go on.",
            ask="Who waits for the tasks that you have started?",
        )
    if len(site.begun) > len(PAGES):
        raise Wrong(
            f"{len(site.begun)} downloads for {len(PAGES)} pages; one for each page "
            "was wanted.",
            ask="Which page is asked for twice?",
        )
    _require_texts(texts)
    if site.most > AT_ONCE:
        raise Wrong(
            f"Impolite: {site.most} at once, and only {AT_ONCE} are welcome.",
            ask="Who should have waited, and for what?",
        )
    if site.most < AT_ONCE:
        raise Wrong(
            f"Too slow: never more than {site.most} at once, and {AT_ONCE} are "
            "welcome.",
            ask="Which downloads have begun while the first one waits?",
        )
    if site.free_places:
        raise Wrong(
            f"Too slow: {site.free_places} times two places were free while pages "
            "were left.",
            ask="Does the fourth page wait for one of the first three, or for all?",
        )
    few = PAGES[:2]
    if await crawl(CountingSite(), few) != [f"text of {page}" for page in few]:
        raise Wrong("With two pages in place of ten the texts are not right.")
    return f"all {len(PAGES)} pages in order, {AT_ONCE} at a time."


def _require_texts(texts: object) -> None:
    expected = [f"text of {page}" for page in PAGES]
    if not isinstance(texts, list | tuple):
        raise Wrong(
            f"crawl gave {shown(texts)}; a list of {len(PAGES)} texts was wanted.",
            ask="What does the last line of crawl give back?",
        )
    if list(texts) == expected:
        return
    if sorted(map(str, texts)) == sorted(expected):
        raise Wrong(
            f"All texts are there, but not in the order of the pages: {texts[0]!r} "
            "comes first.",
            ask="In which order do the downloads end, and in which order were they "
            "asked for?",
        )
    raise Wrong(
        f"crawl gave {shown(texts)}; the texts of all {len(PAGES)} pages were wanted.",
        ask="What does each task give, and who collects it?",
    )


async def crawl(site: Site, pages: Sequence[str]) -> list[str]:
    """The texts of all pages, in their order; ``AT_ONCE`` downloads at a time."""
    places = asyncio.Semaphore(AT_ONCE)

    async def download(page: str) -> str:
        async with places:  # the fourth waits here until one of the three has left
            return await site.download(page)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(download(page)) for page in pages]
    return [task.result() for task in tasks]


async def all_at_once(site, pages):
    return await asyncio.gather(*(site.download(page) for page in pages))


async def in_batches(site, pages):
    texts = []
    for first in range(0, len(pages), AT_ONCE):
        batch = pages[first : first + AT_ONCE]
        texts += await asyncio.gather(*(site.download(page) for page in batch))
    return texts


async def a_semaphore_for_each(site, pages):
    async def download(page):
        async with asyncio.Semaphore(AT_ONCE):
            return await site.download(page)

    return await asyncio.gather(*(download(page) for page in pages))


async def a_lock(site, pages):
    lock = asyncio.Lock()

    async def download(page):
        async with lock:
            return await site.download(page)

    return await asyncio.gather(*(download(page) for page in pages))


async def as_they_come(site, pages):
    places = asyncio.Semaphore(AT_ONCE)
    texts = []

    async def download(page):
        async with places:
            text = await site.download(page)
        texts.append(text)

    # Longer pages first, as a queue that is taken from its end does.
    await asyncio.gather(*(download(page) for page in reversed(pages)))
    return texts


async def collected_as_they_end(site, pages):
    places = asyncio.Semaphore(AT_ONCE)
    texts = []

    async def download(page):
        async with places:
            texts.append(await site.download(page))

    async with asyncio.TaskGroup() as group:
        for page in pages:
            group.create_task(download(page))
    return texts


async def nobody_waits(site, pages):
    places = asyncio.Semaphore(AT_ONCE)
    texts = []

    async def download(page):
        async with places:
            texts.append(await site.download(page))

    tasks = [asyncio.create_task(download(page)) for page in pages]
    await asyncio.sleep(0)
    return texts if tasks else []


async def tasks_for_texts(site, pages):
    places = asyncio.Semaphore(AT_ONCE)

    async def download(page):
        async with places:
            return await site.download(page)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(download(page)) for page in pages]
    return tasks


async def places_taken_by_the_maker(site, pages):
    places = asyncio.Semaphore(AT_ONCE)
    tasks = []
    for page in pages:
        async with places:
            tasks.append(asyncio.create_task(site.download(page)))
    return [await task for task in tasks]


async def with_for_async_with(site, pages):
    places = asyncio.Semaphore(AT_ONCE)

    async def download(page):
        with places:
            return await site.download(page)

    return await asyncio.gather(*(download(page) for page in pages))


WRONG = (
    (all_at_once, "Impolite: 10 at once"),
    (in_batches, "two places were free while pages were left"),
    (a_semaphore_for_each, "Impolite: 10 at once"),
    (a_lock, "Too slow: never more than 1 at once"),
    (as_they_come, "not in the order of the pages"),
    (collected_as_they_end, "not in the order of the pages"),
    (nobody_waits, "3 downloads still go on"),
    (tasks_for_texts, "crawl gave [<a task>, <a task>"),
    (places_taken_by_the_maker, "Impolite: 10 at once"),
    (with_for_async_with, "TypeError was raised at line"),
)
