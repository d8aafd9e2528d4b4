"""The pages of stages 01 and 02: one HTML file, and a websocket that fills it.

The browser sends which button was pressed, ``{"press": "run", …}``; the server sends
pieces of the page by their ids, ``{"picture": "<svg…>", "state": "running"}``, and
``static/page.js`` puts them in. How an ASGI application works is stage 03's lesson.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping
from html import escape
from itertools import groupby
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


class Viewer:
    """One open page: a choice of programs, and buttons.

    A stage's page subclasses it: ``programs`` are the choices (only these can be run,
    whatever a socket asks for), and a button named *run* calls the method ``on_run``.
    """

    programs: Mapping[str, Any]  # each has a group and a title
    buttons: tuple[str, ...]

    def __init__(self, socket: PageSocket) -> None:
        self.socket = socket
        self._playing: asyncio.Task[None] | None = None

    async def chosen(self, name: str) -> None:
        """Show the program ``name`` before its first step."""
        raise NotImplementedError

    async def talk(self) -> None:
        """Answer the page's buttons until it is closed; then nothing goes on."""
        await self.socket.show(choices=self._choices())
        async with asyncio.TaskGroup() as self._tasks:
            try:
                await self._choose(next(iter(self.programs)))
                async for press in self.socket.presses():
                    await self.socket.show(problem="")
                    await self._pressed(press)
            finally:
                await self.pause()

    def play(self, show: Coroutine[Any, Any, None]) -> None:
        """Go on showing something while the page's buttons are answered."""
        self._playing = self._tasks.create_task(show)

    async def pause(self) -> None:
        """End what :meth:`play` began."""
        if self._playing:
            self._playing.cancel()
            await asyncio.wait([self._playing])
            self._playing = None

    async def _pressed(self, press: dict[str, Any]) -> None:
        button = press["press"]
        if button == "choose":
            await self._choose(press.get("program"))
        elif button in self.buttons:
            await self.pause()
            await getattr(self, f"on_{button}")()
        else:
            await self._problem("button", button, ("choose", *self.buttons))

    async def _choose(self, name: Any) -> None:
        if isinstance(name, str) and name in self.programs:
            await self.pause()
            await self.chosen(name)
        else:
            await self._problem("program", name, self.programs)

    async def _problem(self, kind: str, name: Any, known: Iterable[str]) -> None:
        words = f"There is no {kind} {name!r:.60}. Choose one of: {', '.join(known)}."
        await self.socket.show(problem=escape(words))

    def _choices(self) -> str:
        """The programs as radio buttons in their groups, the first one chosen."""
        first = next(iter(self.programs))
        html = ""
        for group, names in groupby(
            self.programs, lambda name: str(self.programs[name].group)
        ):
            buttons = "".join(
                f'<label><input type="radio" name="program" value="{name}"'
                f"{' checked' if name == first else ''}> "
                f"{escape(self.programs[name].title)}</label>"
                for name in names
            )
            html += f"<fieldset><legend>{escape(group)}</legend>{buttons}</fieldset>"
        return html


def page_application(page: Path, viewer: type[Viewer]) -> ASGIApplication:
    """An application that serves ``page``, with a ``viewer`` for every open copy."""

    async def application(
        scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        if scope["type"] == "http":
            await _serve(page, scope, send)
        elif scope["type"] == "websocket":
            await receive()  # websocket.connect
            if not from_this_page(scope):  # why: stage 04 shows the attack
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
    """No page of another origin asks; programs, which name none, may."""
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


def source(code: Path, places: Iterable[tuple[Place, str]], current: str = "") -> str:
    """A file's source as HTML, from its first function on, with who is at which line.

    Args:
        code: the file.
        places: where, and who, in the order in which they are to be named.
        current: the one of them whose line is to be kept in view.
    """
    who: dict[int, list[str]] = {}
    for place, name in places:
        if place.code.co_filename == str(code):
            who.setdefault(place.line, []).append(name)
    lines = code.read_text(encoding="utf-8").rstrip().splitlines()
    first = ("def ", "async def ")
    start = next((n for n, line in enumerate(lines) if line.startswith(first)), 0)
    shown = []
    for number, line in enumerate(lines[start:], start + 1):
        html = f'<span class="number">{number:3}</span> {escape(line)}'
        if number in who:
            names = escape(", ".join(who[number]))
            here = ' class="current"' if current in who[number] else ""
            html = f'<mark{here}>{html} <span class="who">◀ {names}</span></mark>'
        shown.append(html)
    return "\n".join(shown)
