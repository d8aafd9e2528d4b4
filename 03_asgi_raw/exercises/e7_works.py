"""Exercise 3.7 · One works, all wait

10 minutes, after section 8 of the notebook.
Check it: python3 -m workshop exercise 3.7

A server measures the words that its clients send. ``measure`` comes from a library that
cannot be changed, and blocks: while it works for one client, all others wait. Change
``measurer``: the others go on meanwhile. Each client still gets its answers in the
order of its words.
"""

import asyncio
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from asgi_types import Receive, Scope, Send
from conversation import Conversation


def measure(word: str) -> str:
    """The library: a plain function, which needs 0.1 s for each letter."""
    time.sleep(0.1 * len(word))
    return f"{word} has {len(word)} letters"


# ↓ Your turn begins here.
async def measurer(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer each word with what ``measure`` says of it."""
    await receive()  # websocket.connect
    await send({"type": "websocket.accept"})
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            break
        said = measure(event["text"])
        await send({"type": "websocket.send", "text": said})


# ↑ Your turn ends here.


async def main() -> None:
    async with Conversation(measurer) as one, Conversation(measurer) as other:
        await one.accepted()
        await other.accepted()
        began = time.monotonic()
        await one.send("slowly")
        await other.send("go")
        print(await other.text(), f"after {time.monotonic() - began:.1f} s")
        print(await one.text(), f"after {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    asyncio.run(main())
