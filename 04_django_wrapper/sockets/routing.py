"""Which handler answers which path: Django's own URL patterns, in a urlconf of theirs.

A handler is a view: ``path("ws/<slug:room>/", chat)`` calls ``chat(socket, room=…)``.
"""

from io import BytesIO
from typing import Any

from asgiref.sync import iscoroutinefunction
from asgiref.typing import WebSocketScope
from django import urls
from django.core.handlers.asgi import ASGIRequest

from sockets.codes import HandlerError, Refused
from sockets.conf import conf
from sockets.connection import Socket


def request_of(scope: WebSocketScope) -> ASGIRequest:
    """The handshake as a request of Django's: it is a GET, with cookies and headers."""
    scheme = "https" if scope.get("scheme") == "wss" else "http"  # daphne has none
    http = {**scope, "type": "http", "method": "GET", "scheme": scheme}
    try:
        return ASGIRequest(http, BytesIO())
    except UnicodeDecodeError:
        raise Refused(400, "The query string is not UTF-8.") from None


def resolve(socket: Socket) -> urls.ResolverMatch:
    """The handler for a handshake's path, with its arguments; Resolver404: none."""
    match = urls.resolve(socket.request.path_info, conf().URLCONF)
    if not iscoroutinefunction(match.func):
        raise HandlerError(f"a handler is an async def, and {match._func_path} is none")
    return match


def reverse(name: str, *args: Any, **kwargs: Any) -> str:
    """The path of a websocket: ``reverse("room", room="lobby")``."""
    return str(urls.reverse(name, conf().URLCONF, args=args, kwargs=kwargs))
