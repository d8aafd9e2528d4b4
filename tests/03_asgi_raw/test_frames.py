"""The handshake and the frames by hand, against RFC 6455 and ``websockets``' codec."""

import subprocess
import sys

import pytest
from frames import (
    UNMASKED,
    Frame,
    FrameError,
    Opcode,
    accept_key,
    close_payload,
    close_reason,
    decode,
    decode_head,
    encode,
    explain,
    fields,
    masked,
)
from hypothesis import example, given
from hypothesis import strategies as st
from websockets import frames as oracle
from websockets.exceptions import ProtocolError
from websockets.streams import StreamReader

from tests.support.processes import ROOT

KEY = bytes.fromhex("37fa213d")
# RFC 6455, 5.7, in its order
EXAMPLES = {
    "a text, not masked": ("81 05 48 65 6c 6c 6f", Frame(Opcode.TEXT, b"Hello")),
    "a text, masked": (
        "81 85 37 fa 21 3d 7f 9f 4d 51 58",
        Frame(Opcode.TEXT, b"Hello", key=KEY),
    ),
    "a first fragment": ("01 03 48 65 6c", Frame(Opcode.TEXT, b"Hel", fin=False)),
    "a last fragment": ("80 02 6c 6f", Frame(Opcode.CONTINUATION, b"lo")),
    "a ping": ("89 05 48 65 6c 6c 6f", Frame(Opcode.PING, b"Hello")),
    "a pong, masked": (
        "8a 85 37 fa 21 3d 7f 9f 4d 51 58",
        Frame(Opcode.PONG, b"Hello", key=KEY),
    ),
    "256 bytes": ("82 7e 01 00" + "07" * 256, Frame(Opcode.BINARY, b"\7" * 256)),
    "65,536 bytes": (
        "82 7f 00 00 00 00 00 01 00 00" + "07" * 65_536,
        Frame(Opcode.BINARY, b"\7" * 65_536),
    ),
}
SIZES = st.one_of(
    st.integers(0, 300), st.sampled_from([125, 126, 127, 65_535, 65_536, 70_000])
)
PAYLOADS = st.builds(
    lambda seed, size: (seed * size)[:size], st.binary(min_size=1), SIZES
)
KEYS = st.none() | st.binary(min_size=4, max_size=4)


@st.composite
def frames(draw):
    opcode = draw(st.sampled_from(Opcode))
    control = opcode >= Opcode.CLOSE
    payload = draw(st.binary(max_size=125) if control else PAYLOADS)
    return Frame(opcode, payload, fin=control or draw(st.booleans()), key=draw(KEYS))


def parsed(data, mask):
    """What ``websockets`` reads in ``data``, and how much it leaves."""
    reader = StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    parser = oracle.Frame.parse(reader.read_exact, mask=mask)
    with pytest.raises(StopIteration) as result:
        next(parser)
    return result.value.value, bytes(reader.buffer)


def test_the_accept_key_is_the_one_of_the_rfc():
    assert accept_key("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_of_the_rfc_is_the_same_both_ways(name):
    data, frame = bytes.fromhex(EXAMPLES[name][0]), EXAMPLES[name][1]
    assert encode(frame) == data
    assert decode(data + b"rest") == (frame, b"rest")


@given(frames(), st.binary(max_size=20))
@example(Frame(Opcode.BINARY, b"x" * 65_536, key=b"\0\0\0\0"), b"")
def test_any_frame_of_ours_is_read_the_same_by_websockets(frame, rest):
    read, left = parsed(encode(frame) + rest, mask=frame.key is not None)
    assert (read.opcode, bytes(read.data), read.fin) == frame[:3]
    assert left == rest


@given(frames(), st.binary(max_size=20))
def test_any_frame_of_websockets_is_read_the_same_by_ours(frame, rest):
    written = oracle.Frame(oracle.Opcode(frame.opcode), frame.payload, frame.fin)
    data = written.serialize(mask=frame.key is not None)
    read, left = decode(data + rest)
    assert read[:3] == frame[:3]
    assert (read.key is None) == (frame.key is None)
    assert left == rest


@given(st.binary(max_size=40))
def test_any_bytes_are_a_frame_for_both_or_for_neither(data):
    try:
        ours = decode(data)[0]
    except FrameError as error:
        assert str(error).startswith("expected ")
        if "shortest form" in str(error):  # websockets lets a longer one pass
            return
        with pytest.raises((ProtocolError, EOFError)):
            reader = StreamReader()
            reader.feed_data(data)
            reader.feed_eof()
            mask = len(data) > 1 and data[1] >= 128
            next(oracle.Frame.parse(reader.read_exact, mask=mask))
    else:
        theirs, _ = parsed(data, mask=ours.key is not None)
        assert (theirs.opcode, bytes(theirs.data), theirs.fin) == ours[:3]


@given(frames(), st.data())
def test_a_frame_that_is_not_whole_says_how_much_it_needs(frame, data):
    whole = encode(frame)
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(FrameError, match=f"expected .* got {cut}$"):
        decode(whole[:cut])


@given(st.binary(max_size=50), st.binary(min_size=4, max_size=4))
def test_to_mask_twice_gives_the_payload_back(payload, key):
    assert masked(masked(payload, key), key) == payload


@given(st.sampled_from([1000, 1011, 3000, 4999]), st.text(max_size=30))
def test_a_close_code_and_its_reason_are_the_same_both_ways_as_websockets(code, reason):
    payload = close_payload(code, reason)
    assert payload == oracle.Close(code, reason).serialize()
    assert close_reason(payload) == (code, reason)


def test_a_close_frame_without_a_code_counts_as_1005():
    assert close_reason(b"") == (1005, "")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("c1 00", "expected 000 as RSV bits, as no extension is used; got 100"),
        ("83 00", "expected an opcode out of 0-2 and 8-10, got 3"),
        ("09 00", "expected a ping frame in one piece .* got 0 bytes, not final"),
        ("8a 7e 00 7e" + "00" * 126, "expected a pong frame .* at most 125 bytes"),
        ("82 7e 00 05" + "00" * 5, "expected the shortest form .* got 5"),
        ("82 7f" + "ff" * 8, "expected the shortest form of a 63-bit length"),
    ],
)
def test_a_frame_that_breaks_a_rule_is_refused_in_words(data, words):
    with pytest.raises(FrameError, match=words):
        decode(bytes.fromhex(data))


