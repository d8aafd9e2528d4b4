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


class Opcode(IntEnum):
    """What a frame is (5.2). From 8 on: control frames, which may come at any time."""

    CONTINUATION, TEXT, BINARY = 0, 1, 2
    CLOSE, PING, PONG = 8, 9, 10


class FrameError(ValueError):
    """Bytes that are no frame, or a frame that may not be; says what was expected."""


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
    mask, length = (0x80 if frame.key else 0), len(frame.payload)
    head = bytes([(0x80 if frame.fin else 0) | frame.opcode])
    if length < 126:  # 5.2: the shortest of the three forms, always
        head += bytes([mask | length])
    elif length < 65_536:
        head += struct.pack("!BH", mask | 126, length)
    else:
        head += struct.pack("!BQ", mask | 127, length)
    if frame.key is None:
        return head + frame.payload
    return head + frame.key + masked(frame.payload, frame.key)


def decode(data: bytes) -> tuple[Frame, bytes]:
    """The first frame of ``data``, and the bytes after it.

    Raises:
        FrameError: it is not whole yet, or it breaks a rule of RFC 6455, 5.2 or 5.5.
    """
    _need(data, 2, "the first two bytes")
    if rsv := data[0] >> 4 & 7:
        raise FrameError(
            f"expected 000 as RSV bits, as no extension is used; got {rsv:03b}"
        )
    if data[0] & 15 not in list(Opcode):
        raise FrameError(f"expected an opcode out of 0-2 and 8-10, got {data[0] & 15}")
    start, key = head_length(data[1]), None
    _need(data, start, "the head")
    length = data[1] & 127
    if length > 125:
        length = int.from_bytes(data[2 : 4 if length == 126 else 10])
    if length >> 63 or length < {4: 126, 10: 65_536}.get(start - 4 * (data[1] >> 7), 0):
        raise FrameError(f"expected the shortest form of a 63-bit length, got {length}")
    if data[1] & 128:
        key = data[start - 4 : start]
    _need(data, start + length, "the payload")
    payload = data[start : start + length]
    frame = Frame(
        Opcode(data[0] & 15),
        masked(payload, key) if key else payload,
        fin=data[0] >= 128,
        key=key,
    )
    _check(frame)
    return frame, data[start + length :]


def head_length(second: int) -> int:
    """How many bytes come before the payload; the second byte of a frame knows."""
    return 2 + {126: 2, 127: 8}.get(second & 127, 0) + (4 if second & 128 else 0)


def close_payload(code: int, reason: str = "") -> bytes:
    """A close frame's payload: the code in two bytes, the reason in UTF-8 (5.5.1)."""
    return struct.pack("!H", code) + reason.encode()


def close_reason(payload: bytes) -> tuple[int, str]:
    """The code and the reason; 1005 stands for a close frame without a code (7.1.5)."""
    if len(payload) == 1:
        raise FrameError("expected no payload or a code in 2 bytes, got 1 byte")
    return (
        (int.from_bytes(payload[:2]), payload[2:].decode()) if payload else (1005, "")
    )


def explain(data: bytes) -> list[str]:
    """The first frame of ``data`` bit by bit, a line for each field (5.2)."""
    frame, _ = decode(data)
    start, form = head_length(data[1]), data[1] & 127
    length, bits = len(frame.payload), f"{data[0]:08b}{data[1]:08b}"
    more = {126: "in the next 2 bytes: ", 127: "in the next 8 bytes: "}.get(form, "")
    last = "the last frame of its message" if frame.fin else "more fragments follow"
    who = "from a client" if frame.key else "from a server"
    lines = [
        f"FIN      {bits[0]}        {last}",
        f"RSV      {bits[1:4]}      no extension",
        f"opcode   {bits[4:8]}     {frame.opcode.name.lower()}",
        f"mask     {bits[8]}        {'masked' if frame.key else 'not masked'}, {who}",
        f"length   {bits[9:]}  {form}{f', {more}{length}' if more else ''}",
    ]
    if frame.key:
        lines.append(f"key      {frame.key.hex(' ')}")
        lines.append(f"masked   {_shown(data[start : start + length])}")
    lines.append(f"payload  {_shown(frame.payload)}  {_meaning(frame)}".rstrip())
    return lines


def _meaning(frame: Frame) -> str:
    if frame.opcode is Opcode.CLOSE and len(frame.payload) > 1:
        code, reason = frame.payload[:2], frame.payload[2:].decode(errors="replace")
        return f"code {int.from_bytes(code)}, reason {reason!r}"
    if frame.opcode is Opcode.TEXT and frame.fin and len(frame.payload) <= 16:
        return repr(frame.payload.decode(errors="replace"))
    return f"{len(frame.payload)} bytes"


def _shown(data: bytes) -> str:
    return data[:16].hex(" ") + (" …" if len(data) > 16 else "")


def _need(data: bytes, length: int, what: str) -> None:
    if len(data) < length:
        raise FrameError(
            f"expected {length} bytes up to the end of {what}, got {len(data)}"
        )


def _check(frame: Frame) -> None:
    if frame.key is not None and len(frame.key) != 4:
        raise FrameError(f"expected 4 bytes as a masking key, got {len(frame.key)}")
    if frame.opcode >= Opcode.CLOSE and (not frame.fin or len(frame.payload) > 125):
        raise FrameError(
            f"expected a {frame.opcode.name.lower()} frame in one piece of at most 125 "
            f"bytes, got {len(frame.payload)} bytes{'' if frame.fin else ', not final'}"
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
