"""An HTTP answer: two kinds of event in, bytes out.

It answers a request, and a websocket that the application refuses: the events of the
"Websocket Denial Response" are those of HTTP with ``websocket.`` before their names.
Every answer is the last one on its connection (no keep-alive), so its body may simply
end where the connection ends, and chunks are not needed (RFC 9112, 6.3, rule 8).
"""

import http
from collections.abc import Iterable
from email.utils import formatdate
from typing import Any

from websockets.datastructures import Headers
from websockets.http11 import Response
from wire import Wire

BODILESS = (204, 304)  # RFC 9110, 6.4.1: these never have a body


def checked(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """An application's headers as text.

    Raises:
        ValueError: one has a line break. What follows it would count as a header, or
            as a whole second response, written by whoever chose the value.
    """
    for name, value in headers:
        if any(byte in name + value for byte in b"\r\n\0"):
            raise ValueError(
                f"a header must be one line; the application sent {name!r}: {value!r}"
            )
    return [
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in headers
    ]


class HTTPAnswer:
    """The ``send`` of one HTTP answer."""

    def __init__(self, wire: Wire, method: str) -> None:
        self.wire = wire
        self.drop_body = method == "HEAD"  # RFC 9110, 9.3.2: as for GET, without a body
        self.head: Response | None = None
        self.started = False  # its head is on the wire: there is no way back
        self.complete = False

    async def send(self, event: Any) -> None:
        """Take ``http.response.start``, then ``http.response.body`` until the last.

        Raises:
            RuntimeError: another event, or one out of turn.
            PeerLeftError: the peer does not read it any more.
        """
        expected = "http.response.body" if self.head else "http.response.start"
        came = event["type"].removeprefix("websocket.")
        if self.complete or came != expected:
            expected = (
                "nothing: the response is complete" if self.complete else expected
            )
            raise RuntimeError(f"expected {expected}, and {event['type']} came")
        if came == "http.response.start":
            self.prepare(event["status"], checked(event.get("headers", ())))
        else:
            more = event.get("more_body", False)
            await self.write(event.get("body", b""), last=not more)

    def prepare(self, status: int, headers: list[tuple[str, str]]) -> None:
        # Kept until the first body event: an application that fails in between can
        # still be answered for, with 500.
        known = status in http.HTTPStatus.__members__.values()
        phrase = http.HTTPStatus(status).phrase if known else ""
        own = [("date", formatdate(usegmt=True)), ("connection", "close")]
        said = {name.lower() for name, _ in headers}
        own = [(name, value) for name, value in own if name not in said]
        self.head = Response(status, phrase, Headers(headers + own))
        self.drop_body = self.drop_body or status in BODILESS

    async def write(self, body: bytes, last: bool) -> None:
        assert self.head is not None
        data = b"" if self.drop_body else body
        if not self.started:
            self.started = True
            data = self.head.serialize() + data
        self.complete = last
        if data:
            self.wire.write(data)
        await self.wire.drain()

    async def say(self, status: int, text: str) -> None:
        """The server's own answer, in words; also in place of an unsent one."""
        body = text.encode()
        length = str(len(body))
        self.prepare(
            status,
            [("content-type", "text/plain; charset=utf-8"), ("content-length", length)],
        )
        await self.write(body, last=True)
