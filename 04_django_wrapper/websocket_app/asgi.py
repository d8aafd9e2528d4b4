"""The wrapper: one ASGI application in front of three, and the server's own life."""

import os
from contextlib import suppress

from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, Scope
from django.conf import settings
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "websocket_app.settings")
django_application = get_asgi_application()
if settings.DEBUG:  # style sheets in development; in production a web server has them
    django_application = ASGIStaticFilesHandler(django_application)

# Only now, since get_asgi_application() has loaded the apps: a module that imports a
# model before that, itself or through others, raises AppRegistryNotReady.
from sockets.runner import serve  # noqa: E402
from sockets.steps.draining import lifetime  # noqa: E402

from websocket_app.websocket import websocket_application  # noqa: E402


async def application(
    scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
) -> None:
    if scope["type"] == "http":
        await django_application(scope, receive, send)
    elif scope["type"] == "websocket" and scope["path"] != "/":
        await serve(scope, receive, send)  # the layer, by websocket_urls.py
    elif scope["type"] == "websocket":
        # ASGI spec, "Disconnected Client": send() to a peer that has left may raise.
        with suppress(OSError):
            await websocket_application(scope, receive, send)
    elif scope["type"] == "lifespan":
        await lifespan(receive, send)
    else:
        raise NotImplementedError(f"Unknown scope type {scope['type']!r}")


async def lifespan(receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Tell the server that we are ready, and that we are done."""
    await receive()  # lifespan.startup: no request comes before it is answered
    async with lifetime():  # what the layer does at SIGTERM
        await send({"type": "lifespan.startup.complete"})
        await receive()  # lifespan.shutdown: every connection has ended
    await send({"type": "lifespan.shutdown.complete"})


if settings.WIRETAP:  # development only
    from websocket_app.wiretap import tapped

    application = tapped(application)  # type: ignore[assignment]
