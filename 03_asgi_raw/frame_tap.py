"""From bytes to arrows: a tap for our server that draws each frame and explains it.

    serve(wiretap, listener, stop, tap=FrameTap(wiretap))

A server reads and writes chunks. Only the head of a frame tells where the frame ends.
So the chunks of each direction are cut: first the head of an HTTP message, then frames.
The first 125 bytes of a payload are kept, which is all of it in a control frame.
"""

from collections.abc import Iterable, Iterator
from html import escape
from typing import Any, cast

from frames import UNMASKED, Field, FrameError, NotWholeError, decode_head, fields
from scope import Address

from workshop.pictures.conversation import Direction
from workshop.pictures.shown import shown
from workshop.pictures.wiretap import Connection, Wiretap

LONGEST_HEAD = 14  # bytes: two, eight for the length, four for the key
KEPT = 125  # bytes of a payload
KEPT_LINES = 30  # of the head of an HTTP message
HEADERS = {  # RFC 6455, 4.1 and 4.2
    "upgrade": "the protocol to go on with",
    "origin": "the page that asks; only browsers tell it",
    "sec-websocket-key": "16 random bytes in Base64",
    "sec-websocket-version": "RFC 6455 is version 13",
    "sec-websocket-extensions": "compression, for example; ours takes none",
    "sec-websocket-accept": "the hash of key and GUID: accept_key()",
}


class Cut:
    """One direction of one connection: chunks in; a head, then frames out."""

    def __init__(self) -> None:
        self._rest = b""  # of which more has to come
        self._beyond = 0  # bytes of a long payload, still to come, that nobody looks at
        self._http = True
        self._over = False

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the pieces that are complete.

        After bytes that are not a frame we cannot find the next boundary, so we stop.
        """
        skipped = min(self._beyond, len(chunk))
        self._beyond -= skipped
        data = self._rest + chunk[skipped:]
        at = 0
        while at < len(data) and not self._over:
            if self._http:
                end = data.find(b"\r\n\r\n") + 4
                if end < 4:
                    break
                yield data[:end]
                self._http = False
                self._over = not data.startswith((b"GET ", b"HTTP/1.1 101"))
            else:
                try:
                    head = decode_head(data[at : at + LONGEST_HEAD])
                except NotWholeError:
                    break
                except FrameError:
                    self._over = True
                    yield data[at : at + LONGEST_HEAD]
                    break
                kept = at + head.size + min(head.length, KEPT)
                if len(data) < kept:
                    break
                yield data[at:kept]
                end = at + head.ends_at
                self._beyond = max(0, end - len(data))
            at = end
        self._rest = data[at:]
        if self._over:
            self._rest = b""


class FrameTap:
    """``serve``'s tap. It looks at bytes; the events are the wiretap's own.

    Args:
        wiretap: where to draw; around the application that is served.
        begins: how the request of a connection begins that is to be drawn.
        connections: so many are followed at once, the last ones.
    """

    def __init__(
        self, wiretap: Wiretap, *, begins: bytes = b"GET ", connections: int = 20
    ) -> None:
        self._wiretap = wiretap
        self._begins = begins
        self._most = connections
        self._followed: dict[Address, tuple[Connection, dict[str, Cut]]] = {}

    def __call__(self, client: Address, direction: str, kind: str, data: Any) -> None:
        if kind != "bytes":
            return
        if direction == "in" and data.startswith(self._begins):
            self._followed.pop(client, None)  # one that is over, and had this port
            cuts = {"in": Cut(), "out": Cut()}
            self._followed[client] = (self._wiretap.begin(client), cuts)
            if len(self._followed) > self._most:
                del self._followed[next(iter(self._followed))]
        if client in self._followed:
            connection, cuts = self._followed[client]
            way = cast(Direction, direction)
            for piece in cuts[way].pieces(data):
                connection.wire(way, piece, *explained(piece))


def explained(piece: bytes) -> tuple[str, list[Field]]:
    """A line of words for the arrow, and the fields of a frame or of an HTTP head."""
    if piece.endswith(b"\r\n\r\n"):
        return f"the handshake, {len(piece)} bytes", list(head_fields(piece))
    try:
        head = decode_head(piece)
        found = fields(piece)
    except FrameError as error:
        return f"no frame: {error}", []
    payload = found[-1].meaning.removesuffix(UNMASKED)
    words = f"{head.opcode.name.lower()} frame, {head.ends_at} bytes: {payload}"
    return words, found


def head_fields(head: bytes) -> Iterator[Field]:
    """The lines of an HTTP message's head, the first ones."""
    first, *lines = head.decode("latin-1").splitlines()[:KEPT_LINES]
    yield Field("first line", shown(first, 100))
    for line in filter(None, lines):
        name, _, value = line.partition(":")
        yield Field(
            shown(name), shown(value.strip(), 100), HEADERS.get(name.lower(), "")
        )


def as_html(connection: Connection) -> str:
    """All that can be opened: an element for each, which never changes afterwards."""
    sides = {"in": "→ from the browser", "out": "← to the browser"}
    found = [
        f'<details id="arrow-{id(connection)}-{entry.number}">'
        f"<summary>{sides[entry.direction]}: {escape(entry.words)}</summary>"
        f"{_on_the_wire(entry.fields)}{_table(entry.fields)}</details>"
        for entry in connection.entries
        if entry.fields
    ]
    if not found:
        return ""
    hint = '<p id="frames-hint">The bytes, one by one and bit by bit: open any.</p>'
    return hint + "".join(found)


def _on_the_wire(found: Iterable[tuple[str, str, str]]) -> str:
    """The bits and bytes of a frame in a row; the table says the same in words."""
    names = [name for name, _, _ in found]
    if "opcode" not in names:
        return ""
    parts = "".join(
        f"<span><code>{value or '·'}</code>{name}</span>"
        for name, value, _ in found
        if name != "unmasked"  # not there to be seen
    )
    return f'<div class="bits" aria-hidden="true">{parts}</div>'


def _table(found: Iterable[tuple[str, str, str]]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td><code>{escape(value)}</code></td>'
        f"<td>{escape(meaning)}</td></tr>"
        for name, value, meaning in found
    )
    return f"<table>{rows}</table>"
