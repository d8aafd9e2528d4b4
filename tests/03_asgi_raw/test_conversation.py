"""The test client without a server: what it hears, and what it says when it fails."""

import asyncio
import os

import pytest
from conversation import Close, Conversation, Refusal, Unexpected

from tests.support import fake_clock

ACCEPT = {"type": "websocket.accept"}


async def echo(scope, receive, send):
    """Sends back what it gets, bytes as bytes, until the client goes."""
    await receive()
    await send({**ACCEPT, "subprotocol": "chat", "headers": [(b"x-room", b"1")]})
    while (event := await receive())["type"] == "websocket.receive":
        await send({**event, "type": "websocket.send"})


async def test_an_application_is_talked_to_without_a_server():
    async with Conversation(echo, "/") as talk:
        accept = await talk.accepted()
        assert (accept["subprotocol"], accept["headers"]) == (
            "chat",
            [(b"x-room", b"1")],
        )
        await talk.send("ping")
        assert await talk.text() == "ping"
        await talk.send(b"\0\1")
        assert await talk.data() == b"\0\1"
        await talk.send("")
        assert await talk.text() == ""


async def test_the_scope_carries_what_the_client_says_of_itself():
    seen = {}

    async def application(scope, receive, send):
        seen.update(scope)

    async with Conversation(
        application,
        "/rooms/1?since=4",
        headers=[("Cookie", "a=b")],
        subprotocols=["chat"],
        origin="http://elsewhere",
    ):
        pass
    assert (seen["path"], seen["query_string"]) == ("/rooms/1", b"since=4")
    assert (b"cookie", b"a=b") in seen["headers"]
    assert (b"origin", b"http://elsewhere") in seen["headers"]
    assert seen["subprotocols"] == ["chat"]


async def test_a_close_comes_with_its_code_and_reason():
    async def application(scope, receive, send):
        await receive()
        await send(ACCEPT)
        await send({"type": "websocket.close", "code": 4001, "reason": "full"})
        assert await receive() == {
            "type": "websocket.disconnect",
            "code": 4001,
            "reason": "",
        }

    async with Conversation(application) as talk:
        await talk.accepted()
        assert await talk.closed() == Close(4001, "full")


async def test_a_close_without_a_code_is_a_1000():
    async def application(scope, receive, send):
        await receive()
        await send(ACCEPT)
        await send({"type": "websocket.close"})

    async with Conversation(application) as talk:
        await talk.accepted()
        assert await talk.closed() == Close(1000, "")


async def test_a_close_before_accept_is_a_403():
    async def application(scope, receive, send):
        await receive()
        await send({"type": "websocket.close"})

    async with Conversation(application) as talk:
        assert await talk.refused() == Refusal(403)


async def test_a_denial_comes_with_its_status_and_its_whole_body():
    async def application(scope, receive, send):
        assert "websocket.http.response" in scope["extensions"]
        kind = "websocket.http.response"
        await receive()
        headers = [(b"content-type", b"text/plain")]
        await send({"type": f"{kind}.start", "status": 404, "headers": headers})
        await send({"type": f"{kind}.body", "body": b"not ", "more_body": True})
        await send({"type": f"{kind}.body", "body": b"here"})
        assert (await receive())["code"] == 1006

    async with Conversation(application) as talk:
        refusal = await talk.refused()
    assert refusal == Refusal(404, b"not here", [(b"content-type", b"text/plain")])


async def test_a_client_that_leaves_tells_its_code():
    seen = []

    async def application(scope, receive, send):
        await receive()
        await send(ACCEPT)
        seen.append(await receive())

    async with Conversation(application) as talk:
        await talk.accepted()
        await talk.disconnect(4002, "lunch")
    assert seen == [{"type": "websocket.disconnect", "code": 4002, "reason": "lunch"}]


async def test_a_send_to_a_client_that_has_left_raises_an_oserror():
    raised = []

    async def application(scope, receive, send):
        await receive()
        try:
            await send(ACCEPT)
        except OSError as error:
            raised.append(str(error))
            raise  # which is no fault of the application either

    async with Conversation(application) as talk:
        await talk.disconnect()
    assert raised == ["the client has disconnected"]


def test_silence_ends_at_the_deadline_and_lists_what_was_said():
    async def deaf(scope, receive, send):
        await receive()
        await send(ACCEPT)
        await asyncio.Event().wait()

    async def program():
        async with Conversation(deaf, deadline=0.05) as talk:
            await talk.accepted()
            await talk.send("ping")
            await talk.text()

    with pytest.raises(Unexpected) as failure:
        fake_clock.run(program())
    assert str(failure.value).splitlines() == [
        "expected websocket.send, but nothing came in 0.05 s",
        "said so far (→ to the application):",
        "→ websocket.connect",
        "← websocket.accept",
        "→ websocket.receive text='ping'",
    ]


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        ("accepted", "expected websocket.accept, but websocket.send came"),
        ("refused", "expected a refusal, but websocket.send came"),
        ("closed", "expected websocket.close, but websocket.send came"),
        ("data", "expected a message with bytes, but websocket.send text='pong' came"),
    ],
)
async def test_another_event_than_the_expected_one_is_named(expected, words):
    async def application(scope, receive, send):
        await send(ACCEPT)
        await send({"type": "websocket.send", "text": "pong"})

    with pytest.raises(Unexpected, match=words):
        async with Conversation(application) as talk:
            await talk.accepted()
            await getattr(talk, expected)()


