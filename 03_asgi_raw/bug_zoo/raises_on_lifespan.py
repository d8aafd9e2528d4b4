"""Any other scope type raises, as in the article: and the server's own life is one.

You see: with ``uvicorn --lifespan on`` it does not start; the log says
``Unknown scope type 'lifespan'`` and ``Application startup failed. Exiting.``
Without the option uvicorn carries on, and says only at its level *info*:
``ASGI 'lifespan' protocol appears unsupported.``
"""

from asgi_types import Receive, Scope, Send
from page import http

from bug_zoo.events import ACCEPT, text


async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await http(scope, send)
    elif scope["type"] == "websocket":
        await receive()
        await send(ACCEPT)
        while (await receive())["type"] == "websocket.receive":
            await send(text("pong!"))
    else:
        raise NotImplementedError(f"Unknown scope type {scope['type']!r}")


async def fixed(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await receive()  # lifespan.startup
        await send({"type": "lifespan.startup.complete"})
        await receive()  # lifespan.shutdown
        await send({"type": "lifespan.shutdown.complete"})
    else:
        await broken(scope, receive, send)
