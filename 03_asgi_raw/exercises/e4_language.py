"""Exercise 3.4 · Which language do we speak?

12 minutes, after section 4 of the notebook.
Check it: python3 -m workshop exercise 3.4

A subprotocol is a name for what the messages mean. The client offers some names, in
``scope["subprotocols"]``; the server names one of them in its accept. ``meet`` always
names its favourite, offered or not, and then browsers hang up. Change it. The server
takes the first name of ``SPOKEN`` that the client has offered. A client that offers
names, and none of these, is refused before the accept. One that offers no name at all
is accepted without a subprotocol.
"""

import asyncio
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from asgi_types import Receive, Scope, Send
from conversation import Conversation, Unexpected

SPOKEN = ("chat.json", "chat.text", "chat.binary")  # the server's favourite first


async def listen(receive: Receive) -> None:
    """Take events until the client has left."""
    while (await receive())["type"] != "websocket.disconnect":
        pass


# ↓ Your turn begins here.
async def meet(scope: Scope, receive: Receive, send: Send) -> None:
    """Agree on a subprotocol, or refuse; then listen until the client leaves."""
    await receive()  # websocket.connect
    await send({"type": "websocket.accept", "subprotocol": SPOKEN[0]})
    await listen(receive)


# ↑ Your turn ends here.


async def main() -> None:
    for offered in (["chat.binary", "chat.text"], ["chat.xml"], []):
        async with Conversation(meet, subprotocols=offered) as talk:
            try:
                agreed = await talk.accepted()
                print(offered, "→", agreed.get("subprotocol"))
            except Unexpected:
                print(offered, "→ refused")


if __name__ == "__main__":
    asyncio.run(main())
