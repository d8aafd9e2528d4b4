"""The server helper of the notebooks and tests."""

import asyncio
import signal
import socket

import pytest
from websockets import ConnectionClosed, connect

from tests.support.stages import stage_app
from workshop.pages.serving import serving


async def ping_pong(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
    if scope["type"] != "websocket":
        raise NotImplementedError(scope["type"])
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": event["text"] + "!"})


async def test_an_application_is_served_and_the_port_is_closed_afterwards() -> None:
    async with serving(ping_pong) as url:
        async with connect(url.replace("http", "ws")) as websocket:
            await websocket.send("ping")
            assert await websocket.recv() == "ping!"
    host, port = url.removeprefix("http://").split(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=5)


async def test_the_server_ends_where_the_body_raises() -> None:
    before = asyncio.all_tasks()
    with pytest.raises(ZeroDivisionError):
        async with serving(ping_pong):
            raise ZeroDivisionError
    assert asyncio.all_tasks() == before


async def test_an_open_connection_does_not_hold_up_the_end() -> None:
    async with serving(ping_pong) as url:
        websocket = await connect(url.replace("http", "ws"))
    with pytest.raises(ConnectionClosed) as closed:
        await websocket.recv()
    assert closed.value.rcvd is not None and closed.value.rcvd.code == 1012


async def test_the_signal_handlers_are_left_alone() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    async with serving(ping_pong):
        during = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    assert during == before


async def test_a_failed_lifespan_startup_is_an_error_and_not_a_hang() -> None:
    async def fails(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    with pytest.raises(RuntimeError, match="startup failed"):
        async with serving(fails, log_level="critical"):
            pass


async def test_two_applications_are_served_at_once() -> None:
    raw = stage_app("03_asgi_raw").application
    async with serving(ping_pong) as one, serving(raw) as two:
        assert one != two
        async with connect(two.replace("http", "ws")) as websocket:
            await websocket.send("ping")
            assert await websocket.recv() == "pong!"
