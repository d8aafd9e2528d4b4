"""Exercise 4.2 · Only our own page

12 minutes, after section 2 of the notebook.
Check it: python3 -m workshop exercise 4.2

Write a step of the handshake. ``socket.request`` is a request of Django's: it has
``headers`` and ``get_host()``, the host and the port that the browser has asked. A page
of our own comes from ``http://`` and exactly that host. Every other page is refused
with 403, and so is a client that names no origin.
"""

import asyncio
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

import practice

practice.begin()

from sockets.codes import Refused
from sockets.conf import conf
from sockets.connection import Socket
from sockets.testing import SocketClient, SocketRefused
from websocket_app.asgi import application


# ↓ Your turn begins here.
async def same_origin(socket: Socket) -> None:
    """Let in a page of our own; refuse everybody else with 403."""
    if "Origin" not in socket.request.headers:
        raise Refused(403, "Where do you come from?")


# ↑ Your turn ends here.


async def main() -> None:
    conf().steps[:] = [same_origin]
    for origin in ("http://testserver", "http://evil.example"):
        headers: dict[str, str | None] = {"Origin": origin}
        try:
            async with SocketClient(application, "/ws/ping/", headers=headers):
                print(origin, "is let in")
        except SocketRefused as refused:
            print(origin, "is told:", refused)


if __name__ == "__main__":
    asyncio.run(main())
