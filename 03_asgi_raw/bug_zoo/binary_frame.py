"""``event["text"]`` of a binary frame, as in the article.

You see: a text works; after bytes the client's connection ends with 1006, and the log
says ``KeyError: 'text'``. Why: a binary frame's event has ``bytes``, and ``text`` is
missing or ``None`` (ASGI, "Receive").
"""

from asgi_types import Receive, Scope, Send

from bug_zoo.events import ACCEPT, text, with_page


@with_page
async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send(ACCEPT)
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            break
        if event["text"] == "ping":
            await send(text("pong!"))


@with_page
async def fixed(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send(ACCEPT)
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            break
        if event.get("text") == "ping":
            await send(text("pong!"))
