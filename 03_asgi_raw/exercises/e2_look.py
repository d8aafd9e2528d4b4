"""Exercise 3.2 · Look, do not touch

15 minutes, after section 4 of the notebook.
Check it: python3 -m workshop exercise 3.2

A middleware that counts. While sockets are open, ``open`` is their number. A socket
counts from its ``websocket.accept`` until the call of the application ends, whichever
way it ends. All that passes stays as it is: events, errors, other kinds of scopes.
"""

import asyncio
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from asgi_types import Application, Event, Receive, Scope, Send
from conversation import Conversation


async def room(scope: Scope, receive: Receive, send: Send) -> None:
    """Say each text again; refuse at the path ``/closed``; fail at ``fail``."""
    await receive()
    if scope["path"] == "/closed":
        await send({"type": "websocket.close"})
        return
    await send({"type": "websocket.accept"})
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            return
        if event["text"] == "fail":
            raise LookupError("the room is on fire")
        await send({"type": "websocket.send", "text": event["text"]})
        if event["text"] == "bye":
            return


# ↓ Your turn begins here.
class Counted:
    """An application around another one; ``open`` counts the open sockets of it."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.application(scope, receive, send)


# ↑ Your turn ends here.


async def main() -> None:
    counted = Counted(room)
    async with Conversation(counted) as one:
        await one.accepted()
        print("one is there:", counted.open)
        async with Conversation(counted) as two:
            await two.accepted()
            print("two are there:", counted.open)
    print("nobody is there:", counted.open)


if __name__ == "__main__":
    asyncio.run(main())
