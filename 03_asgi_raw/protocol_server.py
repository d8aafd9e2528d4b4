"""The other half of ASGI: a protocol server. Bytes in, events to the application;
events back, bytes out.

Theory of operation, in the order in which things happen:

1. ``asyncio.start_server`` accepts a TCP connection and starts one coroutine for it,
   ``Connection.run``. Each connection has its own; all share one event loop.
2. The coroutine reads the head of one HTTP request. The head must be whole within 10 s:
   otherwise an attacker only had to open connections and say nothing. (``read_head``)
3. If the head asks for a websocket, its handshake is checked by ``ServerProtocol`` of
   the package ``websockets``. That does no I/O ("sans-I/O"): we hand it the bytes that
   came, it hands out frames, and bytes to send. The scope is made of the head, too.
4. The application is called with the scope, ``receive`` and ``send``. It decides:
   accept, close (a 403), or an HTTP answer of its own. A second coroutine reads beside
   it: a ping wants its answer while the application works. (``serve``, ``decide``)
5. In: bytes → frames → messages (fragments joined, text checked) → the inbox →
   ``receive()``. The inbox has few places. While it is full the server does not read,
   so the kernel's buffer fills, so the peer waits: backpressure. (``read_messages``)
6. Out: ``send()`` → a frame → bytes. ``send()`` returns at once, unless more than 64
   KiB wait for the peer: then it waits. Backpressure the other way round. (``send``)
7. The end is a handshake, too: each side sends a close frame, then the server closes
   the TCP connection. The code is 1000 if the application returns, 1011 if it fails,
   1012 if the server is stopped. Then a deadline runs for the peer. (``close``)
8. Every 20 s each peer gets a ping. A peer that has said nothing since the last ping is
   cut off. (``ping``)
9. Around all connections is the application's lifespan. (``server_lifespan.py``)

Borrowed: bytes from outside are parsed by ``ServerProtocol``, since a peer may break
any rule, and it knows them all. (``frames.decode`` is the same in short.) A message
that goes out needs no check. So its head is made by ``frames.head``, which is quicker.

Left out: of HTTP all but GET and HEAD, request bodies, keep-alive, answers in parts;
TLS (a proxy's work); permessage-deflate (40 KB a connection, and a few bytes may unfold
into gigabytes). Sources: RFC 6455 (websockets), RFC 9112 (HTTP/1.1), the ASGI spec.

    python protocol_server.py app:application --port 8000
"""

import argparse
import asyncio
import importlib
import logging
import os
import signal
import socket
import sys
from asyncio import StreamReader, StreamWriter
from contextlib import suppress
from pathlib import Path
from typing import cast

from asgi_types import Application
from server_connection import Connection, Tap
from server_lifespan import StartupFailedError, lifespan
from server_limits import Limits as Limits  # so that one import is enough to serve

Connections = dict["asyncio.Task[None]", Connection]


async def serve(
    application: Application,
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
    if limits is None:
        limits = Limits()
    connections: Connections = {}

    def connected(reader: StreamReader, writer: StreamWriter) -> None:
        # asyncio does this for the listeners that it makes itself, and not for ours.
        # Without it a small frame waits until the peer has confirmed the one before
        # (Nagle's algorithm, RFC 896): up to 40 ms.
        with suppress(OSError):  # the peer has left already
            peer = writer.get_extra_info("socket")
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(reader, writer, limits, tap)
        task = asyncio.create_task(connection.run(application, state))
        # The event loop keeps only weak references to its tasks: without this one the
        # task could vanish in the middle of its connection.
        connections[task] = connection
        task.add_done_callback(connections.pop)

    with listener:
        async with lifespan(application, stop, limits.shutdown) as state:
            server = await asyncio.start_server(connected, sock=listener, backlog=1024)
            try:
                await ping_until(stop, connections, limits.ping)
            finally:
                server.close()
                await end_all(connections, limits.shutdown)
    return len(connections)


async def ping_until(
    stop: asyncio.Event, connections: Connections, period: float
) -> None:
    """Ping every peer once in ``period`` seconds, until the server is stopped."""
    while not stop.is_set():
        for connection in connections.values():
            connection.ping()
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), period)


async def end_all(connections: Connections, seconds: float) -> None:
    """Say goodbye to every peer; cancel the applications that take too long.

    Args:
        connections: those that have not ended; each that ends leaves it by itself.
        seconds: how long they may take.
    """
    for connection in connections.values():
        connection.stop()
    # Twice: a cancelled application may clean up, and that takes time as well.
    for patience in (seconds, 1):
        if connections:
            await asyncio.wait(connections, timeout=patience)
        for task in connections:
            task.cancel()


# ---- the command


def load(name: str) -> Application:
    """The application called ``module:attribute``, looked for in this folder first."""
    module, _, attribute = name.partition(":")
    if not (module and attribute):
        sys.exit(f"expected MODULE:ATTRIBUTE, as app:application; got {name!r}")
    sys.path.insert(0, str(Path.cwd()))
    try:
        application = getattr(importlib.import_module(module), attribute, None)
    except ModuleNotFoundError as error:
        if not f"{module}.".startswith(f"{error.name}."):
            raise  # it exists, and imports something that does not
        sys.exit(f"there is no module {error.name!r} in {Path.cwd()}")
    if not callable(application):
        sys.exit(f"{module} has no application called {attribute!r}")
    return cast(Application, application)


async def serve_until_signal(application: Application, listener: socket.socket) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # Windows: the loop is woken from outside
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    port = listener.getsockname()[1]
    print(f"Serving on http://127.0.0.1:{port} (Ctrl+C ends it)", flush=True)
    stuck = await serve(application, listener, stop)
    if stuck:
        # asyncio.run() would wait for them, and they do not end.
        print(f"{stuck} applications ignore their cancellation", file=sys.stderr)
        os._exit(1)


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve an ASGI application.")
    parser.add_argument("application", help="MODULE:ATTRIBUTE, as app:application")
    parser.add_argument("--port", type=int, default=8000, help="0: any free one")
    arguments = parser.parse_args()
    logging.basicConfig(format="%(levelname)s: %(message)s")
    application = load(arguments.application)
    try:
        listener = socket.create_server(("127.0.0.1", arguments.port))
    except (OSError, OverflowError) as error:
        sys.exit(f"cannot listen on port {arguments.port}: {error}")
    try:
        asyncio.run(serve_until_signal(application, listener))
    except StartupFailedError as error:
        sys.exit(f"the application cannot start: {error}")


if __name__ == "__main__":
    main()
