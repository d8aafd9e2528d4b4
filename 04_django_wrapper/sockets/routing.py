"""Which handler answers which path: Django's own URL patterns, in a urlconf of theirs.

A handler is a view: ``path("ws/<slug:room>/", chat)`` calls ``chat(socket, room=…)``.
"""

from typing import Any

from asgiref.sync import iscoroutinefunction
from django import urls

from sockets.codes import HandlerError
from sockets.conf import conf
from sockets.connection import Socket


def resolve(socket: Socket) -> urls.ResolverMatch:
    """The handler for a handshake's path, with its arguments; Resolver404: none."""
    match = urls.resolve(socket.request.path_info, conf().URLCONF)
    if not iscoroutinefunction(match.func):
        raise HandlerError(f"a handler is an async def, and {match._func_path} is none")
    return match


def reverse(name: str, *args: Any, **kwargs: Any) -> str:
    """The path of a websocket: ``reverse("room", room="lobby")``."""
    return str(urls.reverse(name, conf().URLCONF, args=args, kwargs=kwargs))
