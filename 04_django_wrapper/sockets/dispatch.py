"""The front door: one ASGI application for pages, websockets and the server's life.

The server calls ``Dispatch`` once for each connection, and once for its own life, the
"lifespan" (ASGI specification, "Lifespan Protocol"): before the first connection and
after the last one.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

from asgiref.typing import (
    ASGIReceiveCallable,
    ASGISendCallable,
    LifespanScope,
    Scope,
)
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured

from .runner import serve

log = logging.getLogger("sockets")

Lifetime = Callable[[], AbstractAsyncContextManager[None]]

# An ASGI application. Its three arguments have other types in django-stubs than here.
Application = Callable[[Any, Any, Any], Awaitable[None]]

# These live as long as the server: each is entered before the first connection, and
# left after the last one, in reverse order. ``apps.py`` fills it.
lifetimes: list[Lifetime] = []


class Dispatch:
    """``application = Dispatch(get_asgi_application())``, in ``asgi.py``.

    Args:
        http: answers pages. If it has a lifespan of its own, that is called, too.

    Raises:
        ImproperlyConfigured: this app is not in INSTALLED_APPS.
    """

    def __init__(self, http: Application) -> None:
        if apps.get_containing_app_config(__name__) is None:
            # Without its AppConfig nothing would look at sessions again, for example.
            name = __package__
            raise ImproperlyConfigured(f"Put {name!r} into INSTALLED_APPS.")
        self.http = http

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        """Answer one connection, or the server's own start and end."""
        if scope["type"] == "http":
            await self.http(scope, receive, send)
        elif scope["type"] == "websocket":
            await serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        else:
            raise NotImplementedError(f"Unknown scope type {scope['type']!r}")

    async def _live(
        self, scope: LifespanScope, receive: ASGIReceiveCallable, send: Any
    ) -> None:
        """Start what lives as long as the server, and end it; tell the server."""
        stage = "startup"
        try:
            async with AsyncExitStack() as stack:
                # lifespan.startup: no connection comes before it is answered
                await receive()
                await stack.enter_async_context(lifetime())
                await stack.enter_async_context(_lifespan_of(self.http, scope))
                await send({"type": "lifespan.startup.complete"})
                # lifespan.shutdown: every connection has ended
                await receive()
                stage = "shutdown"
        except Exception as error:
            # A server that is not told would start, without what it needs.
            log.exception("the %s of the site has failed", stage)
            await send({"type": f"lifespan.{stage}.failed", "message": str(error)})
        else:
            await send({"type": "lifespan.shutdown.complete"})


@asynccontextmanager
async def lifetime() -> AsyncIterator[None]:
    """The layer's life: draining at SIGTERM, the connection to Redis, and so on.

    A `Dispatch` that is mounted below another application gets no lifespan from the
    server. That application then enters this block in its own lifespan.
    """
    async with AsyncExitStack() as stack:
        for make in lifetimes:
            await stack.enter_async_context(make())
        yield


@asynccontextmanager
async def _lifespan_of(
    application: Application, scope: LifespanScope
) -> AsyncIterator[None]:
    """The lifespan of another application, as a server would run it.

    Raises:
        RuntimeError: it says that its start or its end has failed.
    """
    to_it: asyncio.Queue[Any] = asyncio.Queue()
    from_it: asyncio.Queue[Any] = asyncio.Queue()

    async def run() -> None:
        try:
            await application(scope, to_it.get, from_it.put)
        except Exception as error:
            # ASGI: an application that raises here has no lifespan. Django has none.
            log.debug("the application for http has no lifespan: %r", error)
        finally:
            from_it.put_nowait(None)

    async def tell(stage: str) -> bool:
        to_it.put_nowait({"type": f"lifespan.{stage}"})
        event = await from_it.get()
        if event is not None and event["type"] == f"lifespan.{stage}.failed":
            raise RuntimeError(event.get("message") or f"the {stage} has failed")
        return event is not None

    task = asyncio.create_task(run())
    try:
        has_lifespan = await tell("startup")
        yield
        if has_lifespan:
            await tell("shutdown")
    finally:
        task.cancel()
        await asyncio.wait([task])
