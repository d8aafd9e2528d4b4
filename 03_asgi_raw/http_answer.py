"""An HTTP answer: two kinds of event in, a response out, once it is whole.

It answers a request, and a websocket that the application refuses: the events of the
"Websocket Denial Response" are those of HTTP with ``websocket.`` before their names.
"""

from collections.abc import Iterable
from email.utils import formatdate
from http.client import responses
from typing import Any

from websockets.datastructures import Headers
from websockets.http11 import Response

BODILESS = (204, 304)  # RFC 9110, 6.4.1: these never have a body


class HTTPAnswer:
    """What the application has answered so far."""

    def __init__(self, scope: Any) -> None:
        self.prefix = "websocket." if scope["type"] == "websocket" else ""
        self.is_head = scope.get("method") == "HEAD"
        self.response: Response | None = None
        self.complete = False

    def take(self, event: Any) -> Response | None:
        """The whole response, once its last event is here.

        Raises:
            RuntimeError: another event, or one out of turn.
            ValueError: a header that must not be sent.
        """
        expected = f"{self.prefix}http.response.{'body' if self.response else 'start'}"
        if self.complete or event["type"] != expected:
            expected = "nothing after the response" if self.complete else expected
            raise RuntimeError(f"expected {expected}; {event['type']} came")
        if self.response is None:
            # It is the last on its connection, so its body ends where the connection
            # ends, and its length need not be known (RFC 9112, 6.3, rule 8).
            own = [("Date", formatdate(usegmt=True)), ("Connection", "close")]
            headers = Headers([*own, *checked(event.get("headers", ()))])
            status = event["status"]
            self.response = Response(status, responses.get(status, ""), headers)
            return None
        self.response.body += event.get("body", b"")
        if event.get("more_body", False):
            return None
        self.complete = True
        if self.is_head or self.response.status_code in BODILESS:
            self.response.body = b""
        return self.response


def accepting(event: Any, offered: list[str]) -> list[tuple[str, str]]:
    """The headers of ``websocket.accept``.

    Raises:
        ValueError: a subprotocol that was not offered, a header that must not be sent.
    """
    headers, chosen = checked(event.get("headers", ())), event.get("subprotocol")
    if chosen is None:
        return headers
    if chosen not in offered:  # RFC 6455, 4.1: the peer would hang up
        raise ValueError(f"expected a subprotocol out of {offered}, got {chosen!r}")
    return [*headers, ("Sec-WebSocket-Protocol", chosen)]


def checked(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """Headers as text.

    Raises:
        ValueError: one has a line break. What follows it would count as a header, or
            as a whole second response, written by whoever chose the value.
    """
    latin = "latin-1"
    pairs = [(name.decode(latin), value.decode(latin)) for name, value in headers]
    for name, value in pairs:
        if set(name + value) & set("\r\n\0"):
            raise ValueError(f"expected a header of one line, got {name!r}: {value!r}")
    return pairs
