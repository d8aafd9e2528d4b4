"""The protocol server's promises, over real sockets, most of them raw ones."""

import asyncio
import contextlib
import logging
import socket
import struct
import sys

import psutil
import pytest
from frames import Frame, Opcode, close_payload, encode
from protocol_server import serve
from server_lifespan import StartupFailedError
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.support import fake_clock
from tests.support.raw_peer import HEAD, KEY, opened, raw, served


async def echo(scope, receive, send):
    while (event := await receive())["type"] != "websocket.disconnect":
        if event["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
        else:
            await send({**event, "type": "websocket.send"})


class Listener:
    """An application that accepts and keeps its events; ``last`` is the disconnect."""

    def __init__(self):
        self.events = []
        self.last = asyncio.get_running_loop().create_future()

    async def __call__(self, scope, receive, send):
        assert scope["type"] == "websocket"
        await receive()
        await send({"type": "websocket.accept"})
        while (event := await receive())["type"] == "websocket.receive":
            self.events.append(event.get("text", event.get("bytes")))
        self.last.set_result(event)


def connections():
    """The server's coroutines, of which each connection has one."""
    return [
        task
        for task in asyncio.all_tasks()
        if getattr(task.get_coro(), "__qualname__", "") == "Connection.run"
    ]


def errors(caplog):
    return [r for r in caplog.records if r.levelno >= logging.ERROR]


# ---- the handshake is the application's to answer


async def test_an_application_chooses_subprotocol_and_headers():
    scopes = []

    async def application(scope, receive, send):
        scopes.append(scope)
        await receive()
        headers = [
            (b"x-room", b"one"),
            (b"set-cookie", b"a=1"),
            (b"set-cookie", b"b=2"),
        ]
        await send(
            {"type": "websocket.accept", "subprotocol": "v2", "headers": headers}
        )

    async with served(application) as server:
        async with connect(
            server.ws + "%C3%A9?a=b", subprotocols=["v1", "v2"]
        ) as client:
            assert client.subprotocol == "v2"
            headers = client.response.headers
            assert headers["x-room"] == "one"
            assert headers.get_all("set-cookie") == ["a=1", "b=2"]
            assert "Sec-WebSocket-Extensions" not in headers  # no permessage-deflate
    scope = scopes[-1]
    assert (scope["path"], scope["raw_path"]) == ("/é", b"/%C3%A9")
    assert (scope["query_string"], scope["scheme"]) == (b"a=b", "ws")
    assert scope["subprotocols"] == ["v1", "v2"]
    assert scope["extensions"] == {"websocket.http.response": {}}
    assert (b"sec-websocket-version", b"13") in scope["headers"]


async def test_a_close_before_accept_is_a_403_and_then_the_end_for_the_application():
    ended = asyncio.get_running_loop().create_future()

    async def application(scope, receive, send):
        await receive()
        await send({"type": "websocket.close"})
        ended.set_result(await receive())

    async with served(application) as server:
        with pytest.raises(InvalidStatus) as refusal:
            await connect(server.ws)
        assert refusal.value.response.status_code == 403
        assert (await ended)["type"] == "websocket.disconnect"


async def test_an_application_refuses_with_a_response_of_its_own():
    async def application(scope, receive, send):
        await receive()
        kind = "websocket.http.response"
        headers = [(b"content-type", b"text/html")]
        await send({"type": f"{kind}.start", "status": 429, "headers": headers})
        await send({"type": f"{kind}.body", "body": b"too ", "more_body": True})
        await send({"type": f"{kind}.body", "body": b"many"})

    async with served(application) as server:
        with pytest.raises(InvalidStatus) as refusal:
            await connect(server.ws)
    response = refusal.value.response
    assert (response.status_code, response.body) == (429, b"too many")
    assert response.headers["content-type"] == "text/html"


async def no_answer(scope, receive, send):
    await receive()


async def fault(scope, receive, send):
    await receive()
    raise ZeroDivisionError


async def a_foreign_subprotocol(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept", "subprotocol": "v3"})


async def a_smuggled_header(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept", "headers": [(b"a", b"b\r\nset-cookie: c")]})


async def a_message_before_accept(scope, receive, send):
    await receive()
    await send({"type": "websocket.send", "text": "too early"})


@pytest.mark.parametrize(
    ("application", "words"),
    [
        (no_answer, "expected an answer, none came at '/'"),
        (fault, "ZeroDivisionError"),
        (a_foreign_subprotocol, "expected a subprotocol out of [], got 'v3'"),
        (a_smuggled_header, "expected a header of one line"),
        (a_message_before_accept, "to answer the handshake; websocket.send came"),
    ],
)
async def test_a_fault_before_accept_is_a_500_and_logged_once(
    application, words, caplog
):
    async with served(application) as server:
        with pytest.raises(InvalidStatus) as refusal:
            await connect(server.ws)
        assert refusal.value.response.status_code == 500
        assert b"Zero" not in refusal.value.response.body
    assert len(errors(caplog)) == 1
    assert words in caplog.text


# ---- malformed and unfinished heads


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (HEAD.replace(b"Sec-WebSocket-Key", b"No-Key"), 400),
        (HEAD.replace(b"dGhl", b"!!!!"), 400),
        (HEAD.replace(b"Version: 13", b"Version: 8"), 400),
        (HEAD.replace(b"Connection: Upgrade", b"Connection: close"), 426),
        (HEAD.replace(b"GET", b"PUT"), 405),
        (HEAD.replace(b"HTTP/1.1", b"HTTP/1.0"), 505),
        (HEAD.replace(b"Host:", b"Sec-WebSocket-Key: AAAA\r\nHost:"), 400),
        (b"\x16\x03\x01\x02\x00 TLS to a port without it\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\na=b", 400),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nA: " + b"a" * 9000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nA: " + b"a" * 140_000, 431),
    ],
)
async def test_a_malformed_head_is_refused_and_never_reaches_an_application(
    head, status, caplog
):
    called = []

    async def application(scope, receive, send):
        called.append(scope["type"])

    async with served(application) as server, raw(server, head) as peer:
        assert (await peer.end()).startswith(b"HTTP/1.1 %d " % status)
    assert called == []
    assert errors(caplog) == []


