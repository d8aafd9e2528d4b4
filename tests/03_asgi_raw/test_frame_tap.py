"""From chunks to frames, from frames to arrows; under our own server, too."""

import asyncio
import re
import socket
import tracemalloc

import pytest
from frame_tap import KEPT, Cut, FrameTap, as_html, explained
from frames import Frame, Opcode, accept_key, close_payload, decode_head, encode
from hypothesis import given
from hypothesis import strategies as st
from protocol_server import serve
from websockets.asyncio.client import connect

from workshop.pictures.wiretap import Wiretap

KEY = bytes.fromhex("37fa213d")
REQUEST = b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"
PING = encode(Frame(Opcode.TEXT, b"ping", key=KEY))
CLIENT = ("127.0.0.1", 50000)


async def nothing(scope, receive, send): ...


def pieces_of(chunks):
    cut = Cut()
    return [piece for chunk in chunks for piece in cut.pieces(chunk)]


def drawn(*chunks, **options):
    """The picture of what a client has sent in these chunks."""
    wiretap = Wiretap(nothing, events=50)
    tap = FrameTap(wiretap, **options)
    for chunk in chunks:
        tap(CLIENT, "in", "bytes", chunk)
    return wiretap


@given(
    st.lists(
        st.builds(
            Frame,
            st.sampled_from([Opcode.TEXT, Opcode.BINARY]),
            st.integers(0, 300).map(bytes),
            key=st.sampled_from([None, KEY]),
        ),
        max_size=4,
    ),
    st.data(),
)
def test_however_a_stream_is_cut_into_chunks_its_frames_are_the_same(frames, data):
    encoded = [encode(frame) for frame in frames]
    stream = REQUEST + b"".join(encoded)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    ends = zip([0, *cuts], [*cuts, len(stream)], strict=True)
    kept = [frame[: decode_head(frame).size + KEPT] for frame in encoded]
    assert pieces_of(stream[start:end] for start, end in ends) == [REQUEST, *kept]


def test_what_follows_a_plain_http_answer_is_no_frame():
    answer = b"HTTP/1.1 403 Forbidden\r\n\r\n"
    assert pieces_of([answer + PING, PING]) == [answer]
    answer = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"
    assert pieces_of([answer + PING, PING]) == [answer, PING, PING]


def test_after_what_breaks_the_rules_nothing_more_is_told():
    [picture] = drawn(REQUEST, b"\xc1\x00" + PING, PING).connections
    assert [e.words for e in picture.entries] == [
        f"the handshake, {len(REQUEST)} bytes",
        "no frame: expected 000 as RSV bits, as no extension is used; got 100",
    ]


def test_an_arrow_says_what_its_frame_is_and_has_its_fields():
    [picture] = drawn(REQUEST, PING).connections
    entry = picture.entries[-1]
    assert (entry.title, entry.words) == (
        "81 84 37 fa 21 3d 47 93 4f 5a",
        "text frame, 10 bytes: 'ping'",
    )
    assert [name for name, _, _ in entry.fields][-3:] == ["key", "masked", "unmasked"]


def test_a_close_frame_says_its_code_and_its_whole_reason():
    reason = "x" * 123
    words, found = explained(encode(Frame(Opcode.CLOSE, close_payload(1000, reason))))
    assert words == f"close frame, 127 bytes: code 1000, reason '{reason}'"
    assert len(found[-1].value) < 60


def test_the_handshake_is_opened_line_by_line():
    head = b"GET / HTTP/1.1\r\nHost: x\r\nSec-WebSocket-Key: a2V5\r\n\r\n"
    words, found = explained(head)
    assert words == f"the handshake, {len(head)} bytes"
    assert found == [
        ("first line", "GET / HTTP/1.1", ""),
        ("Host", "x", ""),
        ("Sec-WebSocket-Key", "a2V5", "16 random bytes in Base64"),
    ]


def test_only_connections_that_begin_as_asked_are_drawn():
    assert not drawn(b"GET /style.css HTTP/1.1\r\n\r\n", begins=b"GET /?").connections
    assert len(drawn(b"GET /?a HTTP/1.1\r\n\r\n", begins=b"GET /?").connections) == 1