def test_a_key_and_a_close_frame_of_a_wrong_length_are_refused_in_words():
    with pytest.raises(FrameError, match="expected 4 bytes as a masking key, got 3"):
        encode(Frame(Opcode.TEXT, b"", key=b"abc"))
    with pytest.raises(FrameError, match="in 2 bytes, got 1 byte"):
        close_reason(b"\3")


# What each of the examples is said to be: FIN, opcode, mask, length, payload
EXPLAINED = {
    "a text, not masked": "1 text, 0, 5, 'Hello'",
    "a text, masked": "1 text, 1, 5, 'Hello'",
    "a first fragment": "0 text, 0, 3, 3 bytes",
    "a last fragment": "1 continuation, 0, 2, 2 bytes",
    "a ping": "1 ping, 0, 5, 5 bytes",
    "a pong, masked": "1 pong, 1, 5, 5 bytes",
    "256 bytes": "1 binary, 0, 256, 256 bytes",
    "65,536 bytes": "1 binary, 0, 65536, 65536 bytes",
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_of_the_rfc_is_explained(name):
    found = {field.name: field for field in fields(bytes.fromhex(EXAMPLES[name][0]))}
    length = found.get("extended", found["length"]).meaning
    shown = found["unmasked" if "key" in found else "payload"].meaning
    assert EXPLAINED[name] == (
        f"{found['FIN'].value} {found['opcode'].meaning}, {found['mask'].value}, "
        f"{length}, {shown.removesuffix(UNMASKED)}"
    )


@given(frames())
def test_the_fields_hold_every_bit_of_the_head(frame):
    data = encode(frame)
    found = {field.name: field.value for field in fields(data)}
    bits = "".join(found[name] for name in ("FIN", "RSV", "opcode", "mask", "length"))
    more = bytes.fromhex(found.get("extended", "") + found.get("key", ""))
    assert int(bits, 2).to_bytes(2) + more == data[: decode_head(data).size]


@given(frames())
def test_the_first_bytes_of_a_long_payload_are_enough_to_explain_it(frame):
    data = encode(frame)
    start = data[: decode_head(data).size + 125]
    assert fields(start) == fields(data)


def test_a_frame_is_explained_bit_by_bit():
    assert explain(bytes.fromhex(EXAMPLES["a text, masked"][0])) == [
        "FIN      1               the last frame of its message",
        "RSV      000             no extension",
        "opcode   0001            text",
        "mask     1               masked, from a client",
        "length   0000101         5",
        "key      37 fa 21 3d     random, another one each time",
        "masked   7f 9f 4d 51 58  each byte XOR one of the key's, in turn",
        "unmasked 48 65 6c 6c 6f  'Hello' (not on the wire: masked XOR key)",
    ]


def test_a_long_length_and_a_close_code_are_explained():
    lines = explain(encode(Frame(Opcode.BINARY, b"\7" * 300, fin=False)))
    assert [" ".join(line.split()) for line in lines[:1] + lines[4:6]] == [
        "FIN 0 more fragments follow",
        "length 1111110 126: the next 2 bytes say it",
        "extended 01 2c 300",
    ]
    assert lines[-1] == "payload  " + "07 " * 16 + "…  300 bytes"
    lines = explain(encode(Frame(Opcode.CLOSE, close_payload(1000, "bye"))))
    assert lines[-1] == "payload  03 e8 62 79 65  code 1000, reason 'bye'"


@given(frames())
def test_any_frame_has_an_explanation(frame):
    lines = explain(encode(frame))
    expected = ["FIN", "RSV", "opcode", "mask", "length"]
    expected += ["extended"] if len(frame.payload) > 125 else []
    expected += ["key", "masked", "unmasked"] if frame.key else ["payload"]
    assert [line.split()[0] for line in lines] == expected


def test_the_file_shows_the_handshake_and_a_ping():
    path = ROOT / "03_asgi_raw" / "frames.py"
    shown = subprocess.run(
        [sys.executable, path], capture_output=True, encoding="utf-8"
    )
    assert "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in shown.stdout
    assert "The text ping from a browser, 10 bytes: 81 84 " in shown.stdout
    assert "unmasked 70 69 6e 67  'ping'" in shown.stdout
    assert shown.stderr == ""