async def test_a_body_is_refused_in_words():
    async with served(echo) as server:
        head = b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\na=b"
        async with raw(server, head) as peer:
            assert b"unsupported request body" in await peer.end()


async def test_a_head_that_does_not_end_is_dropped_in_time():
    async with served(echo, handshake=0.05) as server, raw(server, HEAD[:40]) as peer:
        assert await peer.end() == b""


@pytest.mark.parametrize("first", [b"", HEAD[:40]])
async def test_a_peer_that_leaves_before_the_handshake_ends_its_coroutine(first):
    async with served(echo) as server:
        async with raw(server, first) as peer:
            peer.writer.write_eof()
            assert await peer.end() == b""
        async with asyncio.timeout(30):
            while connections():
                await asyncio.sleep(0)


async def test_frames_that_come_with_the_handshake_wait_for_its_answer():
    both_read, reads = asyncio.Event(), []

    def tap(client, direction, kind, data):
        if (direction, kind) == ("in", "bytes"):
            reads.append(data)
            if len(reads) == 2:
                both_read.set()

    async def application(scope, receive, send):
        await both_read.wait()
        await echo(scope, receive, send)

    async with served(application, tap=tap) as server:
        first = HEAD + encode(Frame(Opcode.PING, b"hi", key=KEY))
        async with raw(
            server, first + encode(Frame(Opcode.TEXT, b"yo", key=KEY))
        ) as peer:
            assert (await peer.head()).startswith(b"HTTP/1.1 101 ")
            assert await peer.frame() == Frame(Opcode.PONG, b"hi")
            assert await peer.frame() == Frame(Opcode.TEXT, b"yo")


# ---- messages


