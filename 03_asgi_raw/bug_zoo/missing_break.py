"""No ``break`` on ``websocket.disconnect``, as printed in the article.

You see: nothing, while clients come and go. At Ctrl+C the server does not end: it waits
for handlers that wait for a message from clients that have left. With
``--timeout-graceful-shutdown 1`` its log says ``Cancel 1 running task(s), timeout
graceful shutdown exceeded``. Under ``--ws websockets`` the loop spins, and the server
stands still. Why: the disconnect is the last event, and another ``receive()`` waits for
ever.
"""

from asgi_types import Receive, Scope, Send

from bug_zoo.events import ACCEPT, text, with_page


@with_page
async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    while True:
        event = await receive()
        if event["type"] == "websocket.connect":
            await send(ACCEPT)
        elif event["type"] == "websocket.receive":
            await send(text("pong!"))
        elif event["type"] == "websocket.disconnect":
            pass


@with_page
async def fixed(scope: Scope, receive: Receive, send: Send) -> None:
    while True:
        event = await receive()
        if event["type"] == "websocket.connect":
            await send(ACCEPT)
        elif event["type"] == "websocket.receive":
            await send(text("pong!"))
        elif event["type"] == "websocket.disconnect":
            break
