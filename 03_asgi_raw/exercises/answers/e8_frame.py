"""Hints, check and solution of exercise 3.8, and what must not pass."""

from collections.abc import Callable
from typing import Any

from frames import Frame, Opcode, encode

from workshop.exercises import Wrong, shown

HINTS = (
    "The second byte holds two things. Which operation on bits takes the seven bits "
    "out of it, and which one the first bit? Which parts follow, and at which byte "
    "does each begin?",
    "Go through the frame with a position: it is 2 after the first two bytes, and "
    "grows with each part that is there (length in 2 or 8 bytes, key in 4). "
    '`int.from_bytes(…, "big")` makes a number of bytes.',
    "`length = data[1] & 0x7F` and `start = 2`. For 126: `length = "
    'int.from_bytes(data[2:4], "big")`, `start = 4`; for 127: `data[2:10]` and 10. If '
    "`data[1] & 0x80`: the key is `data[start : start + 4]`, and `start` grows by 4. "
    "Count `i` from the first byte of the payload, with `enumerate`.",
)

KEY = bytes.fromhex("37fa213d")
LENGTHS = (5, 0, 125, 126, 127, 128, 300)
LONG = (65_535, 65_536)  # the last of 16 bits, the first of 64
PATTERN = bytes(i * 7 % 251 + 1 for i in range(251))
AFTER = b"\x89\x00"  # a ping: the next frame


def check(decode: Callable[[bytes], Any]) -> str:
    for key in (None, KEY):
        for length in LENGTHS:
            _require(decode, length, key, AFTER)
    for length in LONG:
        _require(decode, length, None, AFTER)
    _require(decode, 65_536, KEY, b"")
    return "7, 16 and 64 bits of length, masked or not, and the rest is untouched."


