"""The wrapper: one ASGI application in front of Django and of the websockets.

The server calls ``application`` once for each connection. The article's coroutine
answers the websocket at ``/``. The layer's front door, ``Dispatch``, takes everything
else: pages go to Django, other websockets to ``websocket_urls.py``, and the server is
told when the site is ready and when it has ended.
"""

import os
from contextlib import suppress

from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, Scope, WebSocketScope
from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "websocket_app.settings")
django_application = get_asgi_application()

# Only now, since get_asgi_application() has loaded the apps: a module that imports a
# model before that, itself or through others, raises AppRegistryNotReady.
from sockets.dispatch import Dispatch  # noqa: E402

from websocket_app.websocket import websocket_application  # noqa: E402

site = Dispatch(django_application)


async def application(
    scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
) -> None:
    """Answer one connection, or the server's own start and end.

    Args:
        scope: what the connection is; ``scope["type"]`` is "http", "websocket" or
            "lifespan" (ASGI specification, "Connection Scope").
        receive: gives the next event of the server.
        send: takes the next event of ours.
    """
    if scope["type"] == "websocket" and path_of(scope) == "/":
        # ASGI spec, "Disconnected Client": send() to a peer that has left may raise.
        with suppress(OSError):
            await websocket_application(scope, receive, send)
    else:
        await site(scope, receive, send)


def path_of(scope: WebSocketScope) -> str:
    """The path below the root path, at which a proxy may have mounted this site."""
    return scope["path"].removeprefix(scope.get("root_path", ""))


if settings.WIRETAP:  # development only
    from operations.wiretap import tapped

    application = tapped(application)  # type: ignore[assignment]
