"""The pages of stages 01 and 02: one HTML file, and a websocket that fills it.

The browser sends which button was pressed, ``{"press": "run", …}``; the server sends
pieces of the page by their ids, ``{"picture": "<svg…>", "state": "running"}``, and
``static/page.js`` puts them in. How an ASGI application works is stage 03's lesson.
"""

import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from html import escape
from pathlib import Path
from typing import Any

from asgiref.typing import (
    ASGIApplication,
    ASGIReceiveCallable,
    ASGISendCallable,
    HTTPScope,
    Scope,
    WebSocketScope,
)

from workshop.recorder import Place
from workshop.svg import STATIC

TYPES = {".css": "text/css", ".html": "text/html", ".js": "text/javascript"}


class PageSocket:
    """The connection to one open page: the buttons pressed in, pieces of page out."""

    def __init__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        self._receive = receive
        self._send = send

    async def presses(self) -> AsyncIterator[dict[str, Any]]:
        """What the page sends, until it is closed."""
        while True:
            event = await self._receive()
            if event["type"] == "websocket.disconnect":
                return
            if event["type"] == "websocket.receive":
                try:
                    press = json.loads(event.get("text") or "")
                    if not isinstance(press, dict) or "press" not in press:
                        raise ValueError
                except (ValueError, RecursionError):
                    await self.show(problem='Expected JSON like {"press": "run"}.')
                else:
                    yield press

    async def show(self, **pieces: str) -> None:
        """Put HTML into the elements of the page with these ids."""
        text = json.dumps(pieces)
        with contextlib.suppress(OSError):  # closed meanwhile: presses() ends too
            await self._send({"type": "websocket.send", "bytes": None, "text": text})


def page_application(
    page: Path, talk: Callable[[PageSocket], Awaitable[None]]
) -> ASGIApplication:
    """An application that serves ``page`` and runs ``talk`` for every open copy."""

    async def application(
        scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        if scope["type"] == "http":
            await _serve(page, scope, send)
        elif scope["type"] == "websocket":
            await receive()  # websocket.connect
            if not _from_this_page(scope):  # why: stage 04 shows the attack
                await send({"type": "websocket.close", "code": 1008, "reason": None})
                return
            await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
            await talk(PageSocket(receive, send))
        elif scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
        else:
            raise NotImplementedError(f"Unknown scope type {scope['type']}")

    return application


def _from_this_page(scope: WebSocketScope) -> bool:
    headers = dict(scope["headers"])
    host = headers.get(b"host", b"")
    return headers.get(b"origin", b"") in (b"", b"http://" + host, b"https://" + host)


async def _serve(page: Path, scope: HTTPScope, send: ASGISendCallable) -> None:
    name = scope["path"].removeprefix("/")
    file = page if not name else STATIC / Path(name).name
    found = file.suffix in TYPES and file.is_file()
    body = file.read_bytes() if found else b"Nothing here: the page is at /"
    kind = TYPES[file.suffix] if found else "text/plain"
    await send(
        {
            "type": "http.response.start",
            "status": 200 if found else 404,
            "headers": [
                (b"content-type", f"{kind}; charset=utf-8".encode()),
                (b"content-length", str(len(body)).encode()),
            ],
            "trailers": False,
        }
    )
    body = b"" if scope["method"] == "HEAD" else body
    await send({"type": "http.response.body", "body": body, "more_body": False})


def source(code: Path, places: Iterable[tuple[Place, str]], first: str = "") -> str:
    """A file's source as HTML, with the lines marked at which somebody is.

    Args:
        code: the file.
        places: where, and who, in the order in which they are to be named.
        first: the source is shown from the first line on that starts with this.
    """
    who: dict[int, list[str]] = {}
    for place, name in places:
        if place.code.co_filename == str(code):
            who.setdefault(place.line, []).append(name)
    lines = code.read_text(encoding="utf-8").rstrip().splitlines()
    start = next((n for n, line in enumerate(lines) if line.startswith(first)), 0)
    shown = []
    for number, line in enumerate(lines[start:], start + 1):
        html = f'<span class="number">{number:3}</span> {escape(line)}'
        if number in who:
            names = escape(", ".join(who[number]))
            html = f'<mark>{html} <span class="who">◀ {names}</span></mark>'
        shown.append(html)
    return "\n".join(shown)
