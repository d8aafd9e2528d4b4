"""Your turn: a polite crawler, ten pretend pages, never more than three at a time.

Change ``crawl`` until ``python your_turn_crawler.py`` says that it is right. One
solution is in ``solutions/crawler_solution.py``.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

AT_ONCE = 3
PAGES = tuple(f"/page/{n}" for n in range(1, 11))


class Site:
    """A pretend site: it answers after a while, and counts who asks at once."""

    def __init__(self) -> None:
        self.asking = 0
        self.most = 0
        self.begun = 0
        self.left_free = 0  # times that a page came late to a seat

    async def download(self, page: str) -> str:
        if self.begun >= AT_ONCE and self.asking < AT_ONCE - 1:
            self.left_free += 1
        self.begun += 1
        self.asking += 1
        self.most = max(self.most, self.asking)
        try:
            await asyncio.sleep(0.1 + 0.02 * PAGES.index(page))
            return f"text of {page}"
        finally:
            self.asking -= 1


async def crawl(site: Site, pages: Sequence[str]) -> list[str]:
    """The texts of all pages, in their order; ``AT_ONCE`` downloads at a time."""
    # ↓ Your turn begins here. This asks for one page at a time: polite, but slow.
    #   What is asked for is a task for each page, and something that lets only three
    #   of them in: asyncio has a Semaphore, https://docs.python.org/3/library/asyncio-sync.html
    return [await site.download(page) for page in pages]
    # ↑ Your turn ends here.


async def check(crawl: Callable[[Site, Sequence[str]], Awaitable[list[str]]]) -> str:
    """What is not right yet; empty where all is well."""
    site = Site()
    texts = await crawl(site, PAGES)
    if texts != [f"text of {page}" for page in PAGES]:
        return f"Expected the texts of all {len(PAGES)} pages in order, got {texts}."
    if site.most > AT_ONCE:
        return f"Impolite: {site.most} at once, and only {AT_ONCE} are welcome."
    if site.most < AT_ONCE:
        return f"Too slow: never more than {site.most} at once, of {AT_ONCE} allowed."
    if site.left_free > AT_ONCE:  # one or two may happen where the machine is busy
        return f"Too slow: {site.left_free} times a seat stayed free, with pages left."
    return ""


async def try_crawl() -> None:
    wrong = await check(crawl)
    print(wrong or f"Right: all {len(PAGES)} pages, {AT_ONCE} at a time.")


if __name__ == "__main__":
    asyncio.run(try_crawl())
