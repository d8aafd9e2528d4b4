"""Messages from strangers: each of them gets an answer, and never a traceback."""

import json
import tracemalloc
from contextlib import AsyncExitStack

import pytest
from django.utils import translation
from django.utils.translation import gettext_lazy
from sockets import jsontext
from sockets.codes import BadMessage, HandlerError
from sockets.groups import groups

from tests.support import growth

BAD_JSON = {
    "no JSON": "hello",
    "nothing": "",
    "NaN": "NaN",
    "minus infinity": "[-Infinity]",
    "a number that becomes infinite": "1e999",
    "10,000 digits": "9" * 10_000,
    "100,000 brackets": "[" * 20_000 + "{" * 20_000,
    "33 levels": "[" * 33 + "]" * 33,
    "half of a surrogate pair": r'"\ud800"',
    "half of a pair as a name": r'{"a": {"\udc00": 1}}',
    "an open string": '"' + "[" * 50,
    "two values": "1 2",
    "a comma too many": "[1,]",
    "a line break in a string": '"a\nb"',
}
GOOD_JSON = [
    *([], {}, None, True, 0, -1.5, 1e300, "", "\u20ac \U0001f600", {"a": [{"b": "c"}]}),
    "[" * 100,
    {"{[" * 100: '\\"{' * 100},
    [1] * 10_000,
]


async def echo(socket):
    await socket.accept()
    async for message in socket:
        await socket.send(message)


async def echo_json(socket):
    await socket.accept()
    while True:
        await socket.send_json(await socket.receive_json())


def one_line(caplog):
    [record] = caplog.records
    assert record.exc_info is None
    return record.getMessage()


@pytest.mark.parametrize("message", ["", "\0", "\u20ac", b"", b"\xff\0"])
async def test_a_message_comes_as_what_it_was_sent_as(talk, message):
    async with talk(echo) as client:
        await client.send(message)
        assert await client.receive() == message


@pytest.mark.parametrize("text", BAD_JSON.values(), ids=BAD_JSON)
async def test_what_is_no_json_closes_with_1007_and_is_not_repeated(talk, text, caplog):
    sockets = {"MESSAGE_BYTES": 100_000}
    async with talk(echo_json, sockets=sockets) as client:
        await client.send(text)
        code, reason = await client.closed()
    assert code == 1007 and reason.startswith("expected JSON: ")
    assert len(text) < 6 or text[:20] not in one_line(caplog)


@pytest.mark.parametrize("value", GOOD_JSON, ids=lambda value: repr(value)[:20])
async def test_what_is_json_comes_back_as_it_was(talk, value):
    async with talk(echo_json) as client:
        await client.send(json.dumps(value))
        assert await client.receive_json() == value


async def test_half_of_a_surrogate_pair_is_called_what_it_is(talk):
    async with talk(echo_json) as client:
        await client.send(r'["\ud800"]')
        reason = "expected JSON: a lone surrogate is no character"
        assert await client.closed() == (1007, reason)


async def test_a_pair_of_surrogates_is_one_character(talk):
    async with talk(echo_json) as client:
        await client.send(r'"\ud83d\ude00"')
        assert await client.receive_json() == "\U0001f600"


@pytest.mark.parametrize("data", [b"", b'{"a": 1}'])
async def test_bytes_for_a_handler_of_json_close_with_1003(talk, data, caplog):
    async with talk(echo_json) as client:
        await client.send(data)
        assert await client.closed() == (1003, "expected JSON as text")
    one_line(caplog)


async def test_a_handler_may_answer_a_bad_message_and_go_on(talk, caplog):
    async def handler(socket):
        await socket.accept()
        while True:
            try:
                await socket.send_json({"got": await socket.receive_json()})
            except BadMessage as error:
                await socket.send_json({"error": error.reason})

    async with talk(handler) as client:
        await client.send("NaN")
        error = await client.receive_json()
        assert error == {"error": "expected JSON: NaN is no number"}
        await client.send("1")
        assert await client.receive_json() == {"got": 1}
    assert not caplog.records


