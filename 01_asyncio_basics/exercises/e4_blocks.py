"""Exercise 1.4 · Somebody blocks

8 minutes, after section 4 of the notebook.
Check it: python3 -m workshop exercise 1.4

A server explains words. While it looks one up, all its other visitors stand still: deep
below ``explain`` an old library reads from a slow disk. The library cannot be changed,
and has nothing for asyncio. Change ``look_up``, so that the others run meanwhile.
"""

import asyncio
import time


class Disk:
    """The old library: ``read`` is a plain function, and blocks."""

    def read(self, word: str) -> str:
        time.sleep(0.4)
        return f"what {word} means"


async def explain(sentence: str, disk: Disk) -> list[str]:
    """The meanings of all words of a sentence, in their order."""
    return [await look_up(word, disk) for word in sentence.split()]


# ↓ Your turn begins here.
async def look_up(word: str, disk: Disk) -> str:
    """The meaning of one word, read from the disk."""
    return disk.read(word)


# ↑ Your turn ends here.


async def heartbeat() -> None:
    """The other visitors: ten times a second one of them wants something."""
    while True:
        print("tick")
        await asyncio.sleep(0.1)


async def main() -> None:
    others = asyncio.create_task(heartbeat())
    print(await explain("event loop", Disk()))
    others.cancel()


if __name__ == "__main__":
    asyncio.run(main())
