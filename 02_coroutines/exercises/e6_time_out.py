"""Exercise 2.6 · A time-out

25 minutes, after section 7 of the notebook.
Check it: python3 -m workshop exercise 2.6

asyncio has a function ``wait_for(work, seconds)``. The tiny loop has none (its method
``Task.wait_for`` is another thing). Write it. It gives the result of ``work``. When
that takes longer it is cancelled, cleans up, and then ``TimeoutError`` is raised.

You need an alarm: something that sleeps for ``seconds``, and then cancels the work.
Three things are easy to miss: an alarm that stays on when the work was done in time;
somebody else who cancels; an error of the work itself.

A task that is cancelled gets a ``tiny_loop.CancelledError``. To cancel a task is to
cancel what it awaits: cancel the one that awaits ``task``, and ``task`` is cancelled.
"""

import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parent.parent))

import tiny_loop


# ↓ Your turn begins here.
async def wait_for(work: Coroutine[Any, Any, Any], seconds: float) -> Any:
    """The result of ``work``; ``TimeoutError`` where it takes more than ``seconds``."""
    task = tiny_loop.create_task(work)
    return await task


# ↑ Your turn ends here.


async def answer(seconds: float) -> str:
    await tiny_loop.sleep(seconds)
    return "an answer"


async def main() -> None:
    print(await wait_for(answer(0.2), 1))
    try:
        print(await wait_for(answer(2), 0.5))
    except TimeoutError:
        print("a time-out")


if __name__ == "__main__":
    tiny_loop.run(main())
