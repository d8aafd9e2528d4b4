"""Exercise 3.1 · Pong

10 minutes, after section 2 of the notebook.
Check it: python3 -m workshop exercise 3.1

Write an ASGI application for a websocket. It accepts the connection. It answers each
text ``ping`` with the text ``pong!``, and any other text with nothing. When the client
has left, the application returns.
"""

import asyncio
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from asgi_types import Event, Receive, Scope, Send


# ↓ Your turn begins here.
async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer each ``ping`` with ``pong!``, until the client leaves."""
    event = await receive()
    print("→", event)


# ↑ Your turn ends here.


async def main() -> None:
    happened: list[Event] = [
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": "ping"},
        {"type": "websocket.receive", "text": "hello"},
        {"type": "websocket.receive", "text": "ping"},
        {"type": "websocket.disconnect", "code": 1000},
    ]

    async def receive() -> Event:
        return happened.pop(0)

    async def send(event: Event) -> None:
        print("←", event)

    await application({"type": "websocket", "path": "/"}, receive, send)


if __name__ == "__main__":
    asyncio.run(main())