def _require(
    decode: Callable[[bytes], Any], length: int, key: bytes | None, after: bytes
) -> None:
    payload = (PATTERN * (length // len(PATTERN) + 1))[:length]
    data = encode(Frame(Opcode.BINARY, payload, key=key)) + after
    kind = "not masked" if key is None else f"masked with the key {key.hex(' ')}"
    words = (
        f"A frame with {length:,} bytes of payload, {kind}: it begins "
        f"{data[:14].hex(' ')}."
    )
    try:
        given = decode(data)
    except Exception as error:
        error.add_note(words)
        raise
    if not isinstance(given, tuple) or len(given) != 2:
        raise Wrong(
            f"{words} decode gave {shown(given)}; a tuple of the payload and the rest "
            "was wanted.",
            ask="Which two things does the docstring promise?",
        )
    found, rest = given
    if not isinstance(found, bytes | bytearray):
        raise Wrong(
            f"{words} The payload is a {type(found).__name__}; bytes were wanted.",
            ask="What makes bytes of a list of numbers?",
        )
    if len(found) != length:
        raise Wrong(
            f"{words} The payload that came out has {len(found):,} bytes.",
            ask="Which bytes hold the length of this frame, and which bits of them?",
        )
    if found != payload:
        first = next(i for i in range(length) if found[i] != payload[i])
        raise Wrong(
            f"{words} Byte number {first} of the payload is {found[first]:02x}; "
            f"{payload[first]:02x} was wanted.",
            ask=_ask(key),
        )
    if rest != after:
        raise Wrong(
            f"{words} After it come {len(after)} bytes ({after.hex(' ') or 'none'}); "
            f"decode gave {len(rest)} as the rest.",
            ask="At which byte of the data does the frame end?",
        )


def _ask(key: bytes | None) -> str:
    if key is None:
        return "Which parts of this frame come before its payload?"
    return "Where does the payload begin, and which byte of the key is for its first?"


def decode(data: bytes) -> tuple[bytes, bytes]:
    """The payload of the first frame of ``data``, and all bytes after that frame."""
    length = data[1] & 0b0111_1111
    start = 2
    if length == 126:
        length = int.from_bytes(data[2:4], "big")
        start = 4
    elif length == 127:
        length = int.from_bytes(data[2:10], "big")
        start = 10
    key = bytes(4)  # XOR 0 changes nothing
    if data[1] & 0b1000_0000:
        key = data[start : start + 4]
        start += 4
    end = start + length
    payload = bytes(byte ^ key[i % 4] for i, byte in enumerate(data[start:end]))
    return payload, data[end:]


def little_endian(data):
    length = data[1] & 127
    start = 2
    if length == 126:
        length = int.from_bytes(data[2:4], "little")
        start = 4
    elif length == 127:
        length = int.from_bytes(data[2:10], "little")
        start = 10
    key = bytes(4)
    if data[1] & 128:
        key = data[start : start + 4]
        start += 4
    end = start + length
    payload = bytes(byte ^ key[i % 4] for i, byte in enumerate(data[start:end]))
    return payload, data[end:]


def a_length_of_126(data):
    length = data[1] & 127
    start = 2
    key = bytes(4)
    if data[1] & 128:
        key = data[start : start + 4]
        start += 4
    end = start + length
    payload = bytes(byte ^ key[i % 4] for i, byte in enumerate(data[start:end]))
    return payload, data[end:]


def counted_from_the_head(data):
    length = data[1] & 127
    start = 2
    if length == 126:
        length = int.from_bytes(data[2:4], "big")
        start = 4
    elif length == 127:
        length = int.from_bytes(data[2:10], "big")
        start = 10
    key = bytes(4)
    if data[1] & 128:
        key = data[start : start + 4]
        start += 4
    end = start + length
    payload = bytes(data[i] ^ key[i % 4] for i in range(start, end))
    return payload, data[end:]


def no_mask(data):
    length = data[1] & 127
    start = 2
    if length == 126:
        length = int.from_bytes(data[2:4], "big")
        start = 4
    elif length == 127:
        length = int.from_bytes(data[2:10], "big")
        start = 10
    return data[start : start + length], data[start + length :]


def the_bit_in_the_length(data):
    length = data[1]
    start = 2
    if length == 126:
        length = int.from_bytes(data[2:4], "big")
        start = 4
    elif length == 127:
        length = int.from_bytes(data[2:10], "big")
        start = 10
    key = bytes(4)
    if data[1] & 128:
        key = data[start : start + 4]
        start += 4
    end = start + length
    payload = bytes(byte ^ key[i % 4] for i, byte in enumerate(data[start:end]))
    return payload, data[end:]


def always_masked(data):
    length = data[1] & 127
    start = 2
    if length == 126:
        length = int.from_bytes(data[2:4], "big")
        start = 4
    elif length == 127:
        length = int.from_bytes(data[2:10], "big")
        start = 10
    key = data[start : start + 4]
    start += 4
    end = start + length
    payload = bytes(byte ^ key[i % 4] for i, byte in enumerate(data[start:end]))
    return payload, data[end:]


def four_bytes_of_length(data):
    length = data[1] & 127
    start = 2
    if length == 126:
        length = int.from_bytes(data[2:4], "big")
        start = 4
    elif length == 127:
        length = int.from_bytes(data[2:6], "big")
        start = 6
    key = bytes(4)
    if data[1] & 128:
        key = data[start : start + 4]
        start += 4
    end = start + length
    payload = bytes(byte ^ key[i % 4] for i, byte in enumerate(data[start:end]))
    return payload, data[end:]


def four_bytes_unmasked(data):
    length = data[1] & 127
    start = 2
    if length == 126:
        length = int.from_bytes(data[2:4], "big")
        start = 4
    elif length == 127:
        length = int.from_bytes(data[2:10], "big")
        start = 10
    end = start + length
    payload = data[start:end]
    if data[1] & 128:
        key = data[start : start + 4]
        start += 4
        end += 4
        payload = bytes(a ^ b for a, b in zip(data[start:end], key))
    return payload, data[end:]


def the_rest_as_payload(data):
    length = data[1] & 127
    start = 2
    if length == 126:
        start = 4
    elif length == 127:
        start = 10
    key = bytes(4)
    if data[1] & 128:
        key = data[start : start + 4]
        start += 4
    payload = bytes(byte ^ key[i % 4] for i, byte in enumerate(data[start:]))
    return payload, b""


def a_list(data):
    length = data[1] & 127
    payload = [byte for byte in data[2 : 2 + length]]
    return payload, data[2 + length :]


def only_the_payload(data):
    length = data[1] & 127
    return data[2 : 2 + length]


WRONG = (
    (little_endian, "The payload that came out has"),
    (a_length_of_126, "Byte number 0 of the payload is 00; 01 was wanted"),
    (counted_from_the_head, "Byte number 0 of the payload is"),
    (no_mask, "Byte number 0 of the payload is"),
    (the_bit_in_the_length, "A frame with 5 bytes of payload, masked"),
    (always_masked, "A frame with 5 bytes of payload, not masked"),
    (four_bytes_of_length, "A frame with 65,536 bytes of payload, not masked"),
    (four_bytes_unmasked, "The payload that came out has 4 bytes"),
    (the_rest_as_payload, "The payload that came out has 7 bytes"),
    (a_list, "The payload is a list; bytes were wanted"),
    (only_the_payload, "a tuple of the payload and the rest was wanted"),
)
