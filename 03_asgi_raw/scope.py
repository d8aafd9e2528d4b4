"""The scope: what an application is told about a request before the first event.

Everything in it comes from the request's head, the lines before the first empty one,
and from the two ends of the TCP connection. ASGI spec, "HTTP Connection Scope" and
"Websocket Connection Scope".
"""

from typing import Any
from urllib.parse import unquote

from asgiref.typing import ASGIVersions, HTTPScope, WebSocketScope
from websockets.http11 import Request

Address = tuple[str, int]
ASGI: ASGIVersions = {"version": "3.0", "spec_version": "2.4"}


def wants_websocket(request: Request) -> bool:
    """Whether the head asks to leave HTTP for the websocket protocol."""
    wishes = ",".join(request.headers.get_all("Upgrade")).lower().split(",")
    return "websocket" in [wish.strip() for wish in wishes]


def http_scope(
    request: Request, client: Address, server: Address, state: dict[str, Any]
) -> HTTPScope:
    """The scope of one HTTP request.

    Args:
        request: the parsed head.
        client, server: address and port of the two ends.
        state: what the application put into the lifespan's state; each gets a copy.
    """
    raw_path, _, query = request.path.partition("?")
    return {
        "type": "http",
        "asgi": ASGI,
        "http_version": request.protocol.removeprefix("HTTP/"),
        "method": request.method.upper(),
        "scheme": "http",
        "path": unquote(raw_path),  # %20 is a space; bytes that are no UTF-8 are U+FFFD
        "raw_path": raw_path.encode("ascii"),
        "query_string": query.encode("ascii"),
        "root_path": "",
        # A list, since names may repeat; in lower case, since their case says nothing.
        "headers": [
            (name.lower().encode("ascii"), value.encode("latin-1"))
            for name, value in request.headers.raw_items()
        ],
        "client": client,
        "server": server,
        "state": state.copy(),
        "extensions": {},
    }


def websocket_scope(
    request: Request, client: Address, server: Address, state: dict[str, Any]
) -> WebSocketScope:
    """The scope of one websocket: the HTTP request's, without a method, and more."""
    scope = http_scope(request, client, server, state)
    offered = request.headers.get_all("Sec-WebSocket-Protocol")
    return {
        "type": "websocket",
        "asgi": ASGI,
        "http_version": scope["http_version"],
        "scheme": "ws",
        "path": scope["path"],
        "raw_path": scope["raw_path"],
        "query_string": scope["query_string"],
        "root_path": scope["root_path"],
        "headers": scope["headers"],
        "client": client,
        "server": server,
        "state": scope["state"],
        "subprotocols": [one.strip() for many in offered for one in many.split(",")],
        # The application may refuse with a whole HTTP response: "Websocket Denial
        # Response". Without this, all that it has is close, which becomes a bare 403.
        "extensions": {"websocket.http.response": {}},
    }
