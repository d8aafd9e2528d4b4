"""The front door: one ASGI application for http, websockets and the server's life."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack

from asgiref.typing import (
    ASGI3Application,
    ASGIReceiveCallable,
    ASGISendCallable,
    Scope,
)
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured

from .runner import serve

Lifetime = Callable[[], AbstractAsyncContextManager[None]]

# What lives as long as the server: each is entered before the first connection, and
# left after the last one, in reverse order. ``apps.py`` fills it.
lifetimes: list[Lifetime] = []


class Dispatch:
    """``application = Dispatch(get_asgi_application())``, in ``asgi.py``."""

    def __init__(self, http: ASGI3Application) -> None:
        if apps.get_containing_app_config(__name__) is None:
            # Without its AppConfig nothing would look at sessions again, for example.
            name = __package__
            raise ImproperlyConfigured(f"Put {name!r} into INSTALLED_APPS.")
        self.http = http

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        if scope["type"] == "http":
            await self.http(scope, receive, send)
        elif scope["type"] == "websocket":
            await serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await receive()  # lifespan.startup: no connection comes before the answer
            async with AsyncExitStack() as stack:
                for lifetime in lifetimes:
                    await stack.enter_async_context(lifetime())
                await send({"type": "lifespan.startup.complete"})
                await receive()  # lifespan.shutdown: every connection has ended
            await send({"type": "lifespan.shutdown.complete"})
        else:
            raise NotImplementedError(f"Unknown scope type {scope['type']!r}")
