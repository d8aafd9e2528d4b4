"""The other half of ASGI: a protocol server. Bytes in, events to the application;
events back, bytes out.

Theory of operation, in the order in which things happen:

1. `asyncio.start_server` accepts a TCP connection and starts one coroutine for it,
   `Connection.run`. Each has its own; all of them share one event loop. (`run`)
2. It reads the head of one HTTP request. That must be whole within 10 s: to open
   connections and say nothing would else be the cheapest of attacks. (`opening`)
3. A head that asks for a websocket has its handshake checked by `websockets`'
   `ServerProtocol`, which does no I/O ("sans-I/O"): we hand it the bytes that came, it
   hands out frames and the bytes to send. From the head comes the scope (scope.py).
   (`opening`, `conversation`)
4. The application is called with the scope, `receive` and `send`. It decides: accept,
   close (a 403), or an HTTP answer of its own (http_answer.py). A second coroutine
   reads beside it, since pings want an answer while it is at work. (`conversation`,
   `decide`)
5. In: bytes → frames → messages (fragments joined, text checked) → the inbox →
   `receive()`. The inbox has few places. While it is full nobody reads, so the kernel's
   buffer fills, so the peer must wait: backpressure. (`read_messages`, `message`)
6. Out: `send()` → a frame → bytes. It returns at once, unless the peer is behind by
   more than 64 KiB: then it waits. Backpressure again, in the other direction. (`send`)
7. The end is a handshake, too: each side sends a close frame, then the server closes.
   We say 1000 where the application returns, 1011 where it fails, 1012 where the server
   is stopped. Then a deadline runs: who does not answer in time is cut off. (`close`,
   `expect_end`)
8. Every 20 s everyone gets a ping. Who has not been heard of since the last is cut off.
   (`ping`)
9. Around all connections is the application's lifespan (server_lifespan.py). (`serve`)

Borrowed: what comes in is parsed by `ServerProtocol`, since a peer may break any rule,
and it knows them all and unmasks in C (`frames.decode` is the same in short). A message
that goes out needs no check, so its head is made by `frames.head`, which is quicker.

Limits, on purpose: of HTTP, GET and HEAD, no request bodies, no keep-alive, and answers
are sent once they are whole; no TLS (a proxy's work); no permessage-deflate (40 KB a
connection, and a few bytes may unfold into gigabytes). Sources: RFC 6455 (websockets),
RFC 9112 (HTTP/1.1), the ASGI spec.

    python protocol_server.py app:application --port 8000
"""

import argparse
import asyncio
import codecs
import importlib
import logging
import os
import signal
import socket
import sys
from asyncio import StreamReader, StreamWriter
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import frames
from asgiref.typing import ASGI3Application
from http_answer import HTTPAnswer, accepting
from scope import Address, make_scope
from server_lifespan import StartupFailedError, lifespan
from websockets.exceptions import InvalidMessage
from websockets.frames import BINARY, CONT, TEXT, CloseCode
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol

CHUNK = 65_536  # bytes to read at once, and to keep for a peer that reads too slowly
log = logging.getLogger("protocol_server")

# Called with the client's address, "in" or "out", "bytes" or "event", and the data.
Tap = Callable[[Address, str, str, Any], None]


@dataclass(frozen=True)
class Limits:
    """What a server must not leave to its peers: how much, how often and how long."""

    handshake: float = 10.0  # seconds for the head of a request
    ping: float = 20.0  # seconds between two pings
    close: float = 3.0  # seconds for the peer's part of a goodbye
    shutdown: float = 5.0  # seconds for everyone to end, once the server is stopped
    message: int = 2**24  # bytes of a message, all fragments together
    fragments: int = 100_000  # of a message: empty ones are free of bytes, not of work
    inbox: int = 8  # messages that wait for the application


class PeerLeftError(ConnectionError):
    """An OSError, as the ASGI spec asks: ``send()`` to a peer that has left."""


