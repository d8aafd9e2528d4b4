"""``manage.py check``, second part: does a websocket reach the layer, and its route?"""

import asyncio
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.checks.urls import check_resolver
from django.urls import get_resolver

from .. import handling
from ..codes import CloseCode, Disconnected
from ..conf import OF_A_ROUTE, Conf, wrong_limit
from ..connection import By, Socket
from ..routing import handlers
from .importing import NotThere, attribute_of, module_of
from .settings import LAYER


def routes(conf: Conf) -> Iterator[CheckMessage]:
    """The module with the websockets' routes, and what Django says of each route."""
    try:
        module = module_of(conf.URLCONF)
        if not hasattr(module, "urlpatterns"):
            raise NotThere(f"the module {conf.URLCONF} has no 'urlpatterns'")
    except NotThere as error:
        yield Error(
            f'SOCKETS["URLCONF"] = {conf.URLCONF!r} cannot be used: {error}.',
            hint='"mysite.websocket_urls": a module with urlpatterns of handlers.',
            id="sockets.E002",
        )
        return

    resolver = get_resolver(conf.URLCONF)
    for message in check_resolver(resolver):
        if message.id != "urls.W002":  # it is silent where APPEND_SLASH is False
            yield message
    for route in _all(resolver.url_patterns):
        if route.startswith(("/", "^/")):
            yield Warning(
                f"The websocket route {route!r} begins with a slash: only a path that "
                "begins with two slashes fits.",
                hint='path("ws/…"), without the slash. If it belongs to an include(), '
                'that one ends with it: path("rooms/", include(…)).',
                id="sockets.W009",
            )
    for route, handler in handlers(resolver):
        wrong = wrong_limit(getattr(handler, "limits", {}))
        if wrong:
            yield Error(
                f"The handler of {route!r} is limited by {wrong}: that is no number "
                "over 0, or no limit of a route.",
                hint=f"A route may limit {', '.join(OF_A_ROUTE)}.",
                id="sockets.E010",
            )


def _all(patterns: Iterable[Any]) -> Iterator[str]:
    """The routes as they are written, those of every ``include()`` too."""
    for pattern in patterns:
        if hasattr(pattern, "pattern"):  # else Django has said what it should be
            yield str(pattern.pattern)
        yield from _all(getattr(pattern, "url_patterns", []))


def site_application() -> Any:
    """The site's ASGI application.

    Raises:
        NotThere: there is none.
        Exception: whatever its module raises while it is imported.
    """
    package = getattr(settings, "ROOT_URLCONF", "").rpartition(".")[0]
    guess = f"{package}.asgi.application"  # where startproject has put it
    return attribute_of(getattr(settings, "ASGI_APPLICATION", None) or guess)


def reached() -> Iterator[CheckMessage]:
    """Call the site's ASGI application with a websocket, and see whether it arrives."""
    try:
        application = site_application()
    except NotThere as error:
        yield Error(
            f"The ASGI application cannot be imported: {error}.",
            hint='ASGI_APPLICATION = "mysite.asgi.application"',
            id="sockets.E005",
        )
        return

    # In a thread, since this one may have an event loop that runs already.
    with ThreadPoolExecutor(1) as thread:
        arrives = thread.submit(asyncio.run, _arrives(application)).result()
    if not arrives:
        # A guess: the layer may be mounted below some path, or stand beside another.
        yield Warning(
            "The ASGI application brings no websocket to this app.",
            hint="In asgi.py: application = Dispatch(get_asgi_application()), with "
            f"Dispatch from {LAYER}.dispatch, imported below that call. If websockets "
            "of some paths do arrive, silence this: "
            'SILENCED_SYSTEM_CHECKS = ["sockets.W006"].',
            id="sockets.W006",
        )


async def _arrives(application: Any) -> bool:
    to_come = ["websocket.connect", "websocket.disconnect"]
    arrived = []

    def begin(socket: Socket) -> None:
        if "sockets.check" in socket.scope:
            arrived.append(socket)
            # It is as if this peer had left: no line in the log, and no answer.
            socket.leave(CloseCode.NORMAL_CLOSURE, "", By.PEER)
            raise Disconnected(CloseCode.NORMAL_CLOSURE, "")

    async def receive() -> Any:
        if not to_come:
            await asyncio.get_running_loop().create_future()  # nothing more
        return {"type": to_come.pop(0), "code": 1000}

    async def send(event: Any) -> None:
        """Nobody is there."""

    scope = {
        "type": "websocket",
        "scheme": "ws",
        "path": "/sockets-check/",
        "query_string": b"",
        "headers": [],
        "subprotocols": [],
        "extensions": {},
        "sockets.check": True,  # begin() knows it by that
    }
    handling.on_connect.insert(0, begin)
    try:
        async with asyncio.timeout(2):
            await application(scope, receive, send)
    except Exception:
        # After its arrival it may still meet a setting that makes no sense.
        return bool(arrived)
    finally:
        handling.on_connect.remove(begin)
    return bool(arrived)