@pytest.mark.parametrize(
    "text",
    [
        lambda size: "[" * 33 + r"\"" * size,
        lambda size: "[" * 33 + '"a' * size,
        lambda size: "[" * 33 + '"' + "\\\\" * size,
        lambda size: "[" * 33 + '"\\\n' * size,
        lambda size: "[]" * size,
        lambda size: "[1," * size,
        lambda size: "[" * 33 + r"\"" * size + "\\",
    ],
)
def test_ten_times_the_text_takes_ten_times_as_long_to_refuse(text):
    def refuse(size):
        with pytest.raises(BadMessage):
            jsontext.loads(text(size), 32)

    assert growth.linear(refuse, 300)


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        (65_536 * "a", None),
        (65_536 * b"a", None),
        (65_537 * "a", 1009),
        (65_538 * "a", 1009),
        (65_537 * b"a", 1009),
        (32_768 * "\u00e9", None),  # two bytes each
        (32_768 * "\u00e9" + "a", 1009),
        (16_384 * "\U0001f600", None),  # four bytes each
        (16_384 * "\U0001f600" + "a", 1009),
    ],
    ids=repr,
)
async def test_a_message_of_over_65536_bytes_closes_with_1009(
    talk, message, answer, caplog
):
    async with talk(echo) as client:
        await client.send(message)
        if answer is None:
            assert await client.receive() == message
        else:
            assert await client.closed() == (1009, "this message is too long")
    assert answer is None or one_line(caplog)


async def test_a_message_that_is_far_too_long_is_not_copied_to_be_measured(talk):
    client, message = talk(echo), 5_000_000 * "a"
    async with client:
        tracemalloc.start()
        client._to_handler.put_nowait({"type": "websocket.receive", "text": message})
        assert await client.closed() == (1009, "this message is too long")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 1_000_000


async def test_more_messages_than_allowed_close_with_1008(talk, caplog):
    sockets = {"MESSAGES_AT_ONCE": 5, "MESSAGES_PER_SECOND": 0.001}
    async with talk(echo, sockets=sockets) as client:
        for _ in range(5):
            await client.send("x")
        assert [await client.receive() for _ in range(5)] == ["x"] * 5
        await client.send("x")
        assert await client.closed() == (1008, "too many messages")
    one_line(caplog)


async def test_messages_at_the_allowed_rate_go_on(talk):
    sockets = {"MESSAGES_AT_ONCE": 1, "MESSAGES_PER_SECOND": 1_000_000}
    async with talk(echo, sockets=sockets) as client:
        for _ in range(100):
            await client.send("x")
            assert await client.receive() == "x"


async def test_10000_joins_close_with_1008_after_the_hundredth(talk, caplog):
    async def handler(socket):
        await socket.accept()
        async with AsyncExitStack() as stack:
            async for name in socket:
                await stack.enter_async_context(groups.join(name, socket))
                await socket.send(f"in {len(socket.groups)}")

    sockets = {"MESSAGES_AT_ONCE": 20_000}
    async with talk(handler, sockets=sockets) as client:
        for number in range(10_000):
            await client.send(f"group {number}")
        joined = [await client.receive() for _ in range(100)]
        assert await client.closed() == (1008, "too many groups")
    assert joined[-1] == "in 100"
    assert not groups.members
    one_line(caplog)


@pytest.mark.parametrize(
    "name", ["", "a" * 101, "a\nb", "\x1b[31m", "\u202e", "\ud800"], ids=ascii
)
async def test_a_group_name_that_is_none_is_the_handlers_fault(talk, name, caplog):
    async def handler(socket):
        await socket.accept()
        async with groups.join(name, socket):
            pass

    async with talk(handler) as client:
        assert await client.closed() == (1011, "")
    assert len(caplog.records) == 1
    assert "a group's name has 1 to 100 printable characters" in caplog.text


async def test_half_of_a_surrogate_pair_is_published_to_nobody(talk):
    with pytest.raises(HandlerError, match="UTF-8 can carry"):
        await groups.publish("room", "\ud800")
    with pytest.raises(HandlerError, match="UTF-8 can carry"):
        groups.publish_sync("room", "\ud800")


async def test_a_value_without_json_is_refused_where_it_is_sent(talk, caplog):
    async def handler(socket):
        await socket.accept()
        for value, error in ((float("nan"), ValueError), (object(), TypeError)):
            with pytest.raises(error):
                await socket.send_json(value)
        await socket.send("done")

    async with talk(handler) as client:
        assert await client.receive() == "done"


async def test_what_is_no_message_is_the_handler_s_fault(talk):
    async def handler(socket):
        await socket.accept()
        with pytest.raises(HandlerError, match="'hello': 1"):
            await socket.send({"hello": 1})
        with pytest.raises(HandlerError, match="not 7"):
            await groups.publish("lobby", 7)

    async with talk(handler) as client:
        assert await client.closed() == (1000, "")


async def test_lazy_text_becomes_text_where_it_is_sent(talk):
    async def handler(socket):
        await socket.accept()
        async with groups.join("room", socket):
            with translation.override("fr"):
                await socket.send(gettext_lazy("Yes"))
                await groups.publish("room", gettext_lazy("No"))
                await socket.send_json([gettext_lazy("Yes")])
            await socket.receive()

    async with talk(handler) as client:
        assert await client.receive() == "Oui"
        assert await client.receive() == "Non"
        assert await client.receive_json() == ["Oui"]
