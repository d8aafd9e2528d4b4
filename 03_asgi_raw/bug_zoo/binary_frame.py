"""``event["text"]`` of a binary frame, as in the article.

You see: a text works; after bytes the client's connection ends with 1006, and the log
says ``KeyError: 'text'``. Why: a binary frame's event has ``bytes``, and ``text`` is
missing or ``None`` (ASGI, "Receive").
"""

from asgiref.typing import ASGIReceiveCallable as Receive
from asgiref.typing import ASGISendCallable as Send
from asgiref.typing import Scope

from bug_zoo.events import ACCEPT, text, with_page


@with_page
async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send(ACCEPT)
    while (event := await receive())["type"] == "websocket.receive":
        if event["text"] == "ping":
            await send(text("pong!"))


@with_page
async def mended(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send(ACCEPT)
    while (event := await receive())["type"] == "websocket.receive":
        if event.get("text") == "ping":
            await send(text("pong!"))
