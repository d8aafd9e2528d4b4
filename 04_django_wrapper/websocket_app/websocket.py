"""The other half of the site: the coroutine that answers a websocket.

The server calls it once for each connection. Nothing of Django takes part: there is no
session, no user, and no check of the page that connects.
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
    """Answer one websocket until its peer has left.

    Args:
        scope: the handshake (ASGI specification, "WebSocket Connection Scope").
        receive: gives the next event of the server.
        send: takes the next event of ours.
    """
    while True:
        event = await receive()
        if event["type"] == "websocket.connect":
            await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
        elif event["type"] == "websocket.receive":
            # Any: asgiref's type wants "bytes" as well, though only one may be said.
            message: Any = {"type": "websocket.send", "text": answer(event)}
            await send(message)
        elif event["type"] == "websocket.disconnect":
            # The last event: another receive() would give no message any more.
            break


def answer(event: WebSocketReceiveEvent) -> str:
    """The text that a message is answered with."""
    # A binary frame has bytes: its text is missing, or None.
    text = event.get("text")
    if text is None:
        return f"{len(event['bytes'] or b'')} bytes, but no text. Send the text ping."
    if text == "ping":
        return "pong!"
    return f"A text of length {len(text)} that is not ping. Send ping, get pong!"
