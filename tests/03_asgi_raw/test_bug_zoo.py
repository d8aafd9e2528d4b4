"""Every bug shows what its docstring says, under a real uvicorn; every fix works."""

import asyncio
import importlib
import re
import threading
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.support.clients import fetch, websocket
from tests.support.processes import ROOT, server_process
from tests.support.readmes import table_of
from workshop.pages.serving import serving

ZOO = ROOT / "03_asgi_raw" / "bug_zoo"
BUGS = sorted(p.stem for p in ZOO.glob("*.py") if p.stem not in ("__init__", "events"))
WORDS_AFTER_A_BUG = "ERROR:"  # in the log, where a handler has raised


def bug(name):
    return importlib.import_module(f"bug_zoo.{name}")


@asynccontextmanager
async def client_of(application, close_timeout=30, **options):
    async with (
        serving(application, lifespan="off", **options) as url,
        connect(
            url.replace("http", "ws", 1) + "/", close_timeout=close_timeout
        ) as client,
    ):
        yield client


async def heard(client, word):
    """The answer to ``word``, or the close code that came in its place."""
    async with asyncio.timeout(30):
        try:
            await client.send(word)
            return await client.recv()
        except ConnectionClosed:
            return client.close_code


def promised(name, *messages):
    """The docstring says so, wherever its lines end."""
    words = " ".join(bug(name).__doc__.split())
    return all(message in words for message in messages)


async def test_a_binary_frame_ends_the_unguarded_handler_with_1006(capsys):
    async with client_of(bug("binary_frame").broken) as client:
        assert await heard(client, "ping") == "pong!"
        assert await heard(client, b"ping") == 1006
    assert "KeyError: 'text'\n" in capsys.readouterr().err
    assert promised("binary_frame", "KeyError: 'text'", "1006")


async def test_a_binary_frame_is_fixed_by_get(capsys):
    async with client_of(bug("binary_frame").fixed) as client:
        await client.send(b"ping")
        assert await heard(client, "ping") == "pong!"
    assert client.close_code == 1000
    assert capsys.readouterr().err == ""


async def test_a_loop_inside_connect_never_hears_its_client(capsys):
    broken = bug("loop_inside_connect").broken  # it does not hear the goodbye either
    async with client_of(broken, close_timeout=0.2) as client:
        await client.send("ping")
        async with asyncio.timeout(30):
            assert [await client.recv() for _ in range(5)] == ["tick"] * 5
    assert client.close_code == 1006
    assert capsys.readouterr().err == ""
    assert promised("loop_inside_connect", "1006", "no error anywhere")


async def test_a_loop_inside_connect_is_fixed_by_a_second_task(capsys):
    async with client_of(bug("loop_inside_connect").fixed) as client:
        await client.send("ping")
        async with asyncio.timeout(30):
            said = set()
            while said != {"tick", "pong!"}:
                said.add(await client.recv())
    assert client.close_code == 1000
    assert capsys.readouterr().err == ""


async def test_a_missing_break_keeps_the_server_from_ending(capsys):
    async with client_of(
        bug("missing_break").broken, timeout_graceful_shutdown=1
    ) as client:
        assert await heard(client, "ping") == "pong!"
    message = "Cancel 1 running task(s), timeout graceful shutdown exceeded"
    assert message in capsys.readouterr().err
    assert promised("missing_break", message, "--timeout-graceful-shutdown 1")


async def test_a_missing_break_is_fixed_by_break(capsys):
    async with client_of(
        bug("missing_break").fixed, timeout_graceful_shutdown=30
    ) as client:
        assert await heard(client, "ping") == "pong!"
    assert capsys.readouterr().err == ""


async def test_raising_on_lifespan_keeps_a_server_that_insists_from_starting(capsys):
    with pytest.raises(RuntimeError, match="startup failed"):
        async with serving(bug("raises_on_lifespan").broken, lifespan="on"):
            pass
    messages = ["Unknown scope type 'lifespan'", "Application startup failed. Exiting."]
    log = capsys.readouterr().err
    assert all(message in log for message in messages)
    assert promised("raises_on_lifespan", *messages)


async def test_raising_on_lifespan_is_hardly_noticed_by_default(capsys):
    async with serving(bug("raises_on_lifespan").broken, log_level="info") as url:
        async with connect(url.replace("http", "ws", 1)) as client:
            assert await heard(client, "ping") == "pong!"
    message = "ASGI 'lifespan' protocol appears unsupported."
    assert f"INFO:     {message}" in capsys.readouterr().err
    assert promised("raises_on_lifespan", message)


async def test_raising_on_lifespan_is_fixed_by_two_answers(capsys):
    async with serving(bug("raises_on_lifespan").fixed, lifespan="on") as url:
        async with connect(url.replace("http", "ws", 1)) as client:
            assert await heard(client, "ping") == "pong!"
    assert capsys.readouterr().err == ""


async def test_returning_after_one_message_ends_the_connection_with_1006(capsys):
    async with client_of(bug("returns_after_one_message").broken) as client:
        assert await heard(client, "ping") == "pong!"
        assert await heard(client, "ping") == 1006
    assert capsys.readouterr().err == ""
    assert promised("returns_after_one_message", "1006", "the log says nothing")


