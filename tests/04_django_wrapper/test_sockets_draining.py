"""SIGTERM: who is told what and when, and that the process ends."""

import asyncio
import json
import signal
import sys
import threading
import time
from contextlib import ExitStack, suppress

import psutil
import pytest
from django.test import override_settings
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.support.clients import fetch
from tests.support.peers import until
from tests.support.processes import ROOT, alive
from tests.support.redis_server import running_redis
from tests.support.servers import running, socket_site, wait_until_listening

UVICORNS = ["uvicorn-websockets", "uvicorn-sansio", "uvicorn-wsproto"]
OURS = (1012, "the server restarts")
BY_THE_SERVER = (1012, "")
pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows sends no SIGTERM"
)


def opened(stack, server, path, number):
    url = server.url.replace("http", "ws", 1) + path
    return [stack.enter_context(connect(url)) for _ in range(number)]


def end_of(client):
    """The close frame's code and reason, and when it has come."""
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            client.recv(timeout=30)
    frame = closed.value.rcvd
    return (frame.code, frame.reason), time.monotonic()


# Under uvicorn


@pytest.mark.parametrize("name", UVICORNS)
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_sigterm_spreads_the_ends_over_its_time(name, loop, tmp_path, monkeypatch):
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    monkeypatch.setenv("UVICORN_LOOP", loop)
    with ExitStack() as stack:
        site = socket_site(name, tmp_path / "none", DRAIN_SECONDS=0.4)
        server = stack.enter_context(site)
        clients = opened(stack, server, "/silent/", 10)
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        for number, client in enumerate(clients):  # in the order in which they came
            end, when = end_of(client)
            assert end == OURS
            assert when >= began + 0.04 * number
        assert server.wait() == -signal.SIGTERM
    assert server.log.count("silent has ended") == 10
    assert server.log.rindex("silent has") < server.log.index("Shutting down")
    assert "Application shutdown complete" in server.log
    assert "closed '/silent/'" not in server.log  # no line for what we do ourselves
    assert "Traceback" not in server.log


def test_while_it_drains_a_server_refuses_websockets_and_answers_pages(tmp_path):
    with ExitStack() as stack:
        site = socket_site("uvicorn-sansio", tmp_path / "none", DRAIN_SECONDS=60)
        server = stack.enter_context(site)
        first, *others = opened(stack, server, "/echo/", 200)  # for twenty seconds
        server.process.send_signal(signal.SIGTERM)
        assert end_of(first)[0] == OURS
        with pytest.raises(InvalidStatus) as refused:
            opened(stack, server, "/echo/", 1)
        assert refused.value.response.status_code == 503
        assert refused.value.response.body == b"The server restarts.\n"
        assert fetch(server.url).status == 200
        server.process.send_signal(signal.SIGTERM)  # once more: no difference
        assert end_of(others[4])[0] == OURS
        others[-1].send("still here")
        assert others[-1].recv(timeout=30) == "still here"
        server.process.send_signal(signal.SIGINT)  # Ctrl-C
        assert end_of(others[-1])[0] == BY_THE_SERVER
        server.wait()
    assert "Traceback" not in server.log


def test_a_few_websockets_end_sooner_than_many(tmp_path):
    with ExitStack() as stack:
        site = socket_site("uvicorn-sansio", tmp_path / "none", DRAIN_SECONDS=60)
        server = stack.enter_context(site)
        clients = opened(stack, server, "/silent/", 3)
        server.process.send_signal(signal.SIGTERM)
        assert [end_of(client)[0] for client in clients] == [OURS] * 3
        server.wait()


