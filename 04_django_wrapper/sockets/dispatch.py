"""The front door: one ASGI application for http, websockets and the server's life."""

from asgiref.typing import (
    ASGI3Application,
    ASGIReceiveCallable,
    ASGISendCallable,
    Scope,
)

from .runner import serve
from .steps.draining import lifetime


class Dispatch:
    """``application = Dispatch(get_asgi_application())``, in ``asgi.py``."""

    def __init__(self, http: ASGI3Application) -> None:
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
            async with lifetime():
                await send({"type": "lifespan.startup.complete"})
                await receive()  # lifespan.shutdown: every connection has ended
            await send({"type": "lifespan.shutdown.complete"})
        else:
            raise NotImplementedError(f"Unknown scope type {scope['type']!r}")
