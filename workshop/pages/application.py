"""Serve a page of stages 01 and 02: one HTML file, and a websocket that fills it.

How an ASGI application works is stage 03's lesson.
"""

from pathlib import Path

from asgiref.typing import (
    ASGIApplication,
    ASGIReceiveCallable,
    ASGISendCallable,
    HTTPScope,
    Scope,
    WebSocketScope,
)

from workshop.pages.viewer import PageSocket, Viewer
from workshop.pictures.svg import STATIC

TYPES = {".css": "text/css", ".html": "text/html", ".js": "text/javascript"}


def page_application(page: Path, viewer: type[Viewer]) -> ASGIApplication:
    """An application that serves ``page``, with a ``viewer`` for every open copy."""

    async def application(
        scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        if scope["type"] == "http":
            await _serve(page, scope, send)
        elif scope["type"] == "websocket":
            await receive()  # websocket.connect
            # Without this check, any page in the same browser could press the buttons:
            # stage 04 shows the attack.
            if not from_this_page(scope):
                await send({"type": "websocket.close", "code": 1008, "reason": None})
                return
            await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
            await viewer(PageSocket(receive, send)).talk()
        elif scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
        else:
            raise NotImplementedError(f"Unknown scope type {scope['type']}")

    return application


def from_this_page(scope: WebSocketScope) -> bool:
    """Whether a page of this server asks, or a program, which names no origin."""
    headers = dict(scope["headers"])
    host = headers.get(b"host", b"")
    return headers.get(b"origin", b"") in (b"", b"http://" + host, b"https://" + host)


async def _serve(page: Path, scope: HTTPScope, send: ASGISendCallable) -> None:
    """Answer a request: ``/`` is the page, and other paths are the shared files."""
    name = scope["path"].removeprefix("/")
    file = page
    if name:
        # Only the last part of the path counts: nothing outside of the folder is read.
        file = STATIC / Path(name).name
    status = 200
    if file.suffix not in TYPES or not file.is_file():
        file = STATIC / "missing.html"
        status = 404
    body = file.read_bytes()
    kind = TYPES[file.suffix]
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-type", f"{kind}; charset=utf-8".encode()),
                (b"content-length", str(len(body)).encode()),
            ],
            "trailers": False,
        }
    )
    if scope["method"] == "HEAD":
        body = b""
    await send({"type": "http.response.body", "body": body, "more_body": False})
