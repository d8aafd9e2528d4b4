"""Messages from strangers, sent to a real uvicorn: too long, too many, or nonsense."""

import json
import struct
import threading
import time
from contextlib import suppress

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.support.peers import (
    accepted,
    all_of,
    complaints,
    frame,
    logged,
    raw,
    still_answers,
    websocket,
)

NO_JSON = {
    "no JSON": "a token",
    "nothing": "",
    "NaN": "NaN",
    "too large a number": "1e999",
    "10,000 digits": "9" * 10_000,
    "65,536 brackets": "[" * 65_536,
    "65,536 braces": '{"":' * 16_384,
    "an open string": '"' + "[" * 60_000,
    "half of a surrogate pair": r'"\ud800"',
}
NO_MESSAGE = {
    **NO_JSON,
    "a list": "[]",
    "null": "null",
    "a number": "1",
    "an unknown type": '{"type": "shutdown"}',
    "no key": '{"type": "message", "text": "hello"}',
    "a list as text": '{"type": "message", "text": [], "key": "1"}',
    "a number as key": '{"type": "message", "text": "hello", "key": 1}',
    "an empty text": '{"type": "message", "text": " ", "key": "1"}',
    "a control character": json.dumps({"type": "message", "text": "\0", "key": "1"}),
    "bytes": b"\x00\xff",
}


def end_of(client):
    """The code with which the server closes, whatever comes before."""
    with pytest.raises(ConnectionClosed) as end:
        while True:
            client.recv(timeout=60)
    return end.value.rcvd.code


def enter(server, room="lobby", **options):
    """A websocket to a room of the chat."""
    return websocket(server, f"/ws/rooms/{room}/", **options)


def hear(client, kind):
    """The next thing of this type that the chat says."""
    while (said := json.loads(client.recv(timeout=60)))["type"] != kind:
        pass
    return said


@pytest.mark.parametrize("text", NO_JSON.values(), ids=NO_JSON)
def test_what_is_no_json_closes_with_1007_and_leaves_one_line(server, text):
    before = logged(server)
    with websocket(server, "/json/") as client:
        client.send(text)
        assert end_of(client) == 1007
    log = complaints(server, before)
    assert log.count("\n") == 1 and "a token" not in log


@pytest.mark.parametrize("data", [b"", b'{"a": 1}'])
def test_bytes_for_a_handler_of_json_are_closed_with_1003(server, data):
    with websocket(server, "/json/") as client:
        client.send(data)
        assert end_of(client) == 1003


@pytest.mark.parametrize("message", NO_MESSAGE.values(), ids=NO_MESSAGE)
def test_the_chat_answers_what_is_no_message_with_an_error_and_goes_on(server, message):
    before = logged(server)
    with enter(server) as client:
        for _ in range(2):
            client.send(message)
            assert set(hear(client, "error")) == {"type", "code", "detail"}
    assert complaints(server, before) == ""


def test_hostile_messages_do_not_hold_up_the_others(server):
    ended = threading.Event()

    def attack():
        try:
            with enter(server) as client, suppress(ConnectionClosed):
                for turn in range(60):
                    client.send([*NO_JSON.values()][turn % len(NO_JSON)])
                    hear(client, "error")
        finally:
            ended.set()

    attacker = threading.Thread(target=attack)
    with websocket(server, "/echo/") as client:
        attacker.start()
        waited = []
        while not ended.wait(1 / 50):  # half as fast as MESSAGES_PER_SECOND allows
            began = time.perf_counter()
            client.send("hello")
            assert client.recv(timeout=60) == "hello"
            waited.append(time.perf_counter() - began)
    attacker.join()
    print(f"{server.name}: an answer took at most {max(waited) * 1000:.0f} ms")
    assert max(waited) < 5  # also where the machine stands still for a second


