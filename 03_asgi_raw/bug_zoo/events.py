"""What all in the zoo have in common, spelled out once."""

from functools import wraps

from asgiref.typing import (
    ASGI3Application,
    Scope,
    WebSocketAcceptEvent,
    WebSocketSendEvent,
)
from asgiref.typing import ASGIReceiveCallable as Receive
from asgiref.typing import ASGISendCallable as Send
from page import http

ACCEPT: WebSocketAcceptEvent = {
    "type": "websocket.accept",
    "subprotocol": None,
    "headers": [],
}


def text(words: str) -> WebSocketSendEvent:
    """One text message."""
    return {"type": "websocket.send", "text": words, "bytes": None}


def with_page(websocket: ASGI3Application) -> ASGI3Application:
    """``websocket`` with the stage's page beside it, whose buttons then talk to it."""

    @wraps(websocket)
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await http(scope, send)
        elif scope["type"] == "websocket":
            await websocket(scope, receive, send)
        else:
            raise NotImplementedError(f"Unknown scope type {scope['type']!r}")

    return application
