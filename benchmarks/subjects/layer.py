"""Stage 04's layer, as a project uses it: routes, handlers, groups."""

from contextlib import AsyncExitStack
from typing import Any

from benchmarks.subjects import django_site

# isort: split
# Only now the settings are there.
from django.core.asgi import get_asgi_application
from django.urls import path
from sockets.dispatch import Dispatch
from sockets.groups import groups

COOKIE = django_site.COOKIE


async def echo(socket: Any) -> None:
    await socket.accept()
    async for message in socket:
        await socket.send(message)


async def room(socket: Any, name: str) -> None:
    await socket.accept()
    async with groups.join(name, socket):
        await socket.send("joined")
        async for message in socket:
            await groups.publish(name, message)


async def rooms(socket: Any, first: int, count: int) -> None:
    await socket.accept()
    async with AsyncExitStack() as stack:
        for number in range(first, first + count):
            await stack.enter_async_context(groups.join(str(number), socket))
        await socket.send("joined")
        async for _ in socket:
            pass


urlpatterns = [
    path("echo", echo),
    path("room/<slug:name>", room),
    path("rooms/<int:first>/<int:count>", rooms),
]
application = Dispatch(get_asgi_application())
