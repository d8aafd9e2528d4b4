"""TCP inside one process: asyncio's transports, with no kernel below them.

A page in a browser has an event loop and no sockets. With this module, unmodified
servers and clients talk to each other there: uvicorn, websockets, ``asyncio.streams``.
It works on every event loop, so its tests compare it with real sockets.

This is what a kernel does between two sockets, and all of it is kept here:

1. **A connection is two pipes**, one for each direction. They know nothing of each
   other: one may be closed while the other is still used (*half-close*).
2. **A window.** The kernel takes bytes from the writer before the reader asks for them,
   but only so many: `WINDOW`. More bytes stay with the writer.
3. **Backpressure.** Bytes that the kernel does not take wait in the writer's transport.
   Above the high-water mark, the transport calls ``pause_writing()``, so that
   ``await drain()`` waits. Below the low-water mark it calls ``resume_writing()``.
4. **The end** comes in two forms. A *FIN* says "no more bytes", after the last one. A
   *reset* (RST) says "nobody is here". A kernel sends a reset when bytes come for a
   socket that has been closed, and when a socket is closed with unread bytes in it.
5. **Ports and the backlog.** A port has at most one listener. The kernel completes the
   handshake by itself: a client is connected, and may write, before the server accepts.
   At most ``backlog`` connections wait to be accepted. Without a listener there is a
   refusal.

Not kept are segments, loss, delay, TLS, UDP, names other than this machine's,
and ``socket.socket`` itself. A transport here has no file descriptor.

Rules of this file: only `Pipe` touches bytes. Only `Transport` calls a protocol, and it
does so from the event loop alone, never from inside a call that the protocol has made
(one exception, as in asyncio: ``pause_writing`` comes from inside ``write``).

Sources: RFC 9293 (3.6 closing, 3.8.6 window, 3.10.7.1 reset of a closed connection);
docs.python.org/3/library/asyncio-protocol.html
"""

import asyncio
import errno
import itertools
import os
import socket
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Address = tuple[str, int]
Factory = Callable[[], asyncio.BaseProtocol]

HERE = "127.0.0.1"
NAMES = {None, "", "127.0.0.1", "0.0.0.0", "localhost", "::1", "::"}
FIRST_PORT = 49_152  # RFC 6335, 6: the dynamic ports begin here

WINDOW = 2_500_000  # bytes; Linux keeps about as many between two local sockets
READ_AT_ONCE = 262_144  # bytes in one data_received(), as in asyncio
HIGH_WATER = 65_536  # bytes, asyncio's own limit
BACKLOG = 100  # connections that wait to be accepted


class Pipe:
    """One direction of a connection.

    Attributes:
        waiting: bytes in the writer's transport. The kernel has no room for them yet.
        arrived: bytes in the kernel. The writer is rid of them, the reader has not read
            them.
        finished: the writer writes no more. The FIN comes after the last byte.
        reader_left: nobody reads any more. Bytes that come now are answered by a reset.
        reset: the reset has been sent, back to the writer.
    """

    def __init__(self, window: int) -> None:
        self.window = window
        self.waiting = bytearray()
        self.arrived = bytearray()
        self.finished = False
        self.reader_left = False
        self.reset = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take bytes from the writer's protocol."""
        if self.reader_left:
            # The bytes cross the wire, and a reset comes back.
            self.reset = True
            return
        self.waiting += data
        self._fill()

    def read(self) -> bytes:
        """Give the reader what has arrived, at most `READ_AT_ONCE` bytes."""
        data = bytes(self.arrived[:READ_AT_ONCE])
        del self.arrived[:READ_AT_ONCE]
        self._fill()
        return data

    def is_at_end(self) -> bool:
        """Is there a FIN, and nothing before it?"""
        return self.finished and not self.waiting and not self.arrived

    def _fill(self) -> None:
        room = self.window - len(self.arrived)
        self.arrived += self.waiting[:room]
        del self.waiting[:room]


class SocketOf:
    """The stand-in for a transport's socket: two names, and options.

    Args:
        own: host and port of this end.
        peer: host and port of the other end.
    """

    family = socket.AF_INET
    type = socket.SOCK_STREAM

    def __init__(self, own: Address, peer: Address) -> None:
        self._own = own
        self._peer = peer

    def getsockname(self) -> Address:
        return self._own

    def getpeername(self) -> Address:
        return self._peer

    def fileno(self) -> int:
        return -1

    def setsockopt(self, *option: Any) -> None:
        """There is no kernel to listen to an option."""


