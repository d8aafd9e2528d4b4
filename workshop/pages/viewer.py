"""The server's side of an open page of stages 01 and 02.

The browser sends which button was pressed, ``{"press": "run", …}``; the server sends
pieces of the page by their ids, ``{"picture": "<svg…>", "state": "running"}``, and
``static/page.js`` puts them in.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping
from html import escape
from itertools import groupby
from typing import Any

from asgiref.typing import ASGIReceiveCallable, ASGISendCallable


class PageSocket:
    """The connection to one open page: the buttons pressed in, pieces of page out."""

    def __init__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        self._receive = receive
        self._send = send

    async def presses(self) -> AsyncIterator[dict[str, Any]]:
        """The messages of the page, until it is closed."""
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
            message: Any = {"type": "websocket.send", "text": text}
            await self._send(message)


class Viewer:
    """One open page: a choice of programs, and buttons.

    A stage's page subclasses it: ``programs`` are the choices (only these can be run,
    whatever a socket asks for), and a button named *run* calls the method ``on_run``.

    Attributes:
        programs: by name; each has a ``group`` and a ``title``.
        buttons: the names of the buttons.
        socket: the connection to the page.
    """

    programs: Mapping[str, Any]
    buttons: tuple[str, ...]

    def __init__(self, socket: PageSocket) -> None:
        self.socket = socket
        self._playing: asyncio.Task[None] | None = None

    async def chosen(self, name: str) -> None:
        """Show the program ``name`` before its first step."""
        raise NotImplementedError

    async def talk(self) -> None:
        """Answer the page's buttons until it is closed. After that nothing goes on."""
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
        groups = groupby(self.programs, lambda name: str(self.programs[name].group))
        for group, names in groups:
            html += f"<fieldset><legend>{escape(group)}</legend>"
            for name in names:
                checked = " checked" if name == first else ""
                title = escape(self.programs[name].title)
                button = f'<input type="radio" name="program" value="{name}"{checked}>'
                html += f"<label>{button} {title}</label>"
            html += "</fieldset>"
        return html
