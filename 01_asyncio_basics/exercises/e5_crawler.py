"""Exercise 1.5 · A polite crawler

15 minutes, after section 5 of the notebook.
Check it: python3 -m workshop exercise 1.5

A site has ten pages, and asks its visitors for no more than three downloads at a time.
``crawl`` asks for one page after the other: polite, but slow. Change it so that three
downloads go on at any moment, as long as there are pages left.
"""

import asyncio
from collections.abc import Sequence

AT_ONCE = 3
PAGES = tuple(f"/page/{n}" for n in range(1, 11))
SECONDS = (0.10, 0.24, 0.18, 0.12, 0.26, 0.20, 0.14, 0.28, 0.22, 0.16)


class Site:
    """A pretend site: each page takes a while, and a later one may be quicker."""

    async def download(self, page: str) -> str:
        """The text of one page; each call of this is one download."""
        await asyncio.sleep(SECONDS[PAGES.index(page)])
        return f"text of {page}"


# ↓ Your turn begins here.
async def crawl(site: Site, pages: Sequence[str]) -> list[str]:
    """The texts of all pages, in their order; ``AT_ONCE`` downloads at a time."""
    return [await site.download(page) for page in pages]


# ↑ Your turn ends here.


async def main() -> None:
    texts = await crawl(Site(), PAGES)
    print(len(texts), "pages, the last one:", texts[-1])


if __name__ == "__main__":
    asyncio.run(main())
