"""The same conversations over the kernel's sockets and over `loopback`, compared."""

import asyncio
import contextlib
import errno
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import uvicorn
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from workshop.site.loopback import BACKLOG, WINDOW, Network, Transport, installed

SECONDS = 20  # for anything to happen at all; no test waits so long
HERE = "127.0.0.1"

Story = list[str]
Conversation = Callable[[Story], Awaitable[None]]


class Ear(asyncio.Protocol):
    """A protocol that writes down what its transport tells it."""

    def __init__(self, name: str, story: Story, keep_open: bool = False) -> None:
        self.name = name
        self.story = story
        self.keep_open = keep_open
        self.received = bytearray()
        self.changed = asyncio.Event()
        self.events: list[str] = []
        self.transport: asyncio.Transport

    def tell(self, event: str) -> None:
        self.events.append(event)
        self.story.append(f"{self.name}: {event}")
        self.changed.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.changed.set()

    def data_received(self, data: bytes) -> None:
        self.received += data
        self.changed.set()

    def eof_received(self) -> bool:
        self.tell(f"eof after {len(self.received)} bytes")
        return self.keep_open

    def connection_lost(self, exc: Exception | None) -> None:
        kind = "None" if exc is None else type(exc).__name__
        self.tell(f"lost {kind}")

    def pause_writing(self) -> None:
        self.tell("pause")

    def resume_writing(self) -> None:
        self.tell("resume")

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(SECONDS):
            while not is_so():
                self.changed.clear()
                await self.changed.wait()

    async def told(self, beginning: str) -> None:
        await self.until(lambda: any(e.startswith(beginning) for e in self.events))


@contextlib.asynccontextmanager
async def two_ends(
    story: Story, client_keeps_open: bool = False, server_keeps_open: bool = False
) -> AsyncIterator[tuple[Ear, Ear]]:
    """A client and the server's end of its connection."""
    loop = asyncio.get_running_loop()
    accepted: asyncio.Future[Ear] = loop.create_future()

    def factory() -> Ear:
        ear = Ear("server", story, server_keeps_open)
        accepted.set_result(ear)
        return ear

    server = await loop.create_server(factory, HERE, 0)
    port = server.sockets[0].getsockname()[1]
    _, client = await loop.create_connection(
        lambda: Ear("client", story, client_keeps_open), HERE, port
    )
    ear = await accepted
    await ear.until(lambda: hasattr(ear, "transport"))
    try:
        yield client, ear
    finally:
        for end in (client, ear):
            if "lost" not in " ".join(end.events):
                end.transport.abort()
        server.close()


async def close_after_the_last_byte(story: Story) -> None:
    async with two_ends(story) as (client, server):
        client.transport.write(b"x" * 10_000_000)
        client.transport.close()
        await server.told("lost")
        await client.told("lost")


async def half_close(story: Story) -> None:
    async with two_ends(story, server_keeps_open=True) as (client, server):
        client.transport.write(b"question")
        client.transport.write_eof()
        await server.told("eof")
        server.transport.write(b"answer")
        await client.until(lambda: client.received == b"answer")
        story.append(f"the answer came: {bytes(client.received)!r}")
        server.transport.close()
        await server.told("lost")
        await client.told("lost")


async def write_after_eof(story: Story) -> None:
    async with two_ends(story) as (client, server):
        client.transport.write_eof()
        with pytest.raises(RuntimeError, match="after write_eof"):
            client.transport.write(b"more")
        await server.told("lost")


async def write_after_close(story: Story) -> None:
    async with two_ends(story) as (client, server):
        client.transport.close()
        client.transport.write(b"too late")
        await server.told("eof")
        await client.told("lost")


async def no_bytes(story: Story) -> None:
    async with two_ends(story) as (client, server):
        client.transport.write(b"")
        with pytest.raises(TypeError):
            client.transport.write("text")  # type: ignore[arg-type]
        client.transport.close()
        await server.told("eof")


async def abort(story: Story) -> None:
    async with two_ends(story) as (client, server):
        client.transport.write(b"hello")
        await server.until(lambda: server.received == b"hello")
        client.transport.abort()
        await server.told("lost")
        await client.told("lost")


async def close_with_unread_bytes(story: Story) -> None:
    async with two_ends(story) as (client, server):
        server.transport.pause_reading()
        client.transport.write(b"nobody reads this")
        # A byte comes back, so the question has arrived in the server's kernel.
        server.transport.write(b"!")
        await client.until(lambda: client.received == b"!")
        server.transport.abort()
        await client.told("lost")


async def write_to_somebody_who_has_left(story: Story) -> None:
    async with two_ends(story, client_keeps_open=True) as (client, server):
        server.transport.close()
        await server.told("lost")
        await client.told("eof")
        # The first write is answered by a reset; a later one finds a broken pipe.
        async with asyncio.timeout(SECONDS):
            while "lost" not in " ".join(client.events):
                client.transport.write(b"hello?")
                await asyncio.sleep(0)