class Transport(asyncio.Transport):
    """One end of a connection.

    Args:
        loop: the event loop that calls the protocol.
        outgoing: the pipe that this end writes into.
        incoming: the pipe that this end reads from.
        own: host and port of this end.
        peer: host and port of the other end.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        outgoing: Pipe,
        incoming: Pipe,
        own: Address,
        peer: Address,
    ) -> None:
        stand_in = SocketOf(own, peer)
        super().__init__({"sockname": own, "peername": peer, "socket": stand_in})
        self._loop = loop
        self._outgoing = outgoing
        self._incoming = incoming
        self._protocol: Any = None

        # The other end's transport; None as long as the server has not accepted.
        self._other: Transport | None = None
        self._server: Server | None = None

        self._reading = False  # the loop calls data_received()
        self._heard_end = False  # eof_received() has been called
        self._writing_paused = False  # pause_writing() has been called
        self._closing = False  # close() or abort() has been called
        self._lost = False  # connection_lost() has been called, or will be next
        self._turn: asyncio.Handle | None = None  # the next call of _look()
        self.set_write_buffer_limits()

    def begin(self, protocol: asyncio.BaseProtocol) -> None:
        """Tell the protocol that it is connected, and read from now on."""
        self._protocol = protocol
        protocol.connection_made(self)
        if not self._closing:
            self._reading = True
            self._look_soon()

    # A protocol calls these.

    def get_protocol(self) -> asyncio.BaseProtocol:
        protocol: asyncio.BaseProtocol = self._protocol
        return protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def is_closing(self) -> bool:
        return self._closing

    def is_reading(self) -> bool:
        return self._reading and not self._closing

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        if not self._closing:
            self._reading = True
            self._look_soon()

    def set_write_buffer_limits(
        self, high: int | None = None, low: int | None = None
    ) -> None:
        """Set the two marks, in bytes of the buffer in this transport.

        Raises:
            ValueError: it is not true that high >= low >= 0.
        """
        if high is None:
            high = HIGH_WATER if low is None else 4 * low
        if low is None:
            low = high // 4
        if not high >= low >= 0:
            raise ValueError(f"high ({high!r}) must be >= low ({low!r}) must be >= 0")
        self._high = high
        self._low = low

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._low, self._high

    def get_write_buffer_size(self) -> int:
        return len(self._outgoing.waiting)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes; it never waits.

        Raises:
            TypeError: data is not bytes.
            RuntimeError: write_eof() has been called.
        """
        if not isinstance(data, bytes | bytearray | memoryview):
            raise TypeError(f"data must be bytes-like, not {type(data).__name__!r}")
        if self._outgoing.finished and not self._closing:
            raise RuntimeError("Cannot call write() after write_eof()")
        if self._closing or not data:
            return
        if self._outgoing.reset:
            self._lose(BrokenPipeError(errno.EPIPE, "Broken pipe"))
            return

        self._outgoing.write(data)
        if self._outgoing.reset:
            self._look_soon()
        if self._other is not None:
            self._other._look_soon()
        if len(self._outgoing.waiting) > self._high and not self._writing_paused:
            self._writing_paused = True
            self._protocol.pause_writing()

    def writelines(self, list_of_data: Any) -> None:
        self.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        """Close the outgoing pipe after its last byte; go on reading."""
        if self._closing or self._outgoing.finished:
            return
        self._outgoing.finished = True
        self._tell_other()

    def close(self) -> None:
        """Stop reading, send what waits, then end."""
        if self._closing:
            return
        self._closing = True
        if not self._outgoing.waiting:
            self._lose(None)

    def abort(self) -> None:
        """End at once; bytes that wait in this transport are lost."""
        self._outgoing.waiting.clear()
        self._lose(None)

    # The loop calls these, and each does one thing.

    def _look_soon(self) -> None:
        if self._turn is None and not self._lost:
            self._turn = self._loop.call_soon(self._look)

    def _look(self) -> None:
        """Do the next thing that the pipes call for."""
        self._turn = None
        if self._lost:
            return
        self._notice_room()
        if self._lost or not self.is_reading() or self._heard_end:
            return

        if self._incoming.arrived:
            data = self._incoming.read()
            self._tell_other()  # there is room for more
            self._look_soon()
            self._call(self._protocol.data_received, data)
        elif self._outgoing.reset or self._incoming.reset:
            reset = ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
            self._lose(reset)
        elif self._incoming.is_at_end():
            self._heard_end = True
            keep_open = self._call(self._protocol.eof_received)
            if not keep_open:
                self.close()

    def _notice_room(self) -> None:
        """The reader has read: bytes have left this end's buffer."""
        waiting = len(self._outgoing.waiting)
        if self._writing_paused and waiting <= self._low:
            self._writing_paused = False
            self._protocol.resume_writing()
        if self._closing and not waiting:
            self._lose(None)

    def _call(self, method: Callable[..., Any], *args: Any) -> Any:
        """Call the protocol. An exception of its own ends this connection."""
        try:
            return method(*args)
        except Exception as error:
            context = {
                "message": f"Fatal error: protocol.{method.__name__}() call failed.",
                "exception": error,
                "transport": self,
                "protocol": self._protocol,
            }
            self._loop.call_exception_handler(context)
            self._lose(error)
            return True

    def _tell_other(self) -> None:
        if self._other is not None:
            self._other._look_soon()

    def _lose(self, error: Exception | None) -> None:
        """The connection has ended for this end; the protocol hears it next turn."""
        if self._lost:
            return
        self._lost = True
        self._closing = True
        self._outgoing.waiting.clear()
        self._loop.call_soon(self._finish, error)

    def _finish(self, error: Exception | None) -> None:
        try:
            self._protocol.connection_lost(error)
        finally:
            self._outgoing.finished = True
            self._incoming.reader_left = True
            # A socket that is closed with unread bytes sends a reset in place of FIN.
            if self._incoming.arrived or self._incoming.waiting:
                self._incoming.arrived.clear()
                self._incoming.waiting.clear()
                self._incoming.reset = True
            self._tell_other()
            if self._server is not None:
                self._server.detach(self)


