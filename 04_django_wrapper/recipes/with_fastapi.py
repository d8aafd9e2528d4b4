"""FastAPI in the same process: beside Django, or around it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from django.contrib.auth.models import User
from django.core.asgi import get_asgi_application
from fastapi import FastAPI
from sockets import dispatch
from sockets.connection import Socket
from sockets.database import database
from sockets.groups import groups
from sockets.routing import path

django_application = get_asgi_application()
api = FastAPI()


@api.post("/api/say/")
async def say(text: str) -> dict[str, int]:
    """An endpoint of FastAPI that tells a group, and asks the ORM."""
    await groups.publish_json("said", {"text": text})
    async with database():
        return {"users": await User.objects.acount()}


async def listen(socket: Socket) -> None:
    """A handler as everywhere."""
    await socket.accept()
    async with groups.join("said", socket):
        async for _ in socket:
            pass


async def by_path(scope: Any, receive: Any, send: Any) -> None:
    """Pages: FastAPI below ``/api/``, Django for the rest."""
    # `Dispatch` passes on the server's start and end, and FastAPI has a use for them.
    if scope["type"] == "lifespan" or scope["path"].startswith("/api/"):
        await api(scope, receive, send)
    else:
        await django_application(scope, receive, send)


beside = dispatch.Dispatch(by_path)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """FastAPI is in front, so the layer's life is a part of FastAPI's."""
    async with dispatch.lifetime():
        yield


around = FastAPI(lifespan=lifespan)
around.include_router(api.router)
# The last one: it takes every path that FastAPI has no route for, websockets too.
around.mount("/", dispatch.Dispatch(django_application))

websockets = [path("ws/listen/", listen)]
