"""Exercise 3.3 · No, before and after

12 minutes, after section 4 of the notebook.
Check it: python3 -m workshop exercise 3.3

``gate`` lets everybody into ``chat``. Change it. The chat is at the path ``/``. At any
other path the client gets the HTTP error 403, and never an open socket. At ``/`` with
another query string than ``TICKET`` the page has to learn that its ticket is the
reason: it reads the close code 4401. All others come into the chat as before.
"""

import asyncio
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from asgi_types import Receive, Scope, Send
from conversation import Conversation, Unexpected

TICKET = b"ticket=42"  # as it stands in scope["query_string"]


async def chat(scope: Scope, receive: Receive, send: Send) -> None:
    """Accept, and say each text again."""
    await receive()  # websocket.connect
    await send({"type": "websocket.accept"})
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            return
        await send({"type": "websocket.send", "text": event["text"]})


# ↓ Your turn begins here.
async def gate(scope: Scope, receive: Receive, send: Send) -> None:
    """403 for another path, 4401 without a ticket; ``chat`` for all others."""
    await chat(scope, receive, send)


# ↑ Your turn ends here.


async def main() -> None:
    for path in ("/", "/?ticket=42", "/nowhere"):
        async with Conversation(gate, path) as talk:
            try:
                await talk.ended()
            except Unexpected:
                await talk.disconnect()
        print(f"{path}\n  " + "\n  ".join(talk.said))


if __name__ == "__main__":
    asyncio.run(main())