async def backpressure(story: Story) -> None:
    async with two_ends(story) as (client, server):
        server.transport.pause_reading()
        while "pause" not in client.events:
            client.transport.write(b"x" * 100_000)
        assert client.transport.get_write_buffer_size() > 65_536
        server.transport.resume_reading()
        await client.told("resume")
        assert client.transport.get_write_buffer_size() <= 16_384
        client.transport.close()
        await client.told("lost")


async def a_protocol_that_raises(story: Story) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(
        lambda _, context: story.append(f"{context['message']} {context['exception']}")
    )
    async with two_ends(story) as (client, server):

        def data_received(data: bytes) -> None:
            raise ValueError("I cannot read this")

        server.data_received = data_received  # type: ignore[method-assign]
        client.transport.write(b"hello")
        await server.told("lost")
        await client.told("lost")


async def nobody_listens(story: Story) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(asyncio.Protocol, HERE, 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    with pytest.raises(OSError) as refused:
        await loop.create_connection(asyncio.Protocol, HERE, port)
    story.append(f"{type(refused.value).__name__} {refused.value.errno}")


async def a_port_is_taken(story: Story) -> None:
    loop = asyncio.get_running_loop()
    first = await loop.create_server(asyncio.Protocol, HERE, 0)
    port = first.sockets[0].getsockname()[1]
    with pytest.raises(OSError) as taken:
        await loop.create_server(asyncio.Protocol, HERE, port)
    story.append(f"{errno.errorcode[taken.value.errno or 0]}")
    first.close()
    again = await loop.create_server(asyncio.Protocol, HERE, port)
    story.append("free again")
    again.close()


async def a_client_before_the_server(story: Story) -> None:
    """The kernel connects a client to a port that nobody accepts from yet."""
    loop = asyncio.get_running_loop()
    with socket.create_server((HERE, 0)) as port:
        name = port.getsockname()[:2]
        _, client = await loop.create_connection(lambda: Ear("client", story), *name)
        client.transport.write(b"early")
        accepted: asyncio.Future[Ear] = loop.create_future()

        def factory() -> Ear:
            accepted.set_result(Ear("server", story))
            return accepted.result()

        server = await loop.create_server(factory, sock=port)
        ear = await accepted
        await ear.until(lambda: ear.received == b"early")
        client.transport.close()
        await ear.told("lost")
        server.close()


async def the_port_closes_before_anybody_accepts(story: Story) -> None:
    loop = asyncio.get_running_loop()
    port = socket.create_server((HERE, 0))
    name = port.getsockname()[:2]
    _, client = await loop.create_connection(lambda: Ear("client", story), *name)
    port.close()
    await client.told("lost")


async def streams(story: Story) -> None:
    async def answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while line := await reader.readline():
            writer.write(line.upper())
            await writer.drain()
        story.append("the client has left")
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, HERE, 0)
    host, port = server.sockets[0].getsockname()[:2]
    reader, writer = await asyncio.open_connection(host, port)
    for line in (b"one\n", b"two\n"):
        writer.write(line)
        story.append((await reader.readline()).decode())
    assert writer.get_extra_info("peername") == (host, port)
    writer.write_eof()
    story.append(repr(await reader.read()))
    writer.close()
    await writer.wait_closed()
    server.close()


