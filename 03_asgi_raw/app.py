"""A bare ASGI application: three kinds of conversation, one ``if`` for each.

The server calls ``application`` once per HTTP request, once per websocket and once for
its own life. ``receive()`` waits for the next event, a dictionary; ``send()`` answers,
or says something unasked. In quotes: sections of the ASGI spec.
"""

import asyncio
import time

from asgi_types import Event, Receive, Scope, Send
from page import http

TICK = 1.0  # seconds


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await http(scope, send)
    elif scope["type"] == "websocket":
        await websocket(receive, send)
    elif scope["type"] == "lifespan":
        await lifespan(receive, send)
    else:  # "Applications": raise for a protocol that you do not understand
        raise NotImplementedError(f"Unknown scope type {scope['type']!r}")


async def websocket(receive: Receive, send: Send) -> None:
    wanted = asyncio.Event()
    try:
        # Full duplex: one coroutine answers, one speaks unasked; they end together.
        async with asyncio.TaskGroup() as tasks:
            clock = tasks.create_task(tell_the_time(send, wanted))
            await listen(receive, send, wanted)
            clock.cancel()
    except* OSError:
        pass  # "Disconnected Client": send() to a peer that has left


async def listen(receive: Receive, send: Send, clock_wanted: asyncio.Event) -> None:
    while True:
        event = await receive()
        if event["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
        elif event["type"] == "websocket.receive" and event.get("text") == "clock":
            clock_wanted.set()  # a second time changes nothing
        elif event["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": answer(event)})
        elif event["type"] == "websocket.disconnect":
            break  # the last event: another receive() waits for ever, or spins


def answer(event: Event) -> str:
    # "Receive": a message has text or bytes; the other one is missing or None.
    text = event.get("text")
    if text is None:
        return f"{len(event['bytes'])} bytes, but no text. Send the text ping."
    if text == "ping":
        return "pong!"
    return f"A text of length {len(text)} that is not ping. Send ping, get pong!"


async def tell_the_time(send: Send, wanted: asyncio.Event) -> None:
    await wanted.wait()
    while True:
        now = time.strftime("It is %H:%M:%S.")
        await send({"type": "websocket.send", "text": now})
        await asyncio.sleep(TICK)


async def lifespan(receive: Receive, send: Send) -> None:
    await receive()  # lifespan.startup: no request comes before it is answered
    await send({"type": "lifespan.startup.complete"})
    await receive()  # lifespan.shutdown: every connection has ended
    await send({"type": "lifespan.shutdown.complete"})
