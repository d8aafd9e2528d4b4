"""Exercise 1.3 · Who prints first?

6 minutes, after section 3 of the notebook.
Check it: python3 -m workshop exercise 1.3

``main`` prints six lines, some of them by way of others. Bring the six texts into the
order in which they are printed. First write your guess, then check it. Afterwards
``python3 01_asyncio_basics/exercises/e3_who_prints_first.py``, in a terminal, prints
the six lines.
"""

import asyncio
from collections.abc import Callable

Say = Callable[[str], None]  # a function that takes one text, as print does


async def helper(say: Say) -> None:
    say("helper")


async def guest(name: str, say: Say) -> None:
    say(name)


async def main(say: Say = print) -> None:
    one = asyncio.create_task(guest("one", say))
    say("main")
    await helper(say)
    say("after helper")
    await one
    two = asyncio.create_task(guest("two", say))
    await one  # once more: it is done
    say("after one")
    await two


# ↓ Your turn begins here.
prints = [
    "after helper",
    "after one",
    "helper",
    "main",
    "one",
    "two",
]
# ↑ Your turn ends here.


if __name__ == "__main__":
    asyncio.run(main())