async def test_fragments_are_joined_and_pings_between_them_answered():
    async with served(echo) as server, opened(server) as peer:
        euro = "€".encode()
        peer.send(Opcode.TEXT, euro[:1], fin=False)
        peer.send(Opcode.PING, b"now")
        peer.send(Opcode.CONTINUATION, euro[1:2], fin=False)
        peer.send(Opcode.CONTINUATION, euro[2:])
        assert await peer.frame() == Frame(Opcode.PONG, b"now")
        assert await peer.frame() == Frame(Opcode.TEXT, euro)


@pytest.mark.parametrize(
    "frames",
    [
        [(Opcode.TEXT, b"\xff", True)],
        [(Opcode.TEXT, b"ab\xff", False)],  # at once, not with the last fragment
        [(Opcode.TEXT, b"\xe2\x82", False), (Opcode.CONTINUATION, b"", True)],
    ],
)
async def test_a_text_that_is_no_utf8_is_closed_with_1007_and_nothing_follows(frames):
    listener = Listener()
    async with served(listener) as server, opened(server) as peer:
        data = b"".join(encode(Frame(*frame, KEY)) for frame in frames)
        if frames[-1][2]:  # else it would be a second fault
            data += encode(Frame(Opcode.TEXT, b"more", key=KEY))
        peer.writer.write(data)
        assert await peer.close_code() == 1007
        assert (await listener.last)["code"] == 1007
    assert listener.events == []


@pytest.mark.parametrize("parts", [[101], [60, 41], [100, 0, 1]])
async def test_a_message_over_the_limit_is_closed_with_1009(parts):
    listener = Listener()
    async with served(listener, message=100) as server, opened(server) as peer:
        peer.send(Opcode.BINARY, b"x" * 100)
        for number, size in enumerate(parts, 1):
            opcode = Opcode.BINARY if number == 1 else Opcode.CONTINUATION
            peer.send(opcode, b"x" * size, fin=number == len(parts))
        assert await peer.close_code() == 1009
        assert (await listener.last)["code"] == 1009
    assert listener.events == [b"x" * 100]


async def test_a_flood_of_empty_fragments_is_closed_with_1009():
    async with served(echo, fragments=50) as server, opened(server) as peer:
        peer.send(Opcode.TEXT, fin=False)
        for _ in range(49):
            peer.send(Opcode.CONTINUATION, fin=False)
        peer.send(Opcode.PING)
        assert (await peer.frame()).opcode is Opcode.PONG
        peer.send(Opcode.CONTINUATION, fin=False)
        assert await peer.close_code() == 1009


@pytest.mark.parametrize(
    "data",
    [
        b"\x81\x02hi",  # not masked
        b"\xc1\x80\1\2\3\4",  # RSV1: compressed, which was not offered
        b"\x83\x80\1\2\3\4",  # no such opcode
        b"\x80\x80\1\2\3\4",  # the continuation of nothing
    ],
)
async def test_a_frame_that_breaks_a_rule_is_closed_with_1002(data):
    async with served(echo) as server, opened(server) as peer:
        peer.writer.write(data)
        assert await peer.close_code() == 1002
        assert await peer.end() == b""


# ---- backpressure


async def test_an_application_that_is_behind_makes_its_peer_wait():
    go, received = asyncio.Event(), 0

    async def application(scope, receive, send):
        nonlocal received
        await receive()
        await send({"type": "websocket.accept"})
        await go.wait()
        while (await receive())["type"] == "websocket.receive":
            received += 1

    async with served(application) as server, opened(server) as peer:
        message, sent = encode(Frame(Opcode.BINARY, b"x" * 2**16, key=KEY)), 0
        with pytest.raises(TimeoutError):
            while sent < 2000:  # 125 MiB, far more than all buffers on the way
                peer.writer.write(message)
                sent += 1
                await asyncio.wait_for(peer.writer.drain(), 0.5)
        assert sent < 1500
        go.set()
        peer.send(Opcode.CLOSE)
        assert await peer.close_code() == 1005
    assert received == sent


