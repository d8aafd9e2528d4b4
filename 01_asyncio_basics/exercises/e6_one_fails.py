"""Exercise 1.6 · One of three fails

12 minutes, after section 6 of the notebook.
Check it: python3 -m workshop exercise 1.6

``load`` fetches the parts of a page. When one fetch fails there will be no page, but
the others go on: their lines stay open, and nobody waits for them. Change ``load``.
When it raises, the others have been cancelled and have closed their lines. It raises
the error, alone or in an ``ExceptionGroup``.
"""

import asyncio
from collections.abc import Sequence


class Server:
    """Fetches parts; ``open`` names those whose line is open now."""

    def __init__(self, broken: str = "") -> None:
        self.broken = broken
        self.open: set[str] = set()

    async def fetch(self, part: str) -> str:
        """One part, after 0.2 s for each of its letters; closing takes 0.1 s."""
        self.open.add(part)
        try:
            await asyncio.sleep(0.2 * len(part))
            if part == self.broken:
                raise ConnectionError(f"{part} is not there")
            return f"<{part}>"
        finally:
            await asyncio.sleep(0.1)
            self.open.remove(part)


# ↓ Your turn begins here.
async def load(server: Server, parts: Sequence[str]) -> list[str]:
    """All parts, in their order; fetched at once, and all or none."""
    return await asyncio.gather(*(server.fetch(part) for part in parts))


# ↑ Your turn ends here.


async def main() -> None:
    server = Server(broken="news")
    try:
        print(await load(server, ["map", "news", "weather"]))
    except* ConnectionError as errors:
        print("no page:", *errors.exceptions)
    print("still open:", server.open or "nothing")


if __name__ == "__main__":
    asyncio.run(main())