def test_workers_drain_though_each_gets_sigterm_twice(tmp_path):
    """From whoever ends all processes, as systemd does, and from uvicorn's own."""
    with ExitStack() as stack:
        server = stack.enter_context(
            running(
                "uvicorn-sansio",
                "websocket_app.asgi:application",
                "04_django_wrapper",
                PYTHONPATH=str(ROOT),
                DJANGO_SETTINGS_MODULE="tests.support.socket_settings",
                DATABASE_URL=f"sqlite:///{tmp_path / 'none'}",
                SOCKETS=json.dumps({"DRAIN_SECONDS": 1}),
                WEB_CONCURRENCY="2",
            )
        )
        until(lambda: server.log.count("startup complete") == 2, seconds=60)
        wait_until_listening(server)  # a worker says that it is up just before
        parent = psutil.Process(server.process.pid)
        workers = parent.children(recursive=True)
        clients = opened(stack, server, "/echo/", 20)
        for process in (*workers, parent):
            with suppress(psutil.NoSuchProcess):  # one that helps multiprocessing
                process.terminate()
        assert [end_of(client)[0] for client in clients] == [OURS] * 20
        server.wait()
        assert not alive(workers)


# In this process


@pytest.fixture
def servers_handler():
    """What a server has put there; the signals that it has got."""
    got = []
    before = signal.signal(signal.SIGTERM, lambda number, _: got.append(number))
    yield got
    signal.signal(signal.SIGTERM, before)


async def called(servers_handler):
    async with asyncio.timeout(30):
        while not servers_handler:
            await asyncio.sleep(0)


async def silent(socket):
    await socket.accept()
    await socket.receive()


async def test_the_server_s_handler_comes_last_and_is_put_back(talk, servers_handler):
    from sockets.steps.draining import lifetime

    before = signal.getsignal(signal.SIGTERM)
    async with lifetime():
        async with talk(silent) as one, talk(silent) as two:
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGTERM)
            assert await one.closed() == OURS
            assert not servers_handler
            assert await two.closed() == OURS
        await called(servers_handler)
    assert servers_handler == [signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) is before
    async with talk(silent):  # what was refused is let in again
        pass


async def test_without_websockets_the_server_s_handler_comes_at_once(servers_handler):
    from sockets.steps.draining import lifetime

    async with lifetime():
        signal.raise_signal(signal.SIGTERM)
        await called(servers_handler)


async def test_who_is_in_the_handshake_is_refused_with_503(talk, servers_handler):
    from sockets.steps.draining import lifetime
    from sockets.testing import SocketRefused

    begun = asyncio.Event()

    async def hesitates(socket):
        begun.set()
        await asyncio.Event().wait()

    async with lifetime():
        client = talk(hesitates)
        opening = asyncio.create_task(client.__aenter__())
        await begun.wait()
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(SocketRefused, match="503: 'the server restarts"):
            await opening


async def test_a_peer_that_does_not_read_holds_nothing_up(talk, servers_handler):
    from sockets.steps.draining import lifetime

    reads = asyncio.Event()

    async def handler(socket):
        await socket.accept()
        await socket.send("are you there?")

    client = talk(handler, sockets={"SEND_SECONDS": 60})
    send = client._send

    async def stalled(event):
        if event["type"] != "websocket.accept":
            await reads.wait()
        await send(event)

    client._send = stalled
    async with lifetime(), client:
        signal.raise_signal(signal.SIGTERM)
        await called(servers_handler)
        reads.set()


async def test_the_connection_to_redis_ends_with_the_lifespan(application, tmp_path):
    from sockets.groups import groups

    with running_redis(tmp_path) as redis:
        with override_settings(SOCKETS={"REDIS_URL": redis.url}):
            async with groups.lifetime():
                async with groups.listen("room", print):
                    assert redis.connections()
            until(lambda: not redis.connections())


async def test_a_server_without_a_handler_is_left_alone(tables):
    from sockets.steps.draining import lifetime

    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        async with lifetime():
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_server_in_a_thread_leaves_the_signals_alone(application, servers_handler):
    from sockets.steps.draining import lifetime

    before, seen = signal.getsignal(signal.SIGTERM), []

    async def serve():
        async with lifetime():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    thread.join()
    assert seen == [before]
