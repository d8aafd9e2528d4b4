"""An HTTP answer: two kinds of event in, a response out, once it is whole.

It answers a request, and also a websocket that the application refuses. The events of
the "Websocket Denial Response" are those of HTTP, with ``websocket.`` before the names.
"""

from collections.abc import Iterable
from email.utils import formatdate
from http.client import responses
from typing import Any

from asgi_types import Event
from websockets.datastructures import Headers
from websockets.http11 import Response

BODILESS = (204, 304)  # RFC 9110, 6.4.1: these never have a body


class HTTPAnswer:
    """The application's answer, as far as it has come.

    Args:
        scope: of the request, or of the websocket that may be refused.
    """

    def __init__(self, scope: Any) -> None:
        self.prefix = ""
        if scope["type"] == "websocket":
            self.prefix = "websocket."
        self.is_head = scope.get("method") == "HEAD"
        self.response: Response | None = None  # from its first event on
        self.complete = False

    def take(self, event: Event) -> Response | None:
        """Take the next event; return the response once its last event is here.

        Raises:
            RuntimeError: another event, or one out of turn.
            ValueError: a header that must not be sent.
        """
        self._check(event)
        if self.response is None:
            self.response = self._started(event)
            return None
        self.response.body += event.get("body", b"")
        if event.get("more_body", False):
            return None
        self.complete = True
        if self.is_head or self.response.status_code in BODILESS:
            self.response.body = b""
        return self.response

    def _check(self, event: Event) -> None:
        if self.complete:
            expected = "nothing after the response"
        elif self.response is None:
            expected = f"{self.prefix}http.response.start"
        else:
            expected = f"{self.prefix}http.response.body"
        if event["type"] != expected:
            raise RuntimeError(f"expected {expected}; {event['type']} came")

    def _started(self, event: Event) -> Response:
        # It is the last response on its connection. So its body ends where the
        # connection ends, and its length need not be known (RFC 9112, 6.3, rule 8).
        headers = Headers()
        headers["Date"] = formatdate(usegmt=True)
        headers["Connection"] = "close"
        for name, value in checked(event.get("headers", ())):
            headers[name] = value  # adds: a header may come more than once
        status = event["status"]
        return Response(status, responses.get(status, ""), headers)


def accepting(event: Event, offered: list[str]) -> list[tuple[str, str]]:
    """The headers of ``websocket.accept``.

    Args:
        event: the application's.
        offered: the subprotocols that the client has named.

    Raises:
        ValueError: a subprotocol that was not offered, a header that must not be sent.
    """
    headers = checked(event.get("headers", ()))
    chosen = event.get("subprotocol")
    if chosen is None:
        return headers
    if chosen not in offered:  # RFC 6455, 4.1: the peer would hang up
        raise ValueError(f"expected a subprotocol out of {offered}, got {chosen!r}")
    headers.append(("Sec-WebSocket-Protocol", chosen))
    return headers


def checked(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """Headers as text.

    Raises:
        ValueError: one has a line break. The text after it would count as a header,
            or as a whole second response, written by a user who chose the value.
    """
    pairs = []
    for name, value in headers:
        pair = (name.decode("latin-1"), value.decode("latin-1"))
        if set("".join(pair)) & set("\r\n\0"):
            words = f"{pair[0]!r}: {pair[1]!r}"
            raise ValueError(f"expected a header of one line, got {words}")
        pairs.append(pair)
    return pairs
