"""One solution of ``your_turn_crawler.py``: a task for each page, and three keys.

``python solutions/crawler_solution.py``
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from your_turn_crawler import AT_ONCE, PAGES, Site, check


async def crawl(site: Site, pages: Sequence[str]) -> list[str]:
    """The texts of all pages, in their order; ``AT_ONCE`` downloads at a time."""
    keys = asyncio.Semaphore(AT_ONCE)

    async def download(page: str) -> str:
        async with keys:  # the fourth waits here until one of the three has left
            return await site.download(page)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(download(page)) for page in pages]
    return [task.result() for task in tasks]


async def try_solution() -> None:
    wrong = await check(crawl)
    print(wrong or f"Right: all {len(PAGES)} pages, {AT_ONCE} at a time.")


if __name__ == "__main__":
    asyncio.run(try_solution())
