"""Exercise 3.6 · The clock that nobody can leave

18 minutes, after section 8 of the notebook.
Check it: python3 -m workshop exercise 3.6

``clock`` only speaks. When its client leaves, it speaks on, for ever and to nobody:
this server's ``send`` does not complain. Change ``clock``. It tells the time as before,
whatever the client says meanwhile. As soon as the client leaves, it returns. When it
has returned, or the server has cancelled it, no task of it runs on.
"""

import asyncio
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from asgi_types import Event, Receive, Scope, Send


async def tell(send: Send) -> None:
    """Tell the time each second, without end."""
    seconds = 0
    while True:
        await send({"type": "websocket.send", "text": f"{seconds} s"})
        await asyncio.sleep(1)
        seconds += 1


# ↓ Your turn begins here.
async def clock(scope: Scope, receive: Receive, send: Send) -> None:
    """Accept, and tell the time each second until the client leaves."""
    await receive()  # websocket.connect
    await send({"type": "websocket.accept"})
    await tell(send)


# ↑ Your turn ends here.


async def main() -> None:
    events: asyncio.Queue[Event] = asyncio.Queue()

    async def send(event: Event) -> None:
        print("←", event)

    events.put_nowait({"type": "websocket.connect"})
    call = asyncio.create_task(clock({"type": "websocket"}, events.get, send))
    await asyncio.sleep(2.5)
    print("the client leaves")
    events.put_nowait({"type": "websocket.disconnect", "code": 1000})
    await asyncio.sleep(2)
    print("has the clock ended?", call.done())
    call.cancel()


if __name__ == "__main__":
    asyncio.run(main())
