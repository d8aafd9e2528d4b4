"""A call that blocks, in one client's handler.

You see: while one client's work goes on, every other client's ``ping`` waits for it; no
error anywhere. Why: all handlers share one thread, and ``time.sleep`` (a query, a
request, a computation) does not give control back. In a thread of its own it may.
"""

import asyncio
import time

from asgi_types import Receive, Scope, Send

from bug_zoo.events import ACCEPT, text, with_page

WORK = 0.5  # seconds


@with_page
async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send(ACCEPT)
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            break
        if event.get("text") == "work":
            await send(text("begun"))
            time.sleep(WORK)
        await send(text("pong!"))


@with_page
async def fixed(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send(ACCEPT)
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            break
        if event.get("text") == "work":
            await send(text("begun"))
            await asyncio.to_thread(time.sleep, WORK)
        await send(text("pong!"))
