"""A loop inside the branch for ``websocket.connect``, so that the server can speak.

You see: it ticks, ``ping`` is never answered, and closing takes until the client loses
patience (1006); no error anywhere. Why: nobody calls ``receive()`` again, so uvicorn
stops reading, too. To speak and to listen at once takes two tasks.
"""

import asyncio
from contextlib import suppress

from asgi_types import Receive, Scope, Send

from bug_zoo.events import ACCEPT, text, with_page

PERIOD = 0.05  # seconds


@with_page
async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    while True:
        event = await receive()
        if event["type"] == "websocket.connect":
            await send(ACCEPT)
            while True:
                await send(text("tick"))
                await asyncio.sleep(PERIOD)
        elif event["type"] == "websocket.receive":
            await send(text("pong!"))
        elif event["type"] == "websocket.disconnect":
            break


@with_page
async def fixed(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send(ACCEPT)
    async with asyncio.TaskGroup() as tasks:
        clock = tasks.create_task(tick(send))
        while (await receive())["type"] == "websocket.receive":
            await send(text("pong!"))
        clock.cancel()


async def tick(send: Send) -> None:
    with suppress(OSError):  # the client has left, and the one who listens hears it
        while True:
            await send(text("tick"))
            await asyncio.sleep(PERIOD)
