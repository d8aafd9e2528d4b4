"""The other half of ASGI: a protocol server. Bytes in, events to the application;
events back, bytes out.

Theory of operation, in the order in which things happen:

1. `asyncio.start_server` accepts a TCP connection and starts one coroutine for it,
   `Server.connection`. Each has its own; all of them share one event loop.
2. It reads the head of one HTTP request. That must be whole within a time limit: to
   open connections and say nothing would else be the cheapest of attacks.
3. From the head comes the scope (scope.py). A head that asks for a websocket has its
   handshake checked by `websockets`' `ServerProtocol`, which does no I/O ("sans-I/O"):
   we hand it the bytes that came, it hands out frames and the bytes to send.
4. The application is called with the scope, `receive` and `send`. For a websocket, a
   second coroutine reads beside it, since pings want an answer while it is at work.
5. In: bytes → frames → messages (fragments joined, text checked) → the inbox, a queue
   with few places → `receive()`. An application that is behind leaves the inbox full,
   so nobody reads, so the kernel's buffer fills, so the peer must wait: backpressure.
6. Out: `send()` → a frame → bytes. It returns at once, unless the peer is behind by
   more than 64 KiB: then it waits. Backpressure again, in the other direction.
7. The end is a handshake, too: each side sends a close frame, then the server closes.
   We say 1000 where the application returns, 1011 where it fails, 1012 where the server
   is stopped. Then a deadline runs: who does not answer in time is cut off.
8. Every 20 s everyone gets a ping. Who has not been heard of since the last is cut off.

Limits, on purpose: of HTTP, GET and HEAD, no request bodies, no keep-alive; no TLS (a
proxy's work); no permessage-deflate (40 KB a connection, and a few bytes may unfold
into gigabytes). Sources: RFC 6455 (websockets), RFC 9112 (HTTP/1.1), the ASGI spec.

    python protocol_server.py app:application --port 8000
"""

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, cast

from asgiref.typing import ASGI3Application
from command_line import CommandError, listen, load
from http_answer import HTTPAnswer
from limits import Limits
from scope import http_scope, wants_websocket, websocket_scope
from server_lifespan import Lifespan, StartupFailedError
from websocket_events import WebSocket, call
from websockets.frames import CloseCode
from websockets.http11 import Request
from websockets.server import ServerProtocol
from wire import LONGEST_HEAD, PeerLeftError, Tap, Wire

log = logging.getLogger("protocol_server")