async def test_an_application_that_has_returned_says_nothing_more():
    async def application(scope, receive, send):
        await send(ACCEPT)

    async with Conversation(application, deadline=5) as talk:
        await talk.accepted()
        for _ in range(2):
            with pytest.raises(Unexpected, match="the application has returned"):
                await talk.text()


async def test_what_an_application_raises_comes_out_where_one_listens():
    async def application(scope, receive, send):
        raise KeyError("text")

    with pytest.raises(KeyError, match="text"):
        async with Conversation(application, deadline=5) as talk:
            await talk.accepted()


async def test_what_an_application_raises_at_the_end_comes_out_at_the_end():
    async def application(scope, receive, send):
        await echo(scope, receive, send)
        raise NotImplementedError(scope["type"])

    with pytest.raises(NotImplementedError, match="websocket"):
        async with Conversation(application) as talk:
            await talk.accepted()


def test_an_application_that_does_not_end_is_cancelled_and_reported():
    cancelled = []

    async def no_break(scope, receive, send):
        try:
            while True:
                if (await receive())["type"] == "websocket.connect":
                    await send(ACCEPT)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    async def program():
        with pytest.raises(
            Unexpected, match=r"has not ended within 0\.05 s(.|\n)*→ web.*disc"
        ):
            async with Conversation(no_break, deadline=0.05) as talk:
                await talk.accepted()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    fake_clock.run(program())
    assert cancelled == [True]


async def test_a_failed_test_leaves_no_task_and_keeps_its_own_error():
    with pytest.raises(ZeroDivisionError):
        async with Conversation(echo) as talk:
            await talk.accepted()
            raise ZeroDivisionError
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize(
    ("events", "words"),
    [
        (["websocket.send"], "websocket.send must not be sent before accept"),
        (["websocket.accept", "websocket.accept"], "accept must not be sent open"),
        (
            ["websocket.accept", "websocket.close", "websocket.send"],
            "websocket.send must not be sent after the end",
        ),
        (
            ["websocket.http.response.start", "websocket.accept"],
            "websocket.accept must not be sent in a refusal",
        ),
    ],
)
async def test_an_order_that_no_server_takes_is_an_error(events, words):
    async def application(scope, receive, send):
        for kind in events:
            await send({"type": kind, "text": ""})

    with pytest.raises(RuntimeError, match=words):
        async with Conversation(application) as talk:
            await talk.ended()


def test_a_long_talk_is_listed_by_its_last_twenty_lines():
    async def program():
        async with Conversation(echo, deadline=0.05) as talk:
            await talk.accepted()
            for _ in range(50):
                await talk.send("x" * 1_000_000)
                await talk.text()
            await talk.closed()

    with pytest.raises(Unexpected) as failure:
        fake_clock.run(program())
    lines = str(failure.value).splitlines()
    assert len(lines) == 23 and max(map(len, lines)) < 120
    assert lines[2] == "… 82 before"


async def test_channels_communicator_gives_the_same_answers(application):
    try:
        from channels.testing import WebsocketCommunicator
    except ImportError:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip("channels is not installed")
    messages = ["ping", "PING", b"ping"]  # their send_to() knows no empty message
    theirs, ours = [], []
    peer = WebsocketCommunicator(application, "/")
    assert (await peer.connect(timeout=30))[0] is True
    for message in messages:
        if isinstance(message, str):
            await peer.send_to(text_data=message)
        else:
            await peer.send_to(bytes_data=message)
        # not receive_from(): it forbids the second key, which the spec allows
        theirs.append((await peer.receive_output(timeout=30))["text"])
    await peer.disconnect()
    async with Conversation(application) as talk:
        await talk.accepted()
        for message in messages:
            await talk.send(message)
            ours.append(await talk.text())
    assert ours == theirs


async def test_channels_communicator_sees_the_same_refusal_and_close():
    try:
        from channels.testing import WebsocketCommunicator
    except ImportError:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip("channels is not installed")

    async def application(scope, receive, send):
        await receive()
        if scope["path"] == "/open":
            await send(ACCEPT)
        await send({"type": "websocket.close", "code": 4003})

    peer = WebsocketCommunicator(application, "/")
    assert await peer.connect(timeout=30) == (False, 4003)
    peer = WebsocketCommunicator(application, "/open")
    await peer.connect(timeout=30)
    theirs = await peer.receive_output(timeout=30)
    async with Conversation(application, "/") as talk:
        assert (await talk.refused()).status == 403
    async with Conversation(application, "/open") as talk:
        await talk.accepted()
        assert (await talk.closed()).code == theirs["code"] == 4003
