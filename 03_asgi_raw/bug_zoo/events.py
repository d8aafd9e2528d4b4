"""The parts that all in the zoo have in common, spelled out once."""

from functools import wraps

from asgi_types import Application, Event, Receive, Scope, Send
from page import http

ACCEPT = {"type": "websocket.accept"}


def text(words: str) -> Event:
    """One text message."""
    return {"type": "websocket.send", "text": words}


def with_page(websocket: Application) -> Application:
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
