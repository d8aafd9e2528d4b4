"""SIGTERM while peers do not read, while handlers do not end, and with 500 sockets."""

import asyncio
import signal
import sys

import pytest
from websockets.asyncio.client import connect

from tests.support.peers import accepted, all_of, raw, until, websocket
from tests.support.servers import UVICORNS, socket_site

FOR_A_PEER = 120  # seconds that a peer may take to read an event


@pytest.fixture(params=UVICORNS)
def mortal(request, database):
    """A server that a test may end itself."""
    # The implementation websockets tells the application only when its last byte has
    # gone: there it is SEND_SECONDS that frees a stalled peer.
    seconds = 5 if request.param == "uvicorn-websockets" else FOR_A_PEER
    settings = {"SEND_SECONDS": seconds, "CLEANUP_SECONDS": 1, "DRAIN_SECONDS": 1}
    with socket_site(request.param, database, **settings) as process:
        yield process


def terminate(server):
    """Send SIGTERM, and wait for the end: no longer than a stalled peer may take."""
    server.process.send_signal(signal.SIGTERM)
    assert server.wait(FOR_A_PEER / 2) == -signal.SIGTERM


sigterm = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no SIGTERM to catch"
)


@sigterm
def test_sigterm_ends_a_server_with_a_peer_that_never_reads(mortal):
    with raw(mortal, "/firehose/", size=4096) as stalled:
        accepted(stalled)
        with websocket(mortal, "/room/hall/") as client:  # it is behind by now
            client.recv(timeout=60)
        terminate(mortal)
    assert "Traceback" not in mortal.log


@sigterm
def test_sigterm_ends_a_server_whose_handlers_do_not_read_or_do_not_end(mortal):
    with raw(mortal, "/silent/") as one, raw(mortal, "/stubborn/") as other:
        accepted(one)
        accepted(other)
        until(lambda: "stubborn has begun" in mortal.log)
        terminate(mortal)
        assert b"\x88" in all_of(one) and b"\x88" in all_of(other)
    assert "silent has ended" in mortal.log
    assert "the handler at '/stubborn/' goes on after its end" in mortal.log
    assert "Traceback" not in mortal.log


@sigterm
async def test_sigterm_ends_500_sockets_with_1012_and_then_the_server(mortal):
    url = mortal.url.replace("http", "ws", 1) + "/room/hall/"

    async def code():
        async with connect(url, compression=None, open_timeout=30) as client:
            assert await client.recv() == "you are in"
            all_in.release()
            await client.wait_closed()
        return client.close_code

    all_in = asyncio.Semaphore(0)
    with (
        raw(mortal, "/stubborn/") as stuck,
        raw(mortal, "/firehose/", size=4096) as late,
    ):
        accepted(stuck)
        accepted(late)
        async with asyncio.TaskGroup() as tasks:
            codes = [tasks.create_task(code()) for _ in range(500)]
            for _ in codes:
                await all_in.acquire()
            await asyncio.to_thread(terminate, mortal)
    assert {code.result() for code in codes} == {1012}
    assert "the handler at '/stubborn/' goes on after its end" in mortal.log
    assert "Traceback" not in mortal.log