class Listener:
    """A port, as far as a server needs one; ``socket.create_server`` returns it."""

    family = socket.AF_INET
    type = socket.SOCK_STREAM

    def __init__(self, network: "Network", port: int, backlog: int) -> None:
        self.network = network
        self.port = port
        self.backlog = backlog
        self.server: Server | None = None  # None: bound, and nobody accepts yet
        self.queue: deque[Transport] = deque()  # server's ends, not accepted yet
        self.place = asyncio.Event()  # somebody may have left the queue

    def getsockname(self) -> Address:
        return (HERE, self.port)

    def fileno(self) -> int:
        return -1

    def setblocking(self, flag: bool) -> None:
        """Nothing here blocks."""

    def setsockopt(self, *option: Any) -> None:
        """There is no kernel to listen to an option."""

    def listen(self, backlog: int = BACKLOG) -> None:
        self.backlog = backlog

    def close(self) -> None:
        """Free the port. A connection that nobody has accepted is reset."""
        self.network.listeners.pop(self.port, None)
        while self.queue:
            end = self.queue.popleft()
            end._outgoing.finished = True
            end._incoming.reader_left = True
            end._outgoing.reset = True
            end._incoming.reset = True
            end._tell_other()
        self.place.set()

    def __enter__(self) -> "Listener":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def accept_all(self) -> None:
        """Give every connection that waits a protocol of the server."""
        while self.queue and self.server is not None:
            end = self.queue.popleft()
            self.place.set()
            self.server.attach(end)


class Server(asyncio.AbstractServer):
    """The server that ``loop.create_server`` returns."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, factory: Factory, listener: Listener
    ) -> None:
        self._loop = loop
        self._factory = factory
        self._listener: Listener | None = listener
        self._open: set[Transport] = set()
        self._nobody = asyncio.Event()  # closed, and no connection is left

    @property
    def sockets(self) -> tuple[Any, ...]:
        return () if self._listener is None else (self._listener,)

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    def is_serving(self) -> bool:
        return self._listener is not None and self._listener.server is self

    async def start_serving(self) -> None:
        if self._listener is not None:
            self._listener.server = self
            self._listener.accept_all()

    async def serve_forever(self) -> None:
        await self.start_serving()
        try:
            await self._loop.create_future()
        finally:
            self.close()
            await self.wait_closed()

    def close(self) -> None:
        """Accept no more connections; those that are open go on."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
            self._notice_nobody()

    def close_clients(self) -> None:
        for transport in list(self._open):
            transport.close()

    def abort_clients(self) -> None:
        for transport in list(self._open):
            transport.abort()

    async def wait_closed(self) -> None:
        """Wait until the server is closed and its last connection has ended."""
        await self._nobody.wait()

    async def __aenter__(self) -> "Server":
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()
        await self.wait_closed()

    def attach(self, transport: Transport) -> None:
        self._open.add(transport)
        transport._server = self
        protocol = self._factory()
        # In a turn of its own, as after a real accept().
        self._loop.call_soon(transport.begin, protocol)

    def detach(self, transport: Transport) -> None:
        self._open.discard(transport)
        self._notice_nobody()

    def _notice_nobody(self) -> None:
        if self._listener is None and not self._open:
            self._nobody.set()


