"""A last word after the goodbye.

You see: the client gets its 1000 and never the last word, and the log says
``Unexpected ASGI message 'websocket.send', after sending 'websocket.close'.``
Why: after its close frame a side may send nothing more (RFC 6455, 5.5.1).
"""

from asgi_types import Receive, Scope, Send

from bug_zoo.events import ACCEPT, text, with_page


@with_page
async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send(ACCEPT)
    await send({"type": "websocket.close", "code": 1000})
    await send(text("goodbye"))


@with_page
async def fixed(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send(ACCEPT)
    await send(text("goodbye"))
    await send({"type": "websocket.close", "code": 1000})
