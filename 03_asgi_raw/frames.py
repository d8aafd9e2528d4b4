"""The websocket protocol by hand: the handshake's answer, and one frame each way.

    python frames.py

shows RFC 6455's own handshake, and the text ``ping`` as a browser sends it, byte for
byte. Pure functions on bytes; no fragments are joined here, and nothing is sent.
"""

import secrets
import struct
from base64 import b64encode
from enum import IntEnum
from hashlib import sha1
from typing import NamedTuple

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3: the same for everybody
LENGTH_BYTES = {126: 2, 127: 8}  # the seven bits, and how many bytes follow for them
SHORTEST = {2: 126, 8: 65_536}  # the least length that so many bytes may hold
UNMASKED = " (not on the wire: masked XOR key)"


class Opcode(IntEnum):
    """The kinds of frames (5.2). Those from 8 on are control frames."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class Head(NamedTuple):
    """The head of a frame: 2 to 14 bytes before its payload (5.2)."""

    opcode: Opcode
    fin: bool
    key: bytes | None
    size: int  # bytes of the head itself
    length: int  # bytes of the payload

    @property
    def ends_at(self) -> int:
        """The number of bytes of head and payload together."""
        return self.size + self.length


class Field(NamedTuple):
    """A part of a frame, as it stands on the wire: in bits, or as bytes in hex."""

    name: str
    value: str
    meaning: str = ""


class FrameError(ValueError):
    """Bytes that are no frame, or a frame that may not be; says what was expected."""


class NotWholeError(FrameError):
    """More bytes have to come before anything can be said."""


class Frame(NamedTuple):
    opcode: Opcode
    payload: bytes
    fin: bool = True  # the last fragment of its message; nearly always the only one
    key: bytes | None = None  # the mask's four bytes; None: not masked


def accept_key(key: str) -> str:
    """The ``Sec-WebSocket-Accept`` for a ``Sec-WebSocket-Key`` (4.2.2, step 5.4).

    It keeps no secret: it proves that the server has understood what it was asked, and
    is not one that repeats whatever it gets.
    """
    return b64encode(sha1((key + GUID).encode()).digest()).decode()


def masked(payload: bytes, key: bytes) -> bytes:
    """Every byte XOR one of the key's four, in turn (5.3); twice gives it back."""
    return bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))


def encode(frame: Frame) -> bytes:
    """The bytes of a frame; masked if it has a key, as every client's must be (5.1).

    Raises:
        FrameError: a control frame that is too long or not final (5.5), a bad key.
    """
    _check(frame)
    first = int(frame.opcode)
    if frame.fin:
        first |= 0x80
    if frame.key is None:
        return head(first, 0, len(frame.payload)) + frame.payload
    payload = masked(frame.payload, frame.key)
    return head(first, 0x80, len(payload)) + frame.key + payload


def head(first: int, mask: int, length: int) -> bytes:
    """The bytes before the key and the payload, always in the shortest form (5.2).

    Args:
        first: the first byte: 0x80 (FIN) for a last frame, and the opcode.
        mask: 0x80 for a client's frame, 0 for a server's.
        length: of the payload, in bytes.
    """
    if length < 126:
        return struct.pack("!BB", first, mask | length)
    if length < 65_536:
        return struct.pack("!BBH", first, mask | 126, length)
    return struct.pack("!BBQ", first, mask | 127, length)


def decode(data: bytes) -> tuple[Frame, bytes]:
    """The first frame of ``data``, and the bytes after it.

    Raises:
        NotWholeError: a FrameError; more bytes have to come.
        FrameError: it breaks a rule of RFC 6455, 5.2 or 5.5.
    """
    head = decode_head(data)
    _need(data, head.ends_at, "the payload")
    payload = data[head.size : head.ends_at]
    if head.key is not None:
        payload = masked(payload, head.key)
    frame = Frame(head.opcode, payload, head.fin, head.key)
    return frame, data[head.ends_at :]


def decode_head(data: bytes) -> Head:
    """The head of the first frame of ``data``; its payload need not be there yet.

    Raises:
        NotWholeError: a FrameError; more bytes have to come.
        FrameError: it breaks a rule of RFC 6455, 5.2 or 5.5.
    """
    _need(data, 2, "the first two bytes")

    # The first byte: FIN, three bits RSV, and four bits of opcode.
    fin = data[0] >= 0b1000_0000
    rsv = data[0] >> 4 & 0b111
    number = data[0] & 0b1111
    if rsv:
        raise FrameError(
            f"expected 000 as RSV bits, as no extension is used; got {rsv:03b}"
        )
    if number not in list(Opcode):
        raise FrameError(f"expected an opcode out of 0-2 and 8-10, got {number}")
    opcode = Opcode(number)

    # The second byte: whether a masking key follows, and seven bits of length. A long
    # length does not fit into them: 126 and 127 say how many bytes hold it.
    has_key = data[1] >= 0b1000_0000
    length = data[1] & 0b0111_1111
    extended = LENGTH_BYTES.get(length, 0)
    size = 2 + extended
    if has_key:
        size += 4
    _need(data, size, "the head")
    if extended:
        length = int.from_bytes(data[2 : 2 + extended])
    if length >> 63 or length < SHORTEST.get(extended, 0):
        raise FrameError(f"expected the shortest form of a 63-bit length, got {length}")
    _check_control(opcode, fin, length)

    key = None
    if has_key:
        key = data[size - 4 : size]
    return Head(opcode, fin, key, size, length)