class Network:
    """All ports of one process, and the two calls of an event loop that use them."""

    def __init__(self) -> None:
        self.listeners: dict[int, Listener] = {}
        self._ports = itertools.cycle(range(FIRST_PORT, 65_536))

    def bind(self, address: Address, *, backlog: int = BACKLOG) -> Listener:
        """Take a port.

        Args:
            address: host and port; port 0 is the next free one.
            backlog: connections that may wait until a server accepts them.

        Raises:
            OSError: the port is taken (EADDRINUSE), or the host is another machine.
        """
        host, port = address[:2]
        _must_be_here(host)
        if port == 0:
            port = self._free_port()
        if port in self.listeners:
            words = os.strerror(errno.EADDRINUSE).lower()
            raise OSError(
                errno.EADDRINUSE,
                f"error while attempting to bind on address ('{HERE}', {port}): "
                f"[errno {errno.EADDRINUSE}] {words}",
            )
        listener = Listener(self, port, backlog)
        self.listeners[port] = listener
        return listener

    async def create_server(
        self,
        loop: asyncio.AbstractEventLoop,
        factory: Factory,
        host: str | None = None,
        port: int | None = None,
        *,
        sock: Any = None,
        ssl: Any = None,
        backlog: int = BACKLOG,
        start_serving: bool = True,
        **_: Any,
    ) -> Server:
        """``loop.create_server``; options that a kernel would need are ignored."""
        _no_tls(ssl)
        listener = sock
        if listener is None:
            listener = self.bind((host or HERE, port or 0))
        if not isinstance(listener, Listener):
            raise TypeError(
                "sock must come from socket.create_server(), not socket.socket(): "
                "this process has no kernel sockets"
            )
        listener.listen(backlog)
        server = Server(loop, factory, listener)
        if start_serving:
            await server.start_serving()
        return server

    async def create_connection(
        self,
        loop: asyncio.AbstractEventLoop,
        factory: Factory,
        host: str | None = None,
        port: int | str | None = None,
        *,
        ssl: Any = None,
        sock: Any = None,
        **_: Any,
    ) -> tuple[Transport, asyncio.BaseProtocol]:
        """``loop.create_connection``; a port may be written as text, as anywhere.

        Raises:
            ConnectionRefusedError: nobody listens at this port.
            OSError: the host is another machine.
        """
        _no_tls(ssl)
        if sock is not None or port is None:
            raise ValueError("give a host and a port: there are no kernel sockets here")
        _must_be_here(host)
        listener = await self._place_in_queue(host, int(port))

        own = (HERE, self._free_port())
        peer = listener.getsockname()
        to_server = Pipe(WINDOW)
        to_client = Pipe(WINDOW)
        client = Transport(loop, to_server, to_client, own, peer)
        server = Transport(loop, to_client, to_server, peer, own)
        client._other = server
        server._other = client

        # The handshake is complete: the client goes on before the server accepts.
        listener.queue.append(server)
        listener.accept_all()
        protocol = factory()
        client.begin(protocol)
        await asyncio.sleep(0)
        return client, protocol

    async def _place_in_queue(self, host: str | None, port: int) -> Listener:
        """Wait until the backlog of a listener has a place.

        With a full backlog a kernel does not answer, so that the client tries again.
        """
        while True:
            listener = self.listeners.get(port)
            if listener is None:
                raise ConnectionRefusedError(
                    errno.ECONNREFUSED, f"Connect call failed {(host or HERE, port)}"
                )
            if listener.server is not None or len(listener.queue) < listener.backlog:
                return listener
            listener.place.clear()
            await listener.place.wait()

    def _free_port(self) -> int:
        return next(port for port in self._ports if port not in self.listeners)


@contextmanager
def installed(
    loop: asyncio.AbstractEventLoop, network: Network | None = None
) -> Iterator[Network]:
    """For the block, let this event loop connect and listen inside this process.

    ``socket.create_server`` gives ports of the same network. All that is built on these
    three calls follows: ``asyncio.start_server``, ``asyncio.open_connection``, uvicorn,
    websockets.
    """
    network = network or Network()
    before = socket.create_server

    async def create_server(*args: Any, **options: Any) -> Server:
        return await network.create_server(loop, *args, **options)

    async def create_connection(*args: Any, **options: Any) -> Any:
        return await network.create_connection(loop, *args, **options)

    def bind(address: Address, **options: Any) -> Listener:
        return network.bind(address, backlog=options.get("backlog") or BACKLOG)

    # On this loop alone: other loops of the process keep the kernel's sockets.
    loop.create_server = create_server  # type: ignore[method-assign, assignment]
    loop.create_connection = create_connection  # type: ignore[method-assign]
    socket.create_server = bind  # type: ignore[assignment]
    try:
        yield network
    finally:
        del loop.create_server
        del loop.create_connection
        socket.create_server = before


def _must_be_here(host: str | None) -> None:
    if host not in NAMES:
        raise OSError(
            errno.EHOSTUNREACH,
            f"{host!r} is another machine, and this process has no network: "
            f"connect to {HERE}",
        )


def _no_tls(ssl: Any) -> None:
    if ssl:
        raise ValueError("there is no TLS inside one process: leave ssl out, use ws://")
