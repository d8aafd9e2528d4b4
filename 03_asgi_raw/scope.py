"""The scope: what an application is told about a request before the first event.

Everything in it comes from the request's head, the lines before the first empty one,
and from the two ends of the TCP connection. ASGI spec, "HTTP Connection Scope" and
"Websocket Connection Scope".
"""

from typing import Any
from urllib.parse import unquote

from websockets.http11 import Request

Address = tuple[str, int]


def make_scope(
    request: Request, client: Address, server: Address, state: dict[str, Any]
) -> dict[str, Any]:
    """The scope of one HTTP request, or of one websocket.

    Args:
        request: the parsed head.
        client, server: address and port of the two ends.
        state: what the application put into the lifespan's state; each gets a copy.
    """
    raw_path, _, query = request.path.partition("?")
    scope = {
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": request.protocol.removeprefix("HTTP/"),
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
    }
    if "websocket" not in [wish.lower() for wish in listed(request, "Upgrade")]:
        method = request.method.upper()
        return scope | {"type": "http", "scheme": "http", "method": method}
    return scope | {
        "type": "websocket",
        "scheme": "ws",
        "subprotocols": listed(request, "Sec-WebSocket-Protocol"),
        # The application may refuse with a whole HTTP response: "Websocket Denial
        # Response". Without this, all that it has is close, which becomes a bare 403.
        "extensions": {"websocket.http.response": {}},
    }


def listed(request: Request, name: str) -> list[str]:
    """All values of a header that is a list; it may come more than once."""
    lines = request.headers.get_all(name)
    return [value.strip() for line in lines for value in line.split(",")]
