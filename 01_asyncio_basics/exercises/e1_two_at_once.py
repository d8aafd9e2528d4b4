"""Exercise 1.1 · Two at once

6 minutes, after section 1 of the notebook.
Check it: python3 -m workshop exercise 1.1

A page needs the weather (3 s) and the news (2 s). ``load_page`` asks for one after the
other, and the visitor waits 5 s. Change it: both questions are asked at once, the page
is there after 3 s, and the weather still comes first in the list.
"""

import asyncio


async def weather() -> str:
    await asyncio.sleep(3)  # a slow server far away
    return "sunny, 21 degrees"


async def news() -> str:
    await asyncio.sleep(2)
    return "a new bridge was opened"


# ↓ Your turn begins here.
async def load_page() -> list[str]:
    """The weather and the news, in this order."""
    today = await weather()
    latest = await news()
    return [today, latest]


# ↑ Your turn ends here.


if __name__ == "__main__":
    print(asyncio.run(load_page()))
