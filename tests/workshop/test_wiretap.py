"""The wiretap: what it shows, and that nobody notices it."""

import asyncio
import base64
import gc
import re
import tracemalloc
from collections.abc import Callable, Iterable
from typing import Any
from xml.etree import ElementTree

import pytest
from websockets import ConnectionClosed
from websockets.asyncio.client import connect

from workshop.pages.serving import serving
from workshop.pictures.shown import payload, shown
from workshop.pictures.wiretap import Connection, Wiretap

SVG = "{http://www.w3.org/2000/svg}"
SCOPE: Any = {"type": "websocket", "path": "/", "headers": [(b"host", b"x")]}
CONNECT = {"type": "websocket.connect"}
LEAVE = {"type": "websocket.disconnect", "code": 1001, "reason": ""}


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers each text with itself until the client leaves."""
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": event["text"]})


async def nothing(event: Any) -> None: ...


def hears(events: Iterable[Any]) -> Callable[[], Any]:
    """A ``receive`` that gives these events, one a call."""
    rest = iter(events)

    async def receive() -> Any:
        return next(rest)

    return receive


async def tapped(application: Any, *events: Any, scope: Any = SCOPE) -> Connection:
    """The picture of a call with these events."""
    tap = Wiretap(application)
    await tap(scope, hears([CONNECT, *events, LEAVE]), nothing)
    return tap.last


def said(connection: Connection) -> list[str]:
    return [entry.title for entry in connection.entries]


def words(svg: str) -> list[str]:
    root = ElementTree.fromstring(svg)
    return ["".join(element.itertext()) for element in root.iter(f"{SVG}text")]


async def test_a_conversation_under_a_server_is_drawn_arrow_by_arrow() -> None:
    tap = Wiretap(echo)
    async with serving(tap, lifespan="off") as url:
        async with connect(url.replace("http", "ws") + "/chat") as client:
            await client.send("ping")
            assert await client.recv() == "ping"
    assert said(tap.last) == [
        "scope  type: websocket  path: /chat",
        "websocket.connect",
        "websocket.accept",
        "websocket.receive  text: “ping”",
        "websocket.send  text: “ping”",
        "websocket.disconnect  code: 1000",
    ]
    assert tap.last.state == "has returned"
    ways = "".join(entry.direction[0] for entry in tap.last.entries)
    assert ways == "iioioi"


async def test_the_picture_names_its_lifelines_and_every_arrow() -> None:
    picture = await tapped(echo, {"type": "websocket.receive", "text": "ping"})
    found = words(picture.svg())
    assert {"browser", "protocol server", "application", "✓ has returned"} <= set(found)
    assert set(said(picture)) <= set(found)
    root = ElementTree.fromstring(picture.svg())
    arrows = [p for p in root.iter(f"{SVG}path") if p.get("stroke-width") == "2"]
    assert len(arrows) == len(picture.entries) == 6


async def test_the_picture_shows_itself_in_a_notebook_and_as_text() -> None:
    picture = await tapped(echo, {"type": "websocket.receive", "text": "x" * 500})
    bundle = picture._repr_mimebundle_()
    found = re.search(r"base64,([^\"]+)", bundle["text/html"])
    assert found and base64.b64decode(found[1]).decode() == picture.svg()
    lines = bundle["text/plain"].splitlines()
    assert lines[0] == "websocket / · the application has returned"
    assert max(map(len, lines)) <= 80
    assert "server ← app     websocket.accept" in lines[3]


@pytest.mark.parametrize("narrow", [False, True])
async def test_no_text_leaves_the_picture(narrow: bool) -> None:
    picture = await tapped(echo, {"type": "websocket.receive", "text": "W" * 500})
    root = ElementTree.fromstring(picture.svg(narrow=narrow))
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    for element in root.iter(f"{SVG}text"):
        x, y = float(element.get("x", 0)), float(element.get("y", 0))
        assert 0 <= x <= width and 11 <= y <= height
        if element.get("text-anchor") == "middle":
            half = len("".join(element.itertext())) * 7.3 / 2
            assert x - half >= 0 and x + half <= width


async def test_the_narrow_picture_fits_a_phone_and_has_every_event() -> None:
    picture = await tapped(echo, {"type": "websocket.receive", "text": "ping"})
    picture.wire("in", b"\x81\x80", "no room for bytes")
    root = ElementTree.fromstring(picture.svg(narrow=True))
    assert root.get("width") == "340"
    found = words(picture.svg(narrow=True))
    assert "browser" not in found
    kinds = [title.partition("  ")[0] for title in said(picture)[:-1]]
    assert [word for word in found if word in kinds] == kinds
    assert found.count("text: “ping”") == 2


async def test_the_narrow_picture_has_its_gap_where_arrows_are_left_out() -> None:
    tap = Wiretap(echo, events=2)
    tap.begin(("127.0.0.1", 1)).wire("in", b"GET / HTTP/1.1\r\n\r\n", "")
    message = {"type": "websocket.receive", "text": "ping"}
    scope = {**SCOPE, "client": ("127.0.0.1", 1)}
    await tap(scope, hears([CONNECT, message, message, LEAVE]), nothing)
    found = words(tap.last.svg(narrow=True))
    gap = found.index("… 2 more, not kept …")
    assert found.index("websocket.connect") < gap < found.index("websocket.send")


async def test_an_arrow_says_how_long_after_the_one_before_it_came() -> None:
    times = iter([0.0, 0.5, 0.5002, 2.5])
    tap = Wiretap(echo, clock=lambda: next(times))
    await tap(SCOPE, hears([CONNECT, LEAVE]), nothing)
    svg = tap.last.svg()
    assert "500 ms later" in svg and "200 µs later" in svg and "2.00 s later" in svg


async def test_two_connections_at_once_are_told_apart() -> None:
    tap = Wiretap(echo)
    async with serving(tap, lifespan="off") as url:
        ws = url.replace("http", "ws")
        async with connect(f"{ws}/one?a=1") as one, connect(f"{ws}/two?b=2") as two:
            for client, word in ((one, "1"), (two, "2"), (one, "3"), (two, "4")):
                await client.send(word)
                assert await client.recv() == word
    first, second = tap.connections
    assert (first.title, first.query) == ("websocket /one", "a=1")
    assert (second.title, second.query) == ("websocket /two", "b=2")
    assert "“1”" in str(first) and "“3”" in str(first) and "“2”" not in str(first)
    assert "“2”" in str(second) and "“4”" in str(second) and "“1”" not in str(second)


async def test_the_same_objects_pass_through_unchanged() -> None:
    scope, seen, sent = dict(SCOPE), [], []
    events = [CONNECT, {"type": "websocket.receive", "bytes": b"\0" * 100}, LEAVE]
    before = [dict(event) for event in events]
    accept = {"type": "websocket.accept", "headers": [(b"a", b"b")]}

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)
        await send(accept)
        seen.extend([await receive() for _ in events])

    async def send(event: Any) -> None:
        sent.append(event)

    await Wiretap(application)(scope, hears(events), send)  # type: ignore[arg-type]
    assert all(a is b for a, b in zip(seen, [scope, *events], strict=True))
    assert sent[0] is accept
    assert scope == SCOPE and events == before
    assert accept == {"type": "websocket.accept", "headers": [(b"a", b"b")]}


async def test_an_exception_passes_through_unchanged_and_is_drawn() -> None:
    error = KeyError("text")

    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise error

    tap = Wiretap(broken)
    with pytest.raises(KeyError) as raised:
        await tap(SCOPE, hears([]), nothing)
    assert raised.value is error
    assert raised.value.__cause__ is raised.value.__context__ is None
    assert tap.last.state == "raised KeyError: 'text'"
    assert "✗ raised KeyError: 'text'" in words(tap.last.svg())


async def test_what_the_servers_send_raises_passes_through_and_is_drawn() -> None:
    error = ConnectionResetError("gone")

    async def send(event: Any) -> None:
        raise error

    tap = Wiretap(echo)
    with pytest.raises(ConnectionResetError) as raised:
        await tap(SCOPE, hears([CONNECT]), send)
    assert raised.value is error
    assert tap.last.state == "raised ConnectionResetError: gone"


async def test_a_cancellation_passes_through_unchanged_and_is_drawn() -> None:
    waits = asyncio.Event()

    async def never() -> Any:
        waits.set()
        await asyncio.Event().wait()

    tap = Wiretap(echo)
    call: Any = tap(SCOPE, never, nothing)
    task = asyncio.create_task(call)
    await waits.wait()
    assert tap.last.state == "waits in receive()"
    task.cancel("enough")
    with pytest.raises(asyncio.CancelledError) as cancelled:
        await task
    assert cancelled.value.args == ("enough",)
    assert task.cancelled()
    assert "✗ was cancelled" in words(tap.last.svg())


async def test_one_coroutine_that_has_spoken_does_not_hide_another_that_listens() -> (
    None
):
    async def application(scope: Any, receive: Any, send: Any) -> None:
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(receive())
            await asyncio.sleep(0)
            await send({"type": "websocket.send", "text": "tick"})
            assert tap.last.state == "waits in receive()"
            listening.cancel()
        assert tap.last.state == "runs"

    async def never() -> Any:
        await asyncio.Event().wait()

    tap = Wiretap(application)
    await tap(SCOPE, never, nothing)
    assert tap.last.state == "has returned"


async def test_under_a_server_a_broken_application_closes_as_without_the_tap(
    capsys: pytest.CaptureFixture[str],
) -> None:
    codes = []
    for application in (echo, Wiretap(echo)):
        async with serving(application, lifespan="off") as url:
            async with connect(url.replace("http", "ws") + "/") as client:
                await client.send(b"ping")
                with pytest.raises(ConnectionClosed):
                    await client.recv()
                codes.append(client.close_code)
    assert codes == [1006, 1006]
    assert capsys.readouterr().err.count("KeyError: 'text'") == 2


@pytest.mark.parametrize("content", [{"text": "x" * 2**20}, {"bytes": b"x" * 2**20}])
async def test_a_payload_of_a_megabyte_is_shortened(content: dict[str, Any]) -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await receive()

    event = {"type": "websocket.receive", **content}
    picture = await tapped(application, event)
    assert "1,048,576 " in picture.svg()
    assert len(picture.svg()) < 20_000
    assert all(len(entry.title) + len(entry.words) < 300 for entry in picture.entries)


async def test_ten_thousand_messages_keep_the_first_five_and_the_last() -> None:
    message = {"type": "websocket.receive", "text": "x" * 1000}
    events = [CONNECT, *([message] * 10_000), LEAVE]
    tap = Wiretap(echo, events=16)
    gc.collect()
    tracemalloc.start()
    await tap(SCOPE, hears(events), nothing)
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    picture = tap.last
    assert held < 100_000  # bytes
    assert len(picture.entries) == 5 + 16
    assert picture.count == 3 + 20_000 + 1 and picture.left_out == 20_004 - 21
    assert "… 19,983 more, not kept …" in words(picture.svg())
    assert "19983 more" in picture.text()


async def test_only_the_last_connections_are_kept() -> None:
    tap = Wiretap(echo, connections=3)
    for number in range(10):
        scope = {**SCOPE, "path": f"/{number}"}
        await tap(scope, hears([CONNECT, LEAVE]), nothing)
    titles = [connection.title for connection in tap.connections]
    assert titles == ["websocket /7", "websocket /8", "websocket /9"]


async def test_a_page_loaded_afterwards_does_not_hide_the_websocket() -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None: ...

    tap = Wiretap(application)
    with pytest.raises(LookupError, match="nobody has connected yet"):
        _ = tap.last
    for kind in ("http", "websocket", "http"):
        await tap({**SCOPE, "type": kind}, hears([]), nothing)
    assert tap.last.title == "websocket /"


class Hostile:
    def __str__(self) -> str:
        raise RuntimeError("ha")


@pytest.mark.parametrize(
    "text",
    [
        "".join(map(chr, range(32))) + "\x7f\x80\x9f",
        "<script>alert(1)</script>&amp;]]>",
        "\ud800 \udfff \ufffe \uffff",
        "\u202e turned \u2028 \u0000",
        "\N{SMILE}" * 30,
    ],
    ids=["controls", "markup", "surrogates", "bidi", "astral"],
)
async def test_a_hostile_payload_gives_a_well_formed_picture(text: str) -> None:
    scope = {**SCOPE, "path": text, "subprotocols": [text], "client": (text, 1)}
    event = {"type": "websocket.receive", "text": text, text: text}
    picture = await tapped(echo, event, scope=scope)
    picture.wire("in", text.encode("utf-8", "surrogatepass"), text)
    words(picture.svg().encode().decode())
    assert "<script" not in picture.svg()
    plain = picture.text()
    plain.encode()
    assert all(c.isprintable() or c == "\n" for c in plain)


@pytest.mark.parametrize(
    "event", [None, "pong!", 7, Hostile(), {}, {"type": Hostile()}]
)
async def test_an_event_that_is_none_is_passed_on_and_drawn(event: Any) -> None:
    sent = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send(event)

    async def send(event: Any) -> None:
        sent.append(event)

    tap = Wiretap(application)
    await tap(SCOPE, hears([]), send)
    assert sent[0] is event
    words(tap.last.svg())


@pytest.mark.parametrize(
    "scope", [{}, {"type": 1, "path": b"/", "query_string": "", "client": 5}]
)
async def test_a_scope_that_breaks_the_rules_reaches_the_application(
    scope: Any,
) -> None:
    picture = await tapped(echo, scope=scope)
    assert picture.state == "has returned"
    words(picture.svg())


async def test_a_server_fills_the_left_half_with_its_bytes() -> None:
    tap = Wiretap(echo)

    async def serve_one(port: int) -> None:
        connection = tap.begin(("127.0.0.1", port))
        connection.wire("in", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "the handshake")

        async def send(event: Any) -> None:
            answer = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"
            connection.wire("out", answer, "accepted")

        scope = {**SCOPE, "client": ["127.0.0.1", port]}
        await tap(scope, hears([CONNECT, LEAVE]), send)  # type: ignore[arg-type]
        goodbye = [("opcode", "1000", "close")]
        connection.wire("out", b"\x88\x02\x03\xe8" + bytes(30), "FIN close", goodbye)

    await asyncio.gather(serve_one(1), serve_one(2))
    assert len(tap.connections) == 2
    for picture in tap.connections:
        assert [(e.wire, e.title) for e in picture.entries] == [
            (True, "GET / HTTP/1.1"),
            (False, "scope  type: websocket  path: /"),
            (False, "websocket.connect"),
            (False, "websocket.accept"),
            (True, "HTTP/1.1 101 Switching Protocols"),
            (False, "websocket.disconnect  code: 1001"),
            (True, "88 02 03 e8 00 00 00 00 00 00 00 00 00 00 00 00 …"),
        ]
        assert picture.entries[-1].fields == (("opcode", "1000", "close"),)
        assert [entry.number for entry in picture.entries] == list(range(1, 8))
        assert "bytes on one TCP connection" in words(picture.svg())
        assert "browser → server          GET / HTTP/1.1" in picture.text()


async def test_a_client_that_comes_back_has_a_new_picture() -> None:
    tap = Wiretap(echo)
    scope = {**SCOPE, "client": ("127.0.0.1", 1)}
    for _ in range(2):
        tap.begin(("127.0.0.1", 1)).wire("in", b"\x81", "")
        await tap(scope, hears([CONNECT, LEAVE]), nothing)
    await tap(scope, hears([CONNECT, LEAVE]), nothing)  # and one that began unseen
    assert [len(picture.entries) for picture in tap.connections] == [5, 5, 4]


async def test_news_come_with_each_change_and_none_is_missed() -> None:
    tap = Wiretap(echo)
    news = tap.news()
    assert not news.is_set()
    await tap(SCOPE, hears([CONNECT, LEAVE]), nothing)
    assert news.is_set() and not tap.news().is_set()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("", "“”"),
        (b"", "(0 bytes)"),
        (b"ping", "70 69 6e 67"),
        (None, "None"),
        (1000, "1000"),
        ("a\nb", "“a\\nb”"),
        ("é 中", "“é 中”"),
    ],
)
def test_a_value_is_shown_as_one_reads_it(value: Any, text: str) -> None:
    assert payload(value) == text


def test_a_value_that_cannot_be_shown_says_so() -> None:
    assert shown(Hostile()) == "(Hostile, whose str() raises RuntimeError)"
