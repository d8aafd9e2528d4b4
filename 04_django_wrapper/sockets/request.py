"""The handshake as Django sees a request: for middleware, steps and handlers."""

from io import BytesIO

from asgiref.typing import WebSocketScope
from django.core.handlers.asgi import ASGIRequest

from sockets.codes import Refused


def request_of(scope: WebSocketScope) -> ASGIRequest:
    """The handshake as a request of Django's: it is a GET, with cookies and headers."""
    scheme = "https" if scope.get("scheme") == "wss" else "http"  # daphne has none
    http = {**scope, "type": "http", "method": "GET", "scheme": scheme}
    try:
        return ASGIRequest(http, BytesIO())
    except UnicodeDecodeError:
        raise Refused(400, "The query string is not UTF-8.") from None