def close_payload(code: int, reason: str = "") -> bytes:
    """A close frame's payload: the code in two bytes, the reason in UTF-8 (5.5.1)."""
    return struct.pack("!H", code) + reason.encode()


def close_reason(payload: bytes) -> tuple[int, str]:
    """The code and the reason; 1005 stands for a close frame without a code (7.1.5)."""
    if len(payload) == 1:
        raise FrameError("expected no payload or a code in 2 bytes, got 1 byte")
    if not payload:
        return 1005, ""
    return int.from_bytes(payload[:2]), payload[2:].decode()


def fields(data: bytes) -> list[Field]:
    """The first frame of ``data``, field by field (5.2).

    Of a long payload the first 16 bytes are shown, and the others need not be there.
    """
    head = decode_head(data)
    bits = f"{data[0]:08b}{data[1]:08b}"
    last = "the last frame of its message"
    if not head.fin:
        last = "more fragments follow"
    mask = "not masked, from a server"
    after_length = head.size
    if head.key:
        mask = "masked, from a client"
        after_length -= 4
    found = [
        Field("FIN", bits[0], last),
        Field("RSV", bits[1:4], "no extension"),
        Field("opcode", bits[4:8], head.opcode.name.lower()),
        Field("mask", bits[8], mask),
    ]

    extended = data[2:after_length]
    if extended:
        form = f"{data[1] & 127}: the next {len(extended)} bytes say it"
        found.append(Field("length", bits[9:], form))
        found.append(Field("extended", extended.hex(" "), f"{head.length}"))
    else:
        found.append(Field("length", bits[9:], f"{head.length}"))
    payload = data[head.size : head.ends_at]
    if head.key is None:
        found.append(Field("payload", _shown(payload), _meaning(head, payload)))
        return found

    found.append(Field("key", head.key.hex(" "), "random, another one each time"))
    turns = "each byte XOR one of the key's, in turn"
    found.append(Field("masked", _shown(payload), turns))
    payload = masked(payload, head.key)
    meaning = _meaning(head, payload) + UNMASKED
    found.append(Field("unmasked", _shown(payload), meaning))
    return found


def explain(data: bytes) -> list[str]:
    """The first frame of ``data`` bit by bit, a line for each field."""
    found = fields(data)
    width = max(len(field.value) for field in found)
    return [f"{name:8} {value:{width}}  {words}" for name, value, words in found]


def _meaning(head: Head, payload: bytes) -> str:
    if head.opcode is Opcode.CLOSE and len(payload) > 1:
        code = int.from_bytes(payload[:2])
        reason = payload[2:].decode(errors="replace")
        return f"code {code}, reason {reason!r}"
    if head.opcode is Opcode.TEXT and head.fin and head.length <= 16:
        return repr(payload.decode(errors="replace"))
    return f"{head.length} bytes"


def _shown(data: bytes) -> str:
    words = data[:16].hex(" ")
    if len(data) > 16:
        words += " …"
    return words


def _need(data: bytes, length: int, what: str) -> None:
    if len(data) < length:
        raise NotWholeError(
            f"expected {length} bytes up to the end of {what}, got {len(data)}"
        )


def _check(frame: Frame) -> None:
    if frame.key is not None and len(frame.key) != 4:
        raise FrameError(f"expected 4 bytes as a masking key, got {len(frame.key)}")
    _check_control(frame.opcode, frame.fin, len(frame.payload))


def _check_control(opcode: Opcode, fin: bool, length: int) -> None:
    if opcode >= Opcode.CLOSE and (not fin or length > 125):
        raise FrameError(
            f"expected a {opcode.name.lower()} frame in one piece of at most 125 "
            f"bytes, got {length} bytes{'' if fin else ', not final'}"
        )


def main() -> None:
    key = "dGhlIHNhbXBsZSBub25jZQ=="
    print("The handshake (RFC 6455, 1.3)")
    print(f"  the client asks    Sec-WebSocket-Key:    {key}")
    print(f"  the server answers Sec-WebSocket-Accept: {accept_key(key)}")
    data = encode(Frame(Opcode.TEXT, b"ping", key=secrets.token_bytes(4)))
    print(f"\nThe text ping from a browser, {len(data)} bytes: {data.hex(' ')}")
    print("\n".join(f"  {line}" for line in explain(data)))


if __name__ == "__main__":
    main()
