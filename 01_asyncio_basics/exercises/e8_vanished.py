"""Exercise 1.8 · The task that vanished

10 minutes, after section 8 of the notebook.
Check it: python3 -m workshop exercise 1.8

A server sends welcome mails in the background: nobody waits for them. Now and then one
is never sent, and nothing says why: Python had thrown its task away. Change ``start``.
It puts the task into ``kept`` while the task runs, and takes it out when it has ended.
"""

import asyncio
import gc
from collections.abc import Coroutine
from typing import Any

Kept = set[asyncio.Task[Any]]
Work = Coroutine[Any, Any, Any]  # what the call of an async def gives


# ↓ Your turn begins here.
def start(work: Work, kept: Kept) -> None:
    """Run ``work`` in the background; its task is in ``kept`` while it runs."""
    asyncio.create_task(work)


# ↑ Your turn ends here.


async def welcome(name: str) -> None:
    print("writing to", name)
    # An answer for which only this coroutine waits: nobody else knows this future.
    await asyncio.get_running_loop().create_future()


async def main() -> None:
    kept: Kept = set()
    start(welcome("Ada"), kept)
    await asyncio.sleep(0.1)
    gc.collect()  # Python does this now and then
    print("kept:", len(kept))


if __name__ == "__main__":
    asyncio.run(main())
