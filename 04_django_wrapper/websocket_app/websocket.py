"""The other half of the site: what a websocket says and hears.

One call for each connection. Nothing of Django takes part: no session, no user, and no
check of who connects.
"""

from typing import Any

from asgiref.typing import (
    ASGIReceiveCallable,
    ASGISendCallable,
    WebSocketReceiveEvent,
    WebSocketScope,
)


async def websocket_application(
    scope: WebSocketScope, receive: ASGIReceiveCallable, send: ASGISendCallable
) -> None:
    while True:
        event = await receive()
        if event["type"] == "websocket.connect":
            await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
        elif event["type"] == "websocket.receive":
            # Any: asgiref's type wants "bytes" as well, though only one may be said.
            message: Any = {"type": "websocket.send", "text": answer(event)}
            await send(message)
        elif event["type"] == "websocket.disconnect":
            break  # the last event: another receive() waits for ever, or spins


def answer(event: WebSocketReceiveEvent) -> str:
    text = event.get("text")  # a binary frame has bytes: its text is missing or None
    if text is None:
        return f"{len(event['bytes'] or b'')} bytes, but no text. Send the text ping."
    if text == "ping":
        return "pong!"
    return f"A text of length {len(text)} that is not ping. Send ping, get pong!"