class Connection:
    """One TCP connection, from its first byte to its last."""

    def __init__(
        self,
        reader: StreamReader,
        writer: StreamWriter,
        limits: Limits,
        tap: Tap | None,
    ) -> None:
        self.reader, self.writer, self.transport = reader, writer, writer.transport
        self.limits, self.tap, self.loop = limits, tap, asyncio.get_running_loop()
        nobody = ("", 0)  # a peer may be gone before anyone looks
        self.client: Address = (writer.get_extra_info("peername") or nobody)[:2]
        self.server: Address = (writer.get_extra_info("sockname") or nobody)[:2]
        self.protocol = ServerProtocol(max_size=limits.message)
        self.scope: Any = None  # until there is a whole head
        self.http: HTTPAnswer  # no value until then, either
        self.response: Response  # the 101; no value until a websocket is asked for
        self.answered = self.loop.create_future()  # done once the request is answered
        # asyncio.Queue(8) would do, but costs 10 % more instructions a message.
        self.inbox: deque[Any] = deque()
        self.waiter: asyncio.Future[None] | None = None  # see wait()
        self.fragments: list[Any] = []  # of a message whose end is still to come
        self.is_text = False  # they are; until a message's first frame says so
        self.utf8 = codecs.getincrementaldecoder("utf-8")()
        self.heard = True  # from the peer, since the last ping
        self.closed = False  # by the application
        self.over = False  # the inbox has got its last event
        # Cuts the peer off: first if its head is late; after a goodbye, if its end is
        # late.
        self.deadline = self.loop.call_later(limits.handshake, self.transport.abort)

    async def run(self, application: ASGI3Application, state: dict[str, Any]) -> None:
        """The one coroutine of each connection."""
        try:
            if (request := await self.opening()) is not None:
                await self.conversation(application, request, state)
            self.flush()
            # Read and drop until the peer has closed, too. To close both directions at
            # once would answer what still comes with a reset, and a reset throws away
            # what the peer has not read yet.
            while data := await self.reader.read(CHUNK):
                if self.tap:
                    self.tap(self.client, "in", "bytes", data)
                if not self.protocol.eof_sent:  # its close frame is still to come
                    self.protocol.receive_data(data)
                    self.flush()
        except (OSError, EOFError):
            pass  # the peer has left, or took too long for its head
        finally:
            self.deadline.cancel()
            self.transport.abort()

    async def opening(self) -> Request | None:
        """The head of the request; None: it has been refused."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            self.answer(self.protocol.reject(431, "The head is too long.\n"))
            return None
        self.deadline.cancel()
        if self.tap:
            self.tap(self.client, "in", "bytes", head)
        self.protocol.receive_data(head)
        if events := self.protocol.events_received():
            return cast(Request, events[0])
        fault = self.protocol.handshake_exc
        if isinstance(fault, InvalidMessage):  # other faults it answers by itself
            self.write(self.protocol.reject(400, f"{fault.__cause__}\n").serialize())
        return None

    async def conversation(
        self, application: ASGI3Application, request: Request, state: dict[str, Any]
    ) -> None:
        """Call the application, read beside it, and say goodbye for it."""
        self.scope = make_scope(request, self.client, self.server, state)
        self.http = HTTPAnswer(self.scope)
        if self.scope["type"] == "http":
            self.put({"type": "http.request", "body": b"", "more_body": False})
        else:
            self.put({"type": "websocket.connect"})
            self.response = self.protocol.accept(request)
            if self.response.status_code != 101:  # the head breaks RFC 6455, 4.2.1
                self.answer(self.response)
                return
        code = CloseCode.NORMAL_CLOSURE
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(self.read_messages())
            try:
                try:
                    await application(self.scope, self.receive, self.send)
                except* PeerLeftError:
                    pass  # alone or among others, it is nobody's fault
            except Exception:
                log.exception("the application failed at %r", self.scope["path"])
                code = CloseCode.INTERNAL_ERROR
            reading.cancel()
        if self.protocol.state is State.OPEN:
            self.close(code)
        elif self.protocol.state is State.CONNECTING and not self.protocol.eof_sent:
            if code == CloseCode.NORMAL_CLOSURE:
                log.error("expected an answer, none came at %r", self.scope["path"])
            self.answer(self.protocol.reject(500, "The application gave no answer.\n"))

    # ---- in: bytes → frames → messages → events

    async def read_messages(self) -> None:
        """The coroutine beside the application: fill the inbox, to the last event."""
        protocol, inbox = self.protocol, self.inbox
        try:
            while not protocol.eof_sent and (data := await self.reader.read(CHUNK)):
                if self.tap:
                    self.tap(self.client, "in", "bytes", data)
                await self.answered  # what comes before that waits
                self.heard = True
                protocol.receive_data(data)
                for frame in protocol.events_received():
                    event = self.message(frame)
                    if event is None:  # nothing whole, or a ping, and this is its pong
                        self.flush()
                        await self.drain()  # a flood of pings must not fill the memory
                    elif not self.closed:
                        while len(inbox) >= self.limits.inbox:
                            await self.wait()
                        self.put(event)
        except UnicodeDecodeError as error:  # RFC 6455, 8.1: fail the connection
            protocol.fail(CloseCode.INVALID_DATA, error.reason)
        except OverflowError as error:
            protocol.fail(CloseCode.MESSAGE_TOO_BIG, str(error))
        except OSError:
            pass  # a reset. A peer that closes only its own direction has left, too
        protocol.receive_eof()  # from here on, send() is too late
        self.flush()
        self.over = True
        if self.scope["type"] == "http":
            self.put({"type": "http.disconnect"})
        else:
            end = protocol.close_rcvd or protocol.close_sent
            code, reason = (int(end.code), end.reason) if end else (1006, "")
            self.put({"type": "websocket.disconnect", "code": code, "reason": reason})

    def message(self, frame: Any) -> dict[str, Any] | None:
        """The event of a message, once its last frame is here (RFC 6455, 5.4)."""
        if frame.opcode is TEXT and frame.fin:  # nearly all of them, so the fast way
            return {"type": "websocket.receive", "text": frame.data.decode()}
        if frame.opcode not in (TEXT, BINARY, CONT):
            return None  # ServerProtocol has answered it
        if frame.opcode is not CONT:
            self.is_text = frame.opcode is TEXT
        if len(self.fragments) == self.limits.fragments:
            raise OverflowError(f"expected at most {self.limits.fragments} fragments")
        data = self.utf8.decode(frame.data, frame.fin) if self.is_text else frame.data
        self.fragments.append(data)
        if not frame.fin:
            return None
        fragments, self.fragments = self.fragments, []
        if self.is_text:
            return {"type": "websocket.receive", "text": "".join(fragments)}
        return {"type": "websocket.receive", "bytes": b"".join(fragments)}

    def put(self, event: dict[str, Any]) -> None:
        self.inbox.append(event)
        self.wake()

    async def receive(self) -> Any:
        """The application's ``receive``.

        Raises:
            RuntimeError: after the last event, or while another ``receive()`` waits.
        """
        while not self.inbox:
            if self.over:
                raise RuntimeError("receive() after the last event; it ends the loop")
            await self.wait()
        event = self.inbox.popleft()
        self.wake()
        if self.tap:
            self.tap(self.client, "in", "event", event)
        return event

    def wait(self) -> "asyncio.Future[None]":
        """To be awaited: by the application for an event, by the reader for a place.

        One is enough, since an inbox is never empty and full at once.
        """
        if self.waiter is not None and not self.waiter.done():
            raise RuntimeError("expected one receive() at a time, got a second one")
        self.waiter = self.loop.create_future()
        return self.waiter

    def wake(self) -> None:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    # ---- out: events → frames → bytes

    async def send(self, event: Any) -> None:
        """The application's ``send``.

        Raises:
            PeerLeftError: an OSError; the peer or the server has ended it.
            RuntimeError: an event that cannot come now, or does not exist.
            ValueError: an event that says nothing, or nothing that may be sent.
        """
        if self.tap:
            self.tap(self.client, "out", "event", event)
        kind, state = event["type"], self.protocol.state
        if self.closed:
            raise RuntimeError(f"expected nothing after websocket.close; {kind} came")
        if state is State.CONNECTING:
            self.decide(event)
        elif state is not State.OPEN or self.transport.is_closing():
            raise PeerLeftError(f"{kind} is too late: {self.client} has left")
        elif kind == "websocket.send":
            text = event.get("text")
            data = event.get("bytes") if text is None else text.encode()
            if data is None:
                raise ValueError("expected text or bytes in websocket.send, got none")
            opcode = BINARY if text is None else TEXT
            # The same bytes as protocol.send_text() makes, in a tenth of its time.
            self.write(frames.head(0x80 | opcode, 0, len(data)) + data)
        elif kind == "websocket.close":
            self.close(event.get("code", 1000), event.get("reason") or "")
            self.closed = True
        else:
            raise RuntimeError(
                f"expected websocket.send or websocket.close; {kind} came"
            )
        if self.transport.get_write_buffer_size() > CHUNK:
            await self.drain()

    def decide(self, event: Any) -> None:
        """The answer to the head is the application's to give."""
        undecided = self.scope["type"] == "websocket" and self.http.response is None
        if undecided and event["type"] == "websocket.accept":
            for name, value in accepting(event, self.scope["subprotocols"]):
                self.response.headers[name] = value  # adds, and replaces nothing
            self.answer(self.response)
        elif undecided and event["type"] == "websocket.close":
            self.closed = True
            self.answer(self.protocol.reject(403, "Refused by the application.\n"))
        elif undecided and not event["type"].startswith("websocket.http.response."):
            raise RuntimeError(
                "expected websocket.accept, websocket.close or websocket.http.response "
                f"to answer the handshake; {event['type']} came"
            )
        elif (response := self.http.take(event)) is not None:
            self.answer(response)

    def answer(self, response: Response) -> None:
        """Answer the head: with 101 the websocket is open, all else is the end."""
        self.protocol.send_response(response)
        self.flush()
        if not self.answered.done():
            self.answered.set_result(None)

    def flush(self) -> None:
        """Write what the protocol wants to send."""
        for data in self.protocol.data_to_send():
            if self.transport.is_closing():
                return  # nobody would read it
            if data:
                self.write(data)
            else:  # SEND_EOF: our direction ends; the peer's is to follow
                with suppress(OSError):
                    self.writer.write_eof()
                self.expect_end()

    def write(self, data: bytes) -> None:
        if self.tap:
            self.tap(self.client, "out", "bytes", data)
        self.transport.write(data)

    async def drain(self) -> None:
        """Wait until the peer has read most of what is kept for it."""
        try:
            await self.writer.drain()
        except OSError:
            raise PeerLeftError(f"{self.client} has left") from None

    # ---- the end, and the sign of life

    def close(self, code: int, reason: str = "") -> None:
        """Say goodbye, unless somebody has; the peer's close frame is to follow."""
        if self.protocol.state is State.OPEN:
            self.protocol.send_close(code, reason)
            self.flush()
            self.expect_end()

    def expect_end(self) -> None:
        """Cut the peer off where it does not end the connection in time."""
        self.deadline.cancel()
        self.deadline = self.loop.call_later(self.limits.close, self.transport.abort)

    def ping(self) -> None:
        """Ask for a sign of life, or end it where the last one did not come."""
        # If the inbox is full we have not been reading, so silence proves nothing.
        behind = len(self.inbox) >= self.limits.inbox
        if self.protocol.state is State.OPEN and (self.heard or behind):
            self.heard = behind
            self.protocol.send_ping(b"")
            self.flush()
        elif self.protocol.state is State.OPEN:
            self.transport.abort()


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
    connections: dict[asyncio.Task[None], Connection] = {}

    def connected(reader: StreamReader, writer: StreamWriter) -> None:
        # asyncio does this for the listeners that it makes itself, and not for ours.
        # Without it a small frame waits until the peer has confirmed the one before
        # (Nagle's algorithm, RFC 896): up to 40 ms.
        with suppress(OSError):  # the peer has left already
            peer = writer.get_extra_info("socket")
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(reader, writer, limits, tap)
        task = asyncio.create_task(connection.run(application, state))
        connections[task] = connection
        task.add_done_callback(connections.pop)

    with listener:
        async with lifespan(application, stop, limits.shutdown) as state:
            server = await asyncio.start_server(connected, sock=listener, backlog=1024)
            try:
                while not stop.is_set():
                    for connection in connections.values():
                        connection.ping()
                    with suppress(TimeoutError):
                        await asyncio.wait_for(stop.wait(), limits.ping)
            finally:
                server.close()
                for connection in connections.values():
                    if connection.scope is None:  # it has not asked for anything yet
                        connection.transport.abort()
                    connection.close(CloseCode.SERVICE_RESTART)
                for seconds in (limits.shutdown, 1):  # wait, then insist
                    if connections:
                        await asyncio.wait(connections, timeout=seconds)
                    for task in connections:
                        task.cancel()
    return len(connections)


# ---- the command


def load(name: str) -> ASGI3Application:
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
    return cast(ASGI3Application, application)


async def serve_until_signal(
    application: ASGI3Application, listener: socket.socket
) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
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