async def test_a_ping_is_answered_while_the_application_is_at_work():
    async def application(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await asyncio.Event().wait()

    async with served(application, shutdown=0.1) as server, opened(server) as peer:
        peer.send(Opcode.PING, b"?")
        assert await peer.frame() == Frame(Opcode.PONG, b"?")


async def test_a_flood_of_pings_whose_pongs_nobody_reads_is_made_to_wait():
    pings, sent = encode(Frame(Opcode.PING, b"x" * 125, key=KEY)) * 500, 0
    async with served(Listener()) as server, opened(server) as peer:
        with pytest.raises(TimeoutError):
            while sent < 500:  # 31 MiB
                peer.writer.write(pings)
                sent += 1
                await asyncio.wait_for(peer.writer.drain(), 0.5)


async def test_send_waits_for_a_peer_that_does_not_read_until_a_ping_finds_it_gone():
    sent = 0
    ended = asyncio.get_running_loop().create_future()

    async def application(scope, receive, send):
        nonlocal sent
        await receive()
        await send({"type": "websocket.accept"})
        try:
            while sent < 2000:
                await send({"type": "websocket.send", "bytes": b"x" * 2**16})
                sent += 1
        except OSError as error:
            ended.set_result(error)
            raise

    async with served(application, ping=0.3) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as peer:
            peer.sendall(HEAD)
            assert "has left" in str(await ended)
    assert sent < 1500


def test_a_peer_is_not_blamed_for_silence_while_nobody_reads_it():
    # its pongs wait behind its messages, and those wait for the application
    go = asyncio.Event()

    async def application(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await go.wait()
        while (await receive())["type"] == "websocket.receive":
            pass

    async def program():
        async with served(application, ping=1, inbox=1) as server:
            async with opened(server) as peer:
                for _ in range(3):
                    peer.send(Opcode.TEXT, b"hi")
                for _ in range(4):
                    assert (await peer.frame()).opcode is Opcode.PING
                go.set()
                peer.send(Opcode.CLOSE, close_payload(1000))
                assert await peer.close_code() == 1000

    fake_clock.run(program())


def test_a_small_frame_does_not_wait_for_the_peer_s_word_about_the_one_before():
    async def application(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        for _ in range(5):
            await send({"type": "websocket.send", "text": "tick"})
            await asyncio.sleep(1)  # of the fake clock: less than a millisecond

    async def program():
        now = asyncio.get_running_loop().time
        async with served(application) as server, opened(server) as peer:
            peer.send(Opcode.TEXT, b"from now on it confirms late")
            return [(await peer.frame(), now())[1] for _ in range(5)]

    assert fake_clock.run(program()) == [0, 1, 2, 3, 4]


def test_a_peer_that_answers_pings_stays_and_a_silent_one_is_cut():
    async def program():
        async with served(echo, ping=1) as server:
            async with connect(server.ws) as client, opened(server) as silent:
                await silent.end()
                await client.send("still here")
                assert await client.recv() == "still here"

    fake_clock.run(program())


# ---- the end


async def test_an_application_that_returns_says_1000_and_one_that_fails_1011(caplog):
    async def application(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        if scope["path"] == "/fault":
            raise ZeroDivisionError("a secret")

    async with served(application) as server:
        for path, code in (("", 1000), ("fault", 1011)):
            async with connect(server.ws + path) as client:
                with pytest.raises(ConnectionClosed):
                    await client.recv()
            assert (client.close_code, client.close_reason) == (code, "")
    assert len(errors(caplog)) == 1
    assert "a secret" in caplog.text


async def test_an_application_closes_with_a_code_and_sees_the_answer():
    events = []

    async def application(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 4001, "reason": "enough"})
        events.append(await receive())
        with pytest.raises(RuntimeError, match=r"nothing after websocket\.close"):
            await send({"type": "websocket.send", "text": "more"})
        with pytest.raises(RuntimeError, match="the last event"):
            await receive()
        events.append("the application has ended")

    async with served(application) as server, connect(server.ws) as client:
        with pytest.raises(ConnectionClosed):
            await client.recv()
        assert (client.close_code, client.close_reason) == (4001, "enough")
    assert events[0]["code"] == 4001
    assert events[1:] == ["the application has ended"]


async def test_what_comes_after_the_applications_close_reaches_nobody():
    ended = asyncio.get_running_loop().create_future()

    async def application(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close"})
        ended.set_result(await receive())

    async with served(application) as server, opened(server) as peer:
        assert await peer.close_code() == 1000
        peer.send(Opcode.TEXT, b"but")
        peer.send(Opcode.CLOSE, close_payload(1000))
        assert (await ended)["type"] == "websocket.disconnect"


@pytest.mark.skipif(sys.platform == "win32", reason="there a write fails only later")
async def test_a_loop_of_sends_ends_where_the_peer_is_gone_though_nothing_waits():
    peer = socket.socket()
    sent = asyncio.get_running_loop().create_future()

    async def application(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
        for count in range(100):  # without a turn of the loop in between
            try:
                await send({"type": "websocket.send", "text": "hello"})
            except OSError:
                sent.set_result(count)
                raise

    async with served(application) as server:
        peer.connect(("127.0.0.1", server.port))
        peer.sendall(HEAD)
        assert await sent < 10


async def test_a_second_receive_at_the_same_time_is_the_applications_fault(caplog):
    async def application(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        async with asyncio.TaskGroup() as group:
            group.create_task(receive())
            group.create_task(receive())

    async with served(application) as server, opened(server) as peer:
        assert await peer.close_code() == 1011
    assert "expected one receive() at a time" in caplog.text


async def test_a_send_in_a_group_to_a_peer_that_has_left_is_nobodys_fault(caplog):
    async def application(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        async with asyncio.TaskGroup() as group:
            group.create_task(send({"type": "websocket.send", "text": "too late"}))

    async with served(application) as server, opened(server) as peer:
        peer.writer.write_eof()
        assert await peer.end() == b""
    assert errors(caplog) == []


async def test_an_application_that_returns_before_its_last_message_ends_cleanly():
    async def application(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await receive()

    async with served(application, inbox=1) as server, opened(server) as peer:
        peer.writer.write(encode(Frame(Opcode.TEXT, b"hi", key=KEY)) * 5)
        assert await peer.close_code() == 1000
        peer.send(Opcode.CLOSE, close_payload(1000))
        peer.writer.write_eof()
        assert await peer.end() == b""
        async with asyncio.timeout(30):
            while connections():
                await asyncio.sleep(0)


async def test_messages_sent_just_before_a_close_still_arrive():
    listener = Listener()
    async with served(listener) as server, opened(server) as peer:
        data = [
            (Opcode.TEXT, b"a"),
            (Opcode.TEXT, b"b"),
            (Opcode.CLOSE, b"\x0f\xa0bye"),
        ]
        peer.writer.write(b"".join(encode(Frame(*f, key=KEY)) for f in data))
        last = await listener.last
    assert listener.events == ["a", "b"]
    assert (last["code"], last["reason"]) == (4000, "bye")


@pytest.mark.parametrize("how", ["half-close", "reset", "close frame without a code"])
async def test_a_peer_that_leaves_ends_the_conversation(how, caplog):
    raised = asyncio.get_running_loop().create_future()

    async def application(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        event = await receive()
        try:
            await send({"type": "websocket.send", "text": "too late"})
        except OSError as error:
            raised.set_result((event["code"], error))
            raise  # an application need not catch it, and nobody logs it

    async with served(application) as server, opened(server) as peer:
        if how == "half-close":
            peer.writer.write_eof()
        elif how == "reset":
            peer.reset()
        else:
            peer.send(Opcode.CLOSE)
        code, error = await raised
        if how == "half-close":
            assert await peer.end() == b""
    assert code == (1005 if "frame" in how else 1006)
    assert "too late" in str(error)
    assert errors(caplog) == []


async def test_a_peer_that_never_answers_the_close_frame_is_cut_in_time():
    async def application(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})

    async with served(application, close=0.05) as server, opened(server) as peer:
        assert await peer.close_code() == 1000
        await peer.end()  # though it has not said a word


async def test_a_peer_that_leaves_undecided_ends_an_application_that_waits():
    ended = asyncio.get_running_loop().create_future()

    async def application(scope, receive, send):
        await receive()
        ended.set_result(await receive())

    async with served(application) as server:
        async with raw(server) as peer:
            peer.writer.write_eof()
            assert (await ended)["code"] == 1006


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"type": "websocket.send"}, "expected text or bytes"),
        ({"type": "websocket.accept"}, "websocket.accept came"),
        ({"type": "websocket.close", "code": 1006}, "invalid status code"),
        ({"type": "websocket.close", "reason": "x" * 124}, "control frame too long"),
    ],
)
async def test_an_event_that_cannot_be_is_the_applications_fault(event, words, caplog):
    async def application(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await send(event)

    async with served(application) as server, opened(server) as peer:
        assert await peer.close_code() == 1011
    assert words in caplog.text


# ---- http


async def page(scope, receive, send):
    event = await receive()
    assert event == {"type": "http.request", "body": b"", "more_body": False}
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if scope["path"] == "/breaks":
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        raise ZeroDivisionError
    await send({"type": "http.response.body", "body": b"abc"})


async def test_a_page_ends_with_its_connection_and_head_has_no_body():
    async with served(page) as server:
        async with raw(server, b"GET / HTTP/1.1\r\n\r\n") as peer:
            head, _, body = (await peer.end()).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"\r\nConnection: close" in head
        assert body == b"abc"
        async with raw(server, b"HEAD / HTTP/1.1\r\n\r\n") as peer:
            assert (await peer.end()).endswith(b"\r\n\r\n")


@pytest.mark.parametrize(("application", "path"), [(page, b"/breaks"), (fault, b"/")])
async def test_a_page_that_does_not_become_whole_is_a_500(application, path, caplog):
    async with served(application) as server:
        async with raw(server, b"GET %s HTTP/1.1\r\n\r\n" % path) as peer:
            assert (await peer.end()).startswith(b"HTTP/1.1 500 ")
    assert len(errors(caplog)) == 1


async def test_an_application_that_has_answered_hears_the_end_though_its_peer_stays():
    ended = asyncio.get_running_loop().create_future()

    async def application(scope, receive, send):
        await asyncio.sleep(0)  # now the server reads, and waits for its peer
        await page(scope, receive, send)
        ended.set_result(await receive())

    async with served(application, close=0.05) as server:
        async with raw(server, b"GET / HTTP/1.1\r\n\r\n"):
            assert await ended == {"type": "http.disconnect"}


async def test_a_peer_that_does_not_wait_for_its_page_is_a_disconnect():
    ended = asyncio.get_running_loop().create_future()

    async def application(scope, receive, send):
        ended.set_result([await receive(), await receive()][1])

    async with served(application) as server:
        async with raw(server, b"GET / HTTP/1.1\r\n\r\n") as peer:
            peer.writer.write_eof()
            assert await ended == {"type": "http.disconnect"}


# ---- lifespan


@pytest.mark.parametrize("how", ["raises", "returns", "takes it for a connection"])
async def test_an_application_without_a_lifespan_is_served(how, caplog):
    async def application(scope, receive, send):
        if scope["type"] == "lifespan":
            if how == "raises":
                raise NotImplementedError
            if how != "returns":
                await receive()
                await send({"type": "websocket.accept"})
            return
        await page(scope, receive, send)

    async with served(application, lifespan=True) as server:
        async with raw(server, b"GET / HTTP/1.1\r\n\r\n") as peer:
            assert (await peer.end()).endswith(b"abc")
    assert errors(caplog) == []


async def test_a_stop_ends_a_start_that_never_ends():
    asked = asyncio.Event()

    async def application(scope, receive, send):
        asked.set()
        await asyncio.Event().wait()

    async with served(application, lifespan=True, shutdown=0.05) as server:
        await asked.wait()
        server.stop.set()
        assert await server.task == 0


async def test_an_application_that_cannot_start_is_not_served():
    async def application(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    listener = socket.create_server(("127.0.0.1", 0))
    with pytest.raises(StartupFailedError, match="no database"):
        await serve(application, listener, asyncio.Event())
    assert listener.fileno() == -1


async def test_a_lifespan_surrounds_all_connections_and_shares_its_state(caplog):
    story = []

    async def application(scope, receive, send):
        if scope["type"] == "lifespan":
            story.append((await receive())["type"])
            scope["state"]["pool"] = "shared"
            await send({"type": "lifespan.startup.complete"})
            story.append((await receive())["type"])
            await send({"type": "lifespan.shutdown.failed", "message": "stuck pool"})
            return
        story.append(scope["state"])
        await echo(scope, receive, send)
        story.append("websocket ended")

    async with served(application, lifespan=True) as server, opened(server) as peer:
        server.stop.set()
        assert await peer.close_code() == 1012
        peer.send(Opcode.CLOSE, close_payload(1012))
        peer.writer.write_eof()
        assert await server.task == 0
    assert story == [
        "lifespan.startup",
        {"pool": "shared"},
        "websocket ended",
        "lifespan.shutdown",
    ]
    assert [record.getMessage() for record in errors(caplog)] == [
        "shutdown failed: stuck pool"
    ]


# ---- the server's own end


async def test_a_stop_closes_everyone_with_1012_and_waits_for_no_idle_connection():
    listener = Listener()
    async with served(listener, handshake=30, shutdown=30, close=30) as server:
        async with raw(server, b""), opened(server) as peer:
            server.stop.set()
            assert await peer.close_code() == 1012
            peer.send(Opcode.CLOSE, close_payload(1012))
            peer.writer.write_eof()
            assert await server.task == 0
    assert (await listener.last)["code"] == 1012


async def test_a_stop_does_not_wait_for_ever_for_anyone():
    asked = asyncio.Event()
    let_go = asyncio.Event()

    async def application(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        asked.set()
        while not let_go.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await let_go.wait()

    async with served(application, shutdown=0.05, close=0.05) as server:
        async with opened(server):
            await asked.wait()
            server.stop.set()
            assert await server.task == 1  # it goes on, though it was cancelled
            let_go.set()


async def test_500_connections_leave_no_task_and_no_file_descriptor():
    process = psutil.Process()
    count = process.num_fds if hasattr(process, "num_fds") else process.num_handles
    async with served(echo) as server:
        async with connect(server.ws):  # whatever is made once has been made
            pass
        tasks, descriptors = len(asyncio.all_tasks()), count()
        for turn in range(500):
            async with raw(server, HEAD if turn % 5 else HEAD[:30]) as peer:
                if turn % 5:
                    await peer.head()
                if turn % 5 == 1:
                    peer.reset()
                elif turn % 5 == 2:
                    peer.send(Opcode.CLOSE)
                    assert await peer.close_code() == 1005
                elif turn % 5 == 3:
                    peer.writer.write_eof()
                    await peer.end()
        async with asyncio.timeout(30):
            while len(asyncio.all_tasks()) > tasks or count() > descriptors:
                await asyncio.sleep(0)


async def test_a_tap_is_told_every_byte_and_every_event():
    told = []
    async with served(echo, tap=lambda *what: told.append(what)) as server:
        async with opened(server) as peer:
            client = peer.writer.get_extra_info("sockname")
            peer.send(Opcode.TEXT, b"ping")
            answer = await peer.frame()
    assert {who for who, *_ in told} == {client}
    assert told[0][1:] == ("in", "bytes", HEAD)
    events = [
        (direction, data["type"])
        for _, direction, kind, data in told
        if kind == "event"
    ]
    assert events[:4] == [
        ("in", "websocket.connect"),
        ("out", "websocket.accept"),
        ("in", "websocket.receive"),
        ("out", "websocket.send"),
    ]
    written = [
        data
        for _, direction, kind, data in told[:8]
        if (direction, kind) == ("out", "bytes")
    ]
    assert written[0].startswith(b"HTTP/1.1 101 ")
    assert written[1] == encode(answer)