@pytest.mark.parametrize("over", [0, 1, 2])
@pytest.mark.parametrize(
    ("begin", "rest"),
    [("\u20ac" * 21_845, "x"), (b"x" * 65_535, b"x")],
    ids=["text", "bytes"],
)
def test_a_message_of_one_byte_over_65536_is_closed_with_1009(
    server, begin, rest, over
):
    message = begin + rest * (1 + over)
    with websocket(server, "/echo/") as client:
        client.send(message)
        if over:
            assert end_of(client) == 1009
        else:
            assert client.recv(timeout=60) == message


def test_20000_messages_in_one_write_close_with_1008(server):
    with raw(server, "/echo/") as peer:
        accepted(peer)
        with suppress(ConnectionResetError, BrokenPipeError):
            peer.sendall(frame("x") * 20_000)
        data = b""
        with suppress(ConnectionResetError):
            while struct.pack("!H", 1008) + b"too many messages" not in data:
                more = peer.recv(65_536)
                assert more, data[-200:]
                data += more
    assert still_answers(server)


def test_a_burst_over_the_allowed_rate_is_one_line_in_the_log(server):
    before = logged(server)
    with websocket(server, "/echo/") as client:
        with suppress(ConnectionClosed):
            for _ in range(2_000):
                client.send("x")
        assert end_of(client) == 1008
    assert complaints(server, before).count("too many messages") == 1


def test_bad_utf_8_is_the_server_s_to_answer(server):
    before = logged(server)
    with raw(server, "/echo/") as peer:
        accepted(peer)
        peer.sendall(frame(b"\xff\xfe a token"))
        data = all_of(peer)
    lines = 1 if server.name == "uvicorn-sansio" else 0
    log = complaints(server, before)
    assert "a token" not in log
    if server.name == "uvicorn-wsproto":
        assert (data, log) == (b"", "")  # it hangs up without a close frame
    else:
        assert data[0] == 0x88 and data[2:4] == struct.pack("!H", 1007)
        assert log.count("ERROR") == lines  # a line and a traceback of uvicorn's own


def test_bytes_that_are_no_frame_are_the_server_s_to_answer(server):
    with raw(server, "/echo/") as peer:
        accepted(peer)
        peer.sendall(b"GET / HTTP/1.1\r\n\r\n")
        data = all_of(peer)
    if server.name == "uvicorn-wsproto":
        assert data == b""
    else:
        assert data[0] == 0x88 and data[2:4] == struct.pack("!H", 1002)
    assert still_answers(server)


def test_10000_joins_close_with_1008(server):
    with websocket(server, "/join/") as client:
        for number in range(101):
            client.send(f"group {number}")
        assert end_of(client) == 1008


@pytest.mark.parametrize("name", ["", "a" * 101, "a\nb", "\u202e"], ids=ascii)
def test_a_group_name_that_is_none_closes_with_1011(server, name):
    with websocket(server, "/join/") as client:
        client.send(name)
        assert end_of(client) == 1011


def test_who_may_not_be_in_a_room_hears_nothing_of_it_under_any_name(
    server, sessions, private
):
    """``private`` is Anna's room; another one, for all, has its group's name."""
    for room in (private["slug"], "..", "%2e%2e", "lobby%2f..%2fprivate", "%00"):
        with pytest.raises(InvalidStatus) as refused, enter(server, room):
            pass
        expected = 401 if room == private["slug"] else 404
        assert refused.value.response.status_code == expected
    cookie = {"Cookie": f"sessionid={sessions['good']}"}
    anna = enter(server, private["slug"], origin=server.url, additional_headers=cookie)
    with anna as anna, enter(server, private["group"]) as guest:
        for client, text in ((anna, "between us"), (guest, "to all")):
            hear(client, "welcome")
            text = f"{text}, {server.name}"
            client.send(json.dumps({"type": "message", "text": text, "key": text}))
            while (said := hear(client, "message")["text"]) != text:
                assert client is anna or "between us" not in said
