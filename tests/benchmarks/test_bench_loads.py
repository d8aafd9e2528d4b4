"""The client notices a server that does not answer what it was asked."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from benchmarks import peers
from benchmarks.loads import Echo, Fanout, WrongAnswerError, open_many
from benchmarks.peer import Peer
from benchmarks.peers import open_peer

Handler = Callable[[ServerConnection], Any]
members: list[ServerConnection] = []


@pytest.fixture(params=["fast", "slow"], autouse=True)
def both_clients(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if request.param == "fast" and not peers.FAST:
        pytest.skip("picows is not installed")
    monkeypatch.setattr(peers, "FAST", request.param == "fast")


@asynccontextmanager
async def served(handler: Handler, count: int, say: bytes) -> AsyncIterator[list[Peer]]:
    """``count`` websockets to a server with this handler."""
    members.clear()
    async with serve(handler, "127.0.0.1", 0) as server:
        host, port = next(iter(server.sockets)).getsockname()[:2]
        opened = await open_many(count, f"{host}:{port}", "/echo", "", say=say)
        yield opened
        for peer in opened:
            peer.close()


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def room(connection: ServerConnection) -> None:
    members.append(connection)
    await connection.send("joined")
    async for message in connection:
        for member in members:
            await member.send(message)


async def test_an_echo_counts_each_message_that_comes_back() -> None:
    async with served(echo, 3, b"x") as opened:
        load = Echo(opened, b"hello", at_once=2)
        await load.run(0.05)
    assert len(load.latencies) == load.sent == sum(p.messages for p in opened) > 1
    assert load.elapsed >= 0.05 and min(load.latencies) > 0


async def test_all_peers_of_an_echo_take_turns() -> None:
    async with served(echo, 5, b"x") as opened:
        await Echo(opened, b"hello", at_once=2).run(0.1)
        counts = [peer.messages for peer in opened]
    assert max(counts) - min(counts) <= 2


async def test_a_message_to_a_room_is_heard_by_each_member() -> None:
    async with served(room, 4, b"") as opened:
        load = Fanout(opened, b"hello")
        await load.run(0.05)
        assert {peer.messages for peer in opened} == {load.sent}
    assert len(load.latencies) == 4 * load.sent


async def test_an_echo_of_another_size_is_an_error() -> None:
    async def shorten(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message[1:])

    async with served(shorten, 1, b"xx") as opened:
        with pytest.raises(WrongAnswerError, match="4 bytes came back where 5"):
            await Echo(opened, b"hello", at_once=1).run(0.05)


async def test_a_message_that_comes_twice_is_an_error() -> None:
    async def stutter(connection: ServerConnection) -> None:
        await connection.send("joined")
        async for message in connection:
            await connection.send(message)
            await connection.send(message)

    async with served(stutter, 1, b"") as opened:
        with pytest.raises(WrongAnswerError):
            await Fanout(opened, b"hello").run(0.05)


async def test_a_server_that_hangs_up_is_an_error() -> None:
    async def hang_up(connection: ServerConnection) -> None:
        await connection.send(await connection.recv())

    async with served(hang_up, 2, b"x") as opened:
        with pytest.raises(WrongAnswerError, match="a connection was lost"):
            await Echo(opened, b"hello", at_once=2).run(1)


async def test_a_peer_that_gets_no_first_message_says_so() -> None:
    async def silent(connection: ServerConnection) -> None:
        return

    async with serve(silent, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        with pytest.raises(ConnectionError, match="the server hung up"):
            await open_peer(f"127.0.0.1:{port}", "/echo", "", say=b"x")


@pytest.mark.parametrize("offered", [True, False])
async def test_a_peer_knows_whether_its_messages_are_deflated(offered: bool) -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        address = f"127.0.0.1:{port}"
        peer = await open_peer(address, "/echo", "", say=b"x", deflate=offered)
        assert peer.deflates is offered
        peer.close()
        await asyncio.sleep(0)


async def test_a_peer_sends_its_origin_and_its_cookie() -> None:
    async def tell(connection: ServerConnection) -> None:
        assert connection.request is not None
        headers.update(connection.request.headers)
        await connection.send("joined")

    headers: dict[str, str] = {}
    async with serve(tell, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        peer = await open_peer(f"127.0.0.1:{port}", "/echo", "sessionid=abc")
        peer.close()
    assert headers["origin"] == f"http://127.0.0.1:{port}"
    assert headers["cookie"] == "sessionid=abc"
