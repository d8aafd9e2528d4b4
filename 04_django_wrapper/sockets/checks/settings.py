"""``manage.py check``: what people get wrong, each with what to do about it."""

import asyncio
from collections.abc import Iterator
from dataclasses import fields
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from .. import handling
from ..codes import CloseCode, Disconnected
from ..conf import Conf, conf
from ..connection import Socket
from .site import connections, hosts, order, packages, redis, workers

MAY_BE_0 = ("DATABASE_SECONDS", "DRAIN_SECONDS", "IDLE_SECONDS")


def check(**_: Any) -> list[CheckMessage]:
    """All checks of this app."""
    try:
        found = conf()
    except (ImproperlyConfigured, TypeError) as error:
        return [Error(str(error), hint="Correct SOCKETS.", id="sockets.E001")]
    return [
        *(*_urlconf(found), *_steps(found), *_limits(found), *_application()),
        *(*packages(), *redis(), *hosts(), *connections(), *workers(), *order()),
    ]


def _urlconf(conf: Conf) -> Iterator[CheckMessage]:
    try:
        import_module(conf.URLCONF).urlpatterns  # noqa: B018
    except (ImportError, ValueError, AttributeError) as error:
        yield Error(
            f'SOCKETS["URLCONF"] = {conf.URLCONF!r} cannot be used: {error}.',
            hint='"mysite.websocket_urls": a module with urlpatterns of handlers.',
            id="sockets.E002",
        )


def _steps(conf: Conf) -> Iterator[CheckMessage]:
    for name in conf.HANDSHAKE:
        try:
            import_string(name)
        except ImportError as error:
            yield Error(
                f'SOCKETS["HANDSHAKE"] has an unknown step {name!r}: {error}.',
                hint="The steps of this app are " + ", ".join(Conf().HANDSHAKE) + ".",
                id="sockets.E003",
            )
    if "sockets.steps.handshake.origin" not in conf.HANDSHAKE:
        yield Warning(
            "No step checks the Origin: any page can open a websocket with the "
            "cookies of whoever looks at it.",
            hint='Put "sockets.steps.handshake.origin" into SOCKETS["HANDSHAKE"].',
            id="sockets.W001",
        )


def _limits(conf: Conf) -> Iterator[CheckMessage]:
    for field in fields(Conf):
        value = getattr(conf, field.name)
        least = 0 if field.name in MAY_BE_0 else 1e-9
        is_number = isinstance(value, int | float) and value >= least
        if field.type in (int, float) and not is_number:
            yield Error(
                f'SOCKETS["{field.name}"] must be a number over 0, not {value!r}.',
                hint=f"The default is {field.default}.",
                id="sockets.E004",
            )


def site_application() -> Any:
    """The site's ASGI application; ImportError where there is none."""
    package = settings.ROOT_URLCONF.rpartition(".")[0]
    guess = f"{package}.asgi.application"  # where startproject has put it
    return import_string(getattr(settings, "ASGI_APPLICATION", None) or guess)


def _application() -> Iterator[CheckMessage]:
    """Call the site's ASGI application with a websocket, and see whether it arrives."""
    try:
        application = site_application()
    except ImportError as error:
        yield Error(
            f"The ASGI application cannot be imported: {error}.",
            hint='ASGI_APPLICATION = "mysite.asgi.application"',
            id="sockets.E005",
        )
    else:
        if not asyncio.run(_arrives(application)):
            yield Error(
                "The ASGI application brings no websocket to this app.",
                hint="In asgi.py: application = Dispatch(get_asgi_application()), with "
                "Dispatch from sockets.dispatch, imported below that call.",
                id="sockets.E006",
            )


async def _arrives(application: Any) -> bool:
    to_come, arrived = ["websocket.connect", "websocket.disconnect"], []

    def begin(socket: Socket) -> None:
        if "sockets.check" in socket.scope:
            arrived.append(socket)
            raise Disconnected(CloseCode.NORMAL_CLOSURE, "")  # no line in the log

    async def receive() -> Any:
        if not to_come:
            await asyncio.get_running_loop().create_future()  # nothing more
        return {"type": to_come.pop(0), "code": 1000}

    async def send(event: Any) -> None:
        """Nobody is there."""

    scope = {
        **{"type": "websocket", "scheme": "ws", "path": "/sockets-check/"},
        **{"query_string": b"", "headers": [], "subprotocols": [], "extensions": {}},
        "sockets.check": True,  # begin() knows it by that
    }
    handling.on_connect.insert(0, begin)
    try:
        async with asyncio.timeout(2):
            await application(scope, receive, send)
    except Exception:
        return False
    finally:
        handling.on_connect.remove(begin)
    return bool(arrived)