class Server:
    """All connections of one application."""

    def __init__(
        self,
        application: ASGI3Application,
        state: dict[str, Any],
        limits: Limits,
        tap: Tap | None,
    ) -> None:
        self.application, self.state = application, state
        self.limits, self.tap = limits, tap
        self.connections: set[asyncio.Task[Any]] = set()
        self.openings: set[asyncio.Task[Any]] = set()  # those without a whole head yet
        self.websockets: set[WebSocket] = set()

    async def connection(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """The one coroutine of each connection, from its first byte to its last."""
        wire = Wire(reader, writer, self.tap)
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        self.connections.add(task)
        try:
            protocol = ServerProtocol(max_size=self.limits.message)
            if (request := await self.opening(wire, protocol)) is not None:
                if wants_websocket(request):
                    await self.websocket(wire, protocol, request)
                else:
                    await self.http(wire, request)
                await wire.hang_up(self.limits.close)
        except PeerLeftError:
            pass  # it did not wait for our answer
        except asyncio.CancelledError:
            pass  # by end_all(), which waits for us; asyncio's streams would complain
        finally:
            wire.cut()
            self.connections.discard(task)

    async def opening(self, wire: Wire, protocol: ServerProtocol) -> Request | None:
        """The parsed head of the request. None: there is none, or it was refused."""
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        self.openings.add(task)
        try:
            async with asyncio.timeout(self.limits.handshake):
                head = await wire.read_head()
        except TimeoutError:
            return None
        except asyncio.LimitOverrunError:
            await self.refuse(wire, 431, f"a head of over {LONGEST_HEAD} bytes")
            return None
        finally:
            self.openings.discard(task)
        if head is None:
            return None
        protocol.receive_data(head)
        if events := protocol.events_received():
            return cast(Request, events[0])
        if answer := b"".join(protocol.data_to_send()):  # 414, 431: a line is too long
            wire.write(answer)
            await wire.hang_up(self.limits.close)
            return None
        assert protocol.handshake_exc is not None
        await self.refuse(wire, 400, str(protocol.handshake_exc.__cause__))
        return None

    async def refuse(self, wire: Wire, status: int, why: str) -> None:
        await HTTPAnswer(wire, "GET").say(status, f"{why}\n")
        await wire.hang_up(self.limits.close)

    async def websocket(
        self, wire: Wire, protocol: ServerProtocol, request: Request
    ) -> None:
        response = protocol.accept(request)
        if response.status_code != 101:  # the handshake breaks RFC 6455, 4.2.1
            wire.write(response.serialize())
            return
        scope = websocket_scope(request, wire.client, wire.server, self.state)
        websocket = WebSocket(wire, self.limits, protocol, response, scope)
        self.websockets.add(websocket)
        try:
            await websocket.run(self.application)
        finally:
            self.websockets.discard(websocket)

    async def http(self, wire: Wire, request: Request) -> None:
        scope = http_scope(request, wire.client, wire.server, self.state)
        answer = HTTPAnswer(wire, request.method)
        events = iter([{"type": "http.request", "body": b"", "more_body": False}])
        leaving = asyncio.create_task(wire.read_to_end())

        async def receive() -> Any:
            for event in events:  # the first time; then:
                return event
            if not answer.complete:
                await asyncio.wait([leaving])
            return {"type": "http.disconnect"}

        try:
            well = await call(self.application, scope, receive, answer.send)
            if not answer.started:
                if well and not leaving.done():
                    log.error("the application gave no answer at %r", scope["path"])
                await answer.say(500, "The application gave no answer.\n")
            elif not answer.complete:
                wire.reset()  # a body that breaks off must not look like a whole one
        finally:
            leaving.cancel()
            await asyncio.wait([leaving])

    async def keep_alive(self) -> None:
        """One for all: a timer for each connection would cost more than it gives."""
        while True:
            await asyncio.sleep(self.limits.ping)
            for websocket in list(self.websockets):
                websocket.ping()

    async def end_all(self) -> int:
        """Say goodbye to everyone, wait, insist; how many applications did not obey."""
        for opening in self.openings:
            opening.cancel()
        for websocket in list(self.websockets):
            websocket.close(CloseCode.SERVICE_RESTART)
        if self.connections:
            await asyncio.wait(self.connections, timeout=self.limits.shutdown)
        for task in self.connections:
            task.cancel()
        if self.connections:
            await asyncio.wait(self.connections, timeout=1)
        return len(self.connections)


async def until(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Do the work, but leave it when ``stop`` is set: it might never end by itself."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    working.cancel()  # does nothing to one that is done
    with suppress(asyncio.CancelledError):
        await working


async def serve(
    application: ASGI3Application,
    listener: socket.socket,
    stop: asyncio.Event,
    *,
    limits: Limits | None = None,
    tap: Tap | None = None,
) -> int:
    """Serve an application until ``stop`` is set, or this is cancelled.

    Args:
        application: an ASGI 3 application.
        listener: a bound TCP socket; it is closed at the end.
        stop: set it to end. Every open websocket is closed with 1012.
        limits: other ones than the usual.
        tap: is told all bytes and events, as ``tap(client, direction, kind, data)``
            with the client's address as in the scope, "in" or "out", and "bytes" or
            "event".

    Returns:
        The number of applications that go on, though they have been cancelled.

    Raises:
        StartupFailedError: the application's lifespan said that it cannot start.
    """
    limits = limits or Limits()
    with listener:
        lifespan = Lifespan(application)
        try:
            await until(stop, lifespan.start())
            server = Server(application, lifespan.state, limits, tap)
            listening = await asyncio.start_server(
                server.connection, sock=listener, limit=LONGEST_HEAD, backlog=1024
            )
            pinging = asyncio.create_task(server.keep_alive())
            try:
                await stop.wait()
            finally:
                listening.close()
                pinging.cancel()
                stuck = await server.end_all()
        finally:
            await lifespan.stop(limits.shutdown)
    return stuck


async def serve_until_signal(application: ASGI3Application, port: int) -> None:
    listener = listen(port)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # Windows: the loop is woken from outside
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    port = listener.getsockname()[1]
    print(f"Serving on http://127.0.0.1:{port} (Ctrl+C ends it)", flush=True)
    if stuck := await serve(application, listener, stop):
        # asyncio.run() would wait for them, and they do not end.
        print(f"{stuck} applications ignore their cancellation", file=sys.stderr)
        os._exit(1)


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve an ASGI application.")
    parser.add_argument("application", help="MODULE:ATTRIBUTE, as app:application")
    parser.add_argument("--port", type=int, default=8000, help="0: any free one")
    arguments = parser.parse_args()
    logging.basicConfig(format="%(levelname)s: %(message)s")
    try:
        application = load(arguments.application)
        asyncio.run(serve_until_signal(application, arguments.port))
    except CommandError as error:
        parser.exit(2, f"{error}\n")
    except StartupFailedError as error:
        parser.exit(3, f"the application cannot start: {error}\n")


if __name__ == "__main__":
    main()