async def a_websocket(story: Story) -> None:
    async def handler(websocket) -> None:  # type: ignore[no-untyped-def]
        async for message in websocket:
            await websocket.send(message * 2)
        story.append(f"server: closed with {websocket.close_code}")

    async with serve(handler, HERE, 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with connect(f"ws://{HERE}:{port}/") as websocket:
            await websocket.send("ha")
            story.append(str(await websocket.recv()))
            await websocket.send("x" * 500_000)
            story.append(str(len(await websocket.recv())))


async def uvicorn_with_an_asgi_application(story: Story) -> None:
    async def application(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        assert scope["type"] == "websocket"
        await receive()
        await send({"type": "websocket.accept"})
        event = await receive()
        await send({"type": "websocket.send", "text": event["text"] + "!"})
        await send({"type": "websocket.close", "code": 4001, "reason": "enough"})

    config = uvicorn.Config(application, lifespan="off", log_level="warning")
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]
    with socket.create_server((HERE, 0)) as port:
        serving = asyncio.create_task(server.serve(sockets=[port]))
        name = port.getsockname()
        async with connect(f"ws://{name[0]}:{name[1]}/") as websocket:
            await websocket.send("ping")
            story.append(str(await websocket.recv()))
            with pytest.raises(ConnectionClosed):
                await websocket.recv()
            story.append(f"{websocket.close_code} {websocket.close_reason}")
        server.should_exit = True
        await serving


async def names_and_options(story: Story) -> None:
    """A program finds the addresses in the transport's socket, and sets options."""
    async with two_ends(story) as (client, server):
        ours = client.transport.get_extra_info("socket")
        theirs = server.transport.get_extra_info("socket")
        assert ours.getsockname() == theirs.getpeername()
        assert theirs.getsockname() == ours.getpeername()
        ours.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        story.append(f"{ours.getsockname()[0]} {ours.family.name}")


async def a_port_as_text(story: Story) -> None:
    """A program has cut the port out of an address, and not made a number of it."""

    async def answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(await reader.readline())
        writer.close()

    server = await asyncio.start_server(answer, HERE, 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        reader, writer = await asyncio.open_connection(host, str(port))
        writer.write(b"ping\n")
        story.append((await reader.read()).decode())
        writer.close()


CONVERSATIONS: list[Conversation] = [
    names_and_options,
    a_port_as_text,
    close_after_the_last_byte,
    half_close,
    write_after_eof,
    write_after_close,
    no_bytes,
    abort,
    close_with_unread_bytes,
    write_to_somebody_who_has_left,
    backpressure,
    a_protocol_that_raises,
    nobody_listens,
    a_port_is_taken,
    a_client_before_the_server,
    the_port_closes_before_anybody_accepts,
    streams,
    a_websocket,
    uvicorn_with_an_asgi_application,
]


def listen_and_tell(conversation: Conversation, in_memory: bool) -> dict[str, Story]:
    """What each end has told, in its own order: between the two there is none."""

    async def main() -> Story:
        story: Story = []
        loop = asyncio.get_running_loop()
        place = installed(loop) if in_memory else contextlib.nullcontext()
        with place:
            async with asyncio.timeout(2 * SECONDS):
                await conversation(story)
        return story

    with asyncio.Runner() as runner:
        story = runner.run(main())
    ends: dict[str, Story] = {}
    for line in story:
        end, colon, _ = line.partition(": ")
        ends.setdefault(end if colon else "", []).append(line)
    return ends


@pytest.mark.skipif(sys.platform == "win32", reason="compares with a selector loop")
@pytest.mark.parametrize("conversation", CONVERSATIONS, ids=lambda c: c.__name__)
def test_a_conversation_goes_in_memory_as_it_goes_over_the_kernel(
    conversation: Conversation,
) -> None:
    over_the_kernel = listen_and_tell(conversation, in_memory=False)
    in_memory = listen_and_tell(conversation, in_memory=True)
    assert over_the_kernel
    assert in_memory == over_the_kernel


async def test_the_window_holds_what_a_reader_has_not_asked_for_yet() -> None:
    with installed(asyncio.get_running_loop()):
        async with two_ends([]) as (client, server):
            server.transport.pause_reading()
            client.transport.write(b"x" * (WINDOW + 10))
            assert client.transport.get_write_buffer_size() == 10
            server.transport.resume_reading()
            await server.until(lambda: len(server.received) == WINDOW + 10)


async def test_a_client_waits_while_the_backlog_is_full() -> None:
    loop = asyncio.get_running_loop()
    with installed(loop), socket.create_server((HERE, 0), backlog=1) as port:
        name = port.getsockname()
        first, _ = await loop.create_connection(asyncio.Protocol, *name)
        second = asyncio.create_task(loop.create_connection(asyncio.Protocol, *name))
        await asyncio.sleep(0)
        assert not second.done()
        server = await loop.create_server(asyncio.Protocol, sock=port)
        third, _ = await second
        first.close()
        third.close()
        server.close()
        await server.wait_closed()


async def test_a_server_has_closed_when_its_last_connection_has_ended() -> None:
    with installed(asyncio.get_running_loop()):
        async with two_ends([]) as (client, server):
            owner = server.transport._server  # type: ignore[attr-defined]
            owner.close()
            waiting = asyncio.create_task(owner.wait_closed())
            await asyncio.sleep(0)
            assert not waiting.done()
            client.transport.close()
            await waiting


async def test_another_machine_and_tls_are_refused_in_words() -> None:
    loop = asyncio.get_running_loop()
    with installed(loop):
        with pytest.raises(OSError, match=r"'example\.org' is another machine"):
            await loop.create_connection(asyncio.Protocol, "example.org", 80)
        with pytest.raises(ValueError, match="no TLS"):
            await loop.create_connection(asyncio.Protocol, HERE, 443, ssl=True)
        with pytest.raises(ValueError, match="no kernel sockets"):
            await loop.create_connection(asyncio.Protocol, sock=object())
        with pytest.raises(TypeError, match=r"socket\.create_server"):
            await loop.create_server(asyncio.Protocol, sock=object())


async def test_the_loop_has_its_own_sockets_again_after_the_block() -> None:
    loop = asyncio.get_running_loop()
    before = socket.create_server
    with installed(loop) as network:
        assert isinstance(network, Network)
        assert socket.create_server is not before
    assert socket.create_server is before
    server = await loop.create_server(asyncio.Protocol, HERE, 0)
    assert server.sockets[0].fileno() >= 0
    server.close()


def test_a_transport_takes_marks_only_in_their_order() -> None:
    assert BACKLOG > 0
    with asyncio.Runner() as runner:

        async def main() -> None:
            with installed(asyncio.get_running_loop()):
                async with two_ends([]) as (client, _):
                    transport = client.transport
                    assert isinstance(transport, Transport)
                    assert transport.get_write_buffer_limits() == (16_384, 65_536)
                    with pytest.raises(ValueError, match="must be >="):
                        transport.set_write_buffer_limits(high=1, low=2)

        runner.run(main())
