"""The server speaks before it has accepted.

You see: the handshake fails with status 500, in the browser as 1006, and the log says
``Expected ASGI message 'websocket.accept', 'websocket.close' or
'websocket.http.response.start' but got 'websocket.send'.``
Why: without a handshake there is no connection that could carry a message.
"""

from asgi_types import Receive, Scope, Send

from bug_zoo.events import ACCEPT, text, with_page


@with_page
async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send(text("welcome"))
    await send(ACCEPT)


@with_page
async def fixed(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send(ACCEPT)
    await send(text("welcome"))
    while (await receive())["type"] != "websocket.disconnect":
        pass