def test_the_last_connections_are_followed_each_by_its_own_stream():
    wiretap = Wiretap(nothing, connections=50)
    tap = FrameTap(wiretap, connections=3)
    for port in (0, 1, 2, 0, 3):  # one of them comes back from its port
        tap(("127.0.0.1", port), "in", "bytes", REQUEST)
    for chunk in (PING[:5], PING[5:]):
        for port in range(4):
            tap(("127.0.0.1", port), "in", "bytes", chunk)
    assert [len(picture.entries) for picture in wiretap.connections] == [1, 1, 2, 2, 2]


def test_a_client_that_comes_back_from_the_same_port_begins_anew():
    first, second = drawn(REQUEST, PING, b"\x81", REQUEST, PING).connections
    assert [len(picture.entries) for picture in (first, second)] == [2, 2]


def test_a_payload_of_ten_megabytes_is_not_kept():
    chunk = bytes(65_536)
    head = encode(Frame(Opcode.BINARY, bytes(160 * 65_536)))[:10]
    wiretap = Wiretap(nothing)
    tap = FrameTap(wiretap)
    tap(CLIENT, "in", "bytes", REQUEST)
    tracemalloc.start()
    for data in (head, *[chunk] * 160, PING):
        tap(CLIENT, "in", "bytes", data)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 100_000  # bytes
    entries = wiretap.connections[0].entries
    assert entries[1].words == "binary frame, 10485770 bytes: 10485760 bytes"
    assert entries[2].words == "text frame, 10 bytes: 'ping'"


def test_what_can_be_opened_is_escaped_and_keeps_its_id():
    text = encode(Frame(Opcode.TEXT, b"<b>&\x00</b>", key=KEY))
    head = b"GET / HTTP/1.1\r\n<script>: <i>\r\n\r\n"
    wiretap = Wiretap(nothing, events=1)
    tap = FrameTap(wiretap)
    seen = []
    for chunk in (head, text, *[PING] * 5):
        tap(CLIENT, "in", "bytes", chunk)
        html = as_html(wiretap.connections[0])
        assert not re.search("<(b|i|script)>", html)
        seen.append(re.findall('id="(arrow-[^"]+)"', html))
    assert seen[-1][:5] == seen[4]  # the first five stay
    assert len(seen[-1]) == 6 and seen[-1][5] != seen[-2][5]


def test_the_row_of_bits_shows_what_is_on_the_wire():
    [picture] = drawn(REQUEST, PING).connections
    row = re.findall("<span><code>(.*?)</code>(.*?)</span>", as_html(picture))
    assert row == [
        ("1", "FIN"),
        ("000", "RSV"),
        ("0001", "opcode"),
        ("1", "mask"),
        ("0000100", "length"),
        ("37 fa 21 3d", "key"),
        ("47 93 4f 5a", "masked"),
    ]


async def test_under_our_server_a_picture_has_both_halves(application):
    wiretap, stop = Wiretap(application), asyncio.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"ws://127.0.0.1:{listener.getsockname()[1]}"
    server = asyncio.create_task(serve(wiretap, listener, stop, tap=FrameTap(wiretap)))
    try:
        async with connect(address, compression=None) as client:
            await client.send("ping")
            assert await client.recv() == "pong!"
            key = client.request.headers["Sec-WebSocket-Key"]
    finally:
        stop.set()
        await server
    picture = wiretap.last
    assert [(e.direction, e.words) for e in picture.entries if e.wire][2:] == [
        ("in", "text frame, 10 bytes: 'ping'"),
        ("out", "text frame, 7 bytes: 'pong!'"),
        ("in", "close frame, 8 bytes: code 1000, reason ''"),
        ("out", "close frame, 4 bytes: code 1000, reason ''"),
    ]
    sides = ["wire" if entry.wire else "event" for entry in picture.entries]
    assert sides[:5] == ["wire", "event", "event", "event", "wire"]
    [answer] = [e for e in picture.entries if e.title.startswith("HTTP/1.1 101")]
    values = {name: value for name, value, _ in answer.fields}
    assert values["Sec-WebSocket-Accept"] == accept_key(key)


@pytest.mark.parametrize("kind", ["event", "other"])
def test_events_are_left_to_the_wiretap(kind):
    wiretap = Wiretap(nothing)
    FrameTap(wiretap)(CLIENT, "in", kind, {"type": "websocket.connect"})
    assert not wiretap.connections
