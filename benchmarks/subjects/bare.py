"""The bare ASGI application: no framework, no checks, a loop over ``send``."""

from typing import Any

Send = Any
rooms: dict[str, list[Send]] = {}


async def application(scope: Any, receive: Any, send: Send) -> None:
    if scope["type"] != "websocket":
        raise NotImplementedError(f"Unknown scope type {scope['type']!r}")
    await receive()
    await send({"type": "websocket.accept"})
    kind, *words = scope["path"].strip("/").split("/")
    if kind == "echo":
        await echo(receive, send)
    elif kind == "room":
        await room(words[0], receive, send)
    elif kind == "rooms":
        first, count = map(int, words)
        for number in range(first, first + count):
            rooms.setdefault(str(number), []).append(send)
        await send({"type": "websocket.send", "text": "joined"})
        await receive()


async def echo(receive: Any, send: Send) -> None:
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            break
        await send({"type": "websocket.send", "text": event["text"]})


async def room(name: str, receive: Any, send: Send) -> None:
    members = rooms.setdefault(name, [])
    members.append(send)
    try:
        await send({"type": "websocket.send", "text": "joined"})
        while True:
            event = await receive()
            if event["type"] == "websocket.disconnect":
                break
            message = {"type": "websocket.send", "text": event["text"]}
            for member in list(members):  # one that does not read stalls them all
                await member(message)
    finally:
        members.remove(send)
