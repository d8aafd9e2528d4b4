"""The events that all in the zoo send, spelled out once."""

from asgiref.typing import Scope, WebSocketAcceptEvent, WebSocketSendEvent

ACCEPT: WebSocketAcceptEvent = {
    "type": "websocket.accept",
    "subprotocol": None,
    "headers": [],
}


def text(words: str) -> WebSocketSendEvent:
    """One text message."""
    return {"type": "websocket.send", "text": words, "bytes": None}


def websockets_only(scope: Scope) -> None:
    """Pages and the server's own life are no business of the zoo."""
    if scope["type"] != "websocket":
        raise NotImplementedError(f"Unknown scope type {scope['type']!r}")
