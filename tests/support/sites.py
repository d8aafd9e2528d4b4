"""A Django site with one websocket handler, for the length of a block."""

import contextlib
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from asgiref.typing import ASGI3Application
from django.test import override_settings
from django.urls import path


@contextlib.contextmanager
def site_of(
    handler: Any, route: str = "ws/", name: str = "", **settings: Any
) -> Iterator[ASGI3Application]:
    """An ASGI application that answers websockets at ``route`` with ``handler``.

    Args:
        handler: as in a module of websocket urls.
        route, name: as in ``path()``.
        settings: of ``SOCKETS``.
    """
    from sockets.dispatch import Dispatch  # only now: Django's settings are a test's

    urlconf = ModuleType("urlconf")
    urlconf.urlpatterns = [path(route, handler, name=name)]  # type: ignore[attr-defined]
    hosts = ["testserver", "127.0.0.1"]  # the test client's, and a real server's
    sockets = {"URLCONF": urlconf, **settings}
    with override_settings(SOCKETS=sockets, ALLOWED_HOSTS=hosts):
        yield Dispatch(no_pages)


async def no_pages(scope: Any, receive: Any, send: Any) -> None:
    """Nobody asks for one here."""
    raise NotImplementedError