async def test_returning_after_one_message_is_fixed_by_a_loop(capsys):
    async with client_of(bug("returns_after_one_message").fixed) as client:
        for _ in range(3):
            assert await heard(client, "ping") == "pong!"
    assert client.close_code == 1000
    assert capsys.readouterr().err == ""


async def test_blocking_makes_every_other_client_wait():
    command = ["-m", "uvicorn", "--app-dir", "03_asgi_raw", "--port=0"]
    with server_process([*command, "bug_zoo.calls_sleep:broken"]) as server:
        address = server.url.replace("http", "ws", 1) + "/"
        async with connect(address) as one, connect(address) as other:
            await one.send("work")
            assert await one.recv() == "begun"
            await other.send("ping")
            done_with_work = asyncio.create_task(one.recv())
            assert await other.recv() == "pong!"
            assert done_with_work.done()  # first the work's end, then everybody else
    assert WORDS_AFTER_A_BUG not in server.log


async def test_blocking_is_fixed_by_a_thread(monkeypatch, capsys):
    enough = threading.Event()
    ends = []
    module = bug("calls_sleep")
    work = SimpleNamespace(sleep=lambda seconds: ends.append(enough.wait(30)))
    monkeypatch.setattr(module, "time", work)
    async with serving(module.fixed, lifespan="off") as url:
        address = url.replace("http", "ws", 1) + "/"
        async with connect(address) as one, connect(address) as other:
            await one.send("work")
            assert await one.recv() == "begun"
            await other.send("ping")
            assert await other.recv() == "pong!"  # while the work goes on
            enough.set()
            assert await one.recv() == "pong!"
    assert ends == [True]  # and not because its time was over
    assert capsys.readouterr().err == ""


async def test_sending_before_accept_fails_the_handshake_with_500(capsys):
    with pytest.raises(InvalidStatus) as refused:
        async with client_of(bug("sends_before_accept").broken):
            pass
    assert refused.value.response.status_code == 500
    message = (
        "Expected ASGI message 'websocket.accept', 'websocket.close' or "
        "'websocket.http.response.start' but got 'websocket.send'."
    )
    assert message in capsys.readouterr().err
    assert promised("sends_before_accept", "500", message)


async def test_sending_before_accept_is_fixed_by_the_other_order(capsys):
    async with client_of(bug("sends_before_accept").fixed) as client:
        assert await client.recv() == "welcome"
    assert capsys.readouterr().err == ""


async def test_sending_after_close_raises_and_reaches_nobody(capsys):
    async with client_of(bug("sends_after_close").broken) as client:
        assert [message async for message in client] == []
    assert client.close_code == 1000
    message = (
        "Unexpected ASGI message 'websocket.send', after sending 'websocket.close'."
    )
    assert message in capsys.readouterr().err
    assert promised("sends_after_close", "1000", message)


async def test_sending_after_close_is_fixed_by_the_other_order(capsys):
    async with client_of(bug("sends_after_close").fixed) as client:
        assert [message async for message in client] == ["goodbye"]
    assert client.close_code == 1000
    assert capsys.readouterr().err == ""


def test_no_library_refuses_every_websocket_with_a_warning():
    command = ["--app-dir", "03_asgi_raw", "app:application", "--port=0"]
    with server_process(["-c", bug("no_library").BROKEN, *command]) as server:
        assert fetch(server.url).status == 200
        with pytest.raises(InvalidStatus) as refused:
            websocket(server.url)
        assert refused.value.response.status_code == 200
    messages = [
        "Unsupported upgrade request.",
        'No supported WebSocket library detected. Please use "pip install '
        "'uvicorn[standard]'\", or install 'websockets' or 'wsproto' manually.",
    ]
    assert all(message in server.log for message in messages)
    assert promised("no_library", *messages)


def test_no_library_is_fixed_by_installing_one():
    command = ["--app-dir", "03_asgi_raw", "app:application", "--port=0"]
    with server_process(["-c", bug("no_library").FIXED, *command]) as server:
        with websocket(server.url) as client:
            client.send("ping")
            assert client.recv(timeout=30) == "pong!"


@pytest.mark.parametrize("name", BUGS)
def test_a_bug_says_what_you_see_and_has_a_fix(name):
    assert re.search(r"You see: .*Why: |You see: .*``uvicorn", bug(name).__doc__, re.S)
    assert {"broken", "fixed"} <= {word.lower() for word in vars(bug(name))}


@pytest.mark.parametrize("name", [name for name in BUGS if name != "no_library"])
async def test_a_bug_and_its_mend_have_the_stage_s_page_to_talk_to_them(name):
    for application in (bug(name).broken, bug(name).fixed):
        async with serving(application) as url:
            page = await asyncio.to_thread(fetch, url)
        assert page.status == 200
        assert 'id="console-title"' in page.body


def test_the_readme_says_of_each_bug_what_to_do_and_what_one_sees():
    rows = table_of("03_asgi_raw", "The zoo", "bug")
    assert sorted(row[0].strip("`") for row in rows) == BUGS
    folded = re.compile("<details><summary>look</summary>.+</details>")
    assert all(do and folded.fullmatch(seen) for _, do, seen in rows)
