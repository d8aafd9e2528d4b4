"""One ``receive()``, one answer, the end: a view's habit.

You see: the first ``ping`` gets its ``pong!``, then the connection ends with 1006, and
the log says nothing. Why: the handler's life is the connection's life.
"""

from asgi_types import Receive, Scope, Send

from bug_zoo.events import ACCEPT, text, with_page


@with_page
async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send(ACCEPT)
    await receive()
    await send(text("pong!"))


@with_page
async def fixed(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send(ACCEPT)
    while (await receive())["type"] == "websocket.receive":
        await send(text("pong!"))
