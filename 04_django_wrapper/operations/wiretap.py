"""WIRETAP=1, in development: staff watch any websocket's conversation at ``/wiretap/``.

Stage 03's picture, drawn by the server while the conversation goes on. The page has one
radio button for each of the last connections, and a websocket that nobody watches.
"""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from html import escape
from typing import Any

from asgiref.typing import (
    ASGIReceiveCallable,
    ASGISendCallable,
    Scope,
)
from django.conf import settings
from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from sockets.codes import Refused
from sockets.connection import Socket
from sockets.jsontext import dumps

# For workshop/, which is beside this stage: --app-dir adds the stage's folder only.
sys.path.append(str(settings.BASE_DIR.parent))

from workshop.pictures.wiretap import Connection, Wiretap

Application = Callable[
    [Scope, ASGIReceiveCallable, ASGISendCallable], Coroutine[Any, Any, None]
]
PATH = "wiretap/"  # of the page, and of its websocket
PAUSE = 0.05  # seconds from picture to picture at least: nobody sees more

tap: Wiretap  # there is one once the application is tapped


def tapped(application: Application) -> Application:
    """The application, with a tap on its websockets."""
    global tap
    tap = Wiretap(application)

    async def with_tap(
        scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        # Not the wiretap's own websocket: each picture would draw another one. Its path
        # ends so, whatever root path a proxy has put before it.
        is_own = scope["type"] == "websocket" and scope["path"].endswith(f"/{PATH}")
        if scope["type"] == "websocket" and not is_own:
            await tap(scope, receive, send)
        else:
            await application(scope, receive, send)

    return with_tap


@staff_member_required
def page(request: HttpRequest) -> HttpResponse:
    """The page; ``page.js`` puts the choices and the picture into it."""
    return render(request, "wiretap.html")


async def watch(socket: Socket) -> None:
    """For that page: the choices, and the picture of the chosen conversation.

    Raises:
        Refused: 403, this is not staff.
    """
    if not socket.user.is_staff:
        raise Refused(403, "The wiretap is for staff.")
    await socket.accept()
    chosen: list[Connection] = []  # one; or none, which means the newest
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(show(socket, chosen))
        while True:
            match await socket.receive_json():
                case {"program": wanted}:
                    chosen[:] = [c for c in tap.connections if str(id(c)) == wanted]
                    await socket.send(pieces(chosen))


async def show(socket: Socket, chosen: list[Connection]) -> None:
    """Send the picture whenever something was noted."""
    while True:
        # Asked for before looking: an event that is noted meanwhile is not missed.
        news = tap.news()
        if tap.connections:
            await socket.send(pieces(chosen))
        await news.wait()
        await asyncio.sleep(PAUSE)


def pieces(chosen: list[Connection]) -> str:
    """HTML for elements of the page, as JSON, by their ids."""
    connection = chosen[0] if chosen else tap.last
    buttons = []
    for choice in reversed(tap.connections):
        checked = " checked" if choice is connection else ""
        buttons.append(
            f'<label><input type="radio" name="program" value="{id(choice)}"{checked}> '
            f"{escape(name_of(choice))}</label>"
        )
    return dumps({"choices": "".join(buttons), "picture": connection.svg()})


def name_of(connection: Connection) -> str:
    """Its path and the port of its peer, which differs from window to window."""
    port = connection.client[1] if connection.client else "?"
    return f"{connection.title} from port {port}"
