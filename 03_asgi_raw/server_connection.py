"""One TCP connection of the protocol server, from its first byte to its last.

The numbered theory is in ``protocol_server.py``; numbers in comments are its. The state
of the protocol is ``self.protocol.state``, and only ``ServerProtocol`` changes it:

* CONNECTING: the head of the request is being read, or waits for its answer;
* OPEN: the application has accepted;
* CLOSING: one side has sent its close frame. Nothing may follow our own;
* CLOSED: both directions have ended.

Which event does what in which state is a table in ``test_protocol_states.py``.
"""

import asyncio
import logging
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

import frames
from asgi_types import Application, Event, Scope
from http_answer import HTTPAnswer, accepting
from scope import Address, make_scope
from server_inbox import Inbox
from server_limits import Limits
from server_messages import Messages
from websockets.exceptions import InvalidMessage
from websockets.frames import BINARY, TEXT, CloseCode
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol

CHUNK = 65_536  # bytes to read at once, and to keep for a peer that reads too slowly
NOBODY = ("", 0)  # the address of a peer that is gone before anyone looks
log = logging.getLogger("protocol_server")

# Called with the client's address, "in" or "out", "bytes" or "event", and the data.
Tap = Callable[[Address, str, str, Any], None]


class PeerLeftError(ConnectionError):
    """An OSError, as the ASGI spec asks: ``send()`` to a peer that has left."""


class Connection:
    """One TCP connection: a request, and a websocket if that is what it asks for.

    Args:
        reader: the bytes that come in.
        writer: where bytes go out.
        limits: the server's.
        tap: is told all bytes and events; see ``protocol_server.serve``.
    """

    def __init__(
        self,
        reader: StreamReader,
        writer: StreamWriter,
        limits: Limits,
        tap: Tap | None,
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.transport = writer.transport
        self.limits = limits
        self.tap = tap
        self.loop = asyncio.get_running_loop()
        self.client: Address = (writer.get_extra_info("peername") or NOBODY)[:2]
        self.server: Address = (writer.get_extra_info("sockname") or NOBODY)[:2]

        # The rules of the protocol, without any I/O.
        self.protocol = ServerProtocol(max_size=limits.message)

        # Known once the head of the request is whole.
        self.scope: Scope | None = None
        self.http: HTTPAnswer
        self.response: Response  # 101, for a websocket
        self.answered = self.loop.create_future()  # done with the answer to the head

        # On the way to the application.
        self.messages = Messages(limits.fragments)
        self.inbox = Inbox(limits.inbox)

        self.heard = True  # whether the peer has said something since the last ping
        self.closed = False  # whether the application has said websocket.close

        # Cuts the peer off: now if its head is late, later if its goodbye is.
        self.deadline = self.loop.call_later(limits.handshake, self.transport.abort)

    async def run(self, application: Application, state: dict[str, Any]) -> None:
        """The one coroutine of each connection.

        Args:
            application: the ASGI application.
            state: of its lifespan; the scope gets a copy.
        """
        try:
            request = await self.read_head()
            if request is not None:
                await self.serve(application, request, state)
            self.flush()
            await self.read_until_the_peer_ends()
        except (OSError, EOFError):
            pass  # the peer has left, or took too long for its head
        finally:
            self.deadline.cancel()
            self.transport.abort()

    async def read_head(self) -> Request | None:
        """Read the head of the request (2.); ``None`` if it was refused."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            self.answer(self.protocol.reject(431, "The head is too long.\n"))
            return None
        self.deadline.cancel()
        if self.tap:
            self.tap(self.client, "in", "bytes", head)

        self.protocol.receive_data(head)
        events = self.protocol.events_received()
        if events:
            return cast(Request, events[0])

        # ServerProtocol answers most faults by itself, but not a head that is no HTTP.
        fault = self.protocol.handshake_exc
        if isinstance(fault, InvalidMessage):
            self.write(self.protocol.reject(400, f"{fault.__cause__}\n").serialize())
        return None

    async def serve(
        self, application: Application, request: Request, state: dict[str, Any]
    ) -> None:
        """Call the application, read beside it, and say goodbye for it (4.)."""
        self.scope = make_scope(request, self.client, self.server, state)
        self.http = HTTPAnswer(self.scope)
        if self.scope["type"] == "http":
            self.inbox.put({"type": "http.request", "body": b"", "more_body": False})
        else:
            self.inbox.put({"type": "websocket.connect"})
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
        self.end_for_the_application(code)

    def end_for_the_application(self, code: CloseCode) -> None:
        """Say what an application has left unsaid when it returned or failed.

        Args:
            code: why it ended.
        """
        assert self.scope is not None
        if self.protocol.state is State.OPEN:
            self.close(code)
            return

        # In the state CLOSING our close frame is on its way, and nothing may follow it.
        undecided = self.protocol.state is State.CONNECTING
        if undecided and not self.protocol.eof_sent:
            if code == CloseCode.NORMAL_CLOSURE:
                log.error("expected an answer, none came at %r", self.scope["path"])
            self.answer(self.protocol.reject(500, "The application gave no answer.\n"))

    async def read_until_the_peer_ends(self) -> None:
        """Read and drop, up to the peer's end of the connection.

        To close both directions at once would answer what still comes with a reset,
        and a reset throws away what the peer has not read yet.
        """
        while True:
            data = await self.reader.read(CHUNK)
            if not data:
                return
            if self.tap:
                self.tap(self.client, "in", "bytes", data)
            if not self.protocol.eof_sent:  # the peer's close frame is still to come
                self.protocol.receive_data(data)
                self.flush()

    # ---- in: bytes → frames → messages → events (5.)

    async def read_messages(self) -> None:
        """The coroutine beside the application: fill the inbox, to the last event."""
        protocol = self.protocol
        try:
            while not protocol.eof_sent:
                data = await self.reader.read(CHUNK)
                if not data:
                    break
                if self.tap:
                    self.tap(self.client, "in", "bytes", data)
                # Frames that came with the handshake wait until it is answered.
                await self.answered
                self.heard = True
                protocol.receive_data(data)
                for frame in protocol.events_received():
                    await self.take_frame(frame)
        except UnicodeDecodeError as error:  # RFC 6455, 8.1: fail the connection
            protocol.fail(CloseCode.INVALID_DATA, error.reason)
        except OverflowError as error:
            protocol.fail(CloseCode.MESSAGE_TOO_BIG, str(error))
        except OSError:
            pass  # a reset. A peer that closes only its own direction has left, too

        protocol.receive_eof()  # from here on, send() is too late
        self.flush()
        self.inbox.put_last(self.last_event())

    async def take_frame(self, frame: Any) -> None:
        event = self.messages.event_of(frame)
        if event is None:
            # Part of a message, or a ping: then its pong goes out here. Without drain()
            # a flood of pings would fill the memory with pongs that nobody reads.
            self.flush()
            await self.drain()
        elif not self.closed:
            await self.inbox.wait_for_a_place()
            self.inbox.put(event)

    def last_event(self) -> Event:
        assert self.scope is not None
        if self.scope["type"] == "http":
            return {"type": "http.disconnect"}
        end = self.protocol.close_rcvd or self.protocol.close_sent
        if end is None:  # RFC 6455, 7.1.5: 1006 stands for "no close frame"
            return {"type": "websocket.disconnect", "code": 1006, "reason": ""}
        code = int(end.code)
        return {"type": "websocket.disconnect", "code": code, "reason": end.reason}

    async def receive(self) -> Event:
        """The application's ``receive``.

        Raises:
            RuntimeError: after the last event, or while another ``receive()`` waits.
        """
        event = await self.inbox.get()
        if self.tap:
            self.tap(self.client, "in", "event", event)
        return event

    # ---- out: events → frames → bytes (6.)

    async def send(self, event: Event) -> None:
        """The application's ``send``.

        Raises:
            PeerLeftError: an OSError; the peer or the server has ended it.
            RuntimeError: an event that cannot come now, or does not exist.
            ValueError: an event that says nothing, or nothing that may be sent.
        """
        if self.tap:
            self.tap(self.client, "out", "event", event)
        kind = event["type"]
        state = self.protocol.state
        if self.closed:
            raise RuntimeError(f"expected nothing after websocket.close; {kind} came")
        if state is State.CONNECTING:
            self.decide(event)
        elif state is not State.OPEN or self.transport.is_closing():
            raise PeerLeftError(f"{kind} is too late: {self.client} has left")
        elif kind == "websocket.send":
            self.send_message(event)
        elif kind == "websocket.close":
            self.close(event.get("code", 1000), event.get("reason") or "")
            self.closed = True
        else:
            raise RuntimeError(
                f"expected websocket.send or websocket.close; {kind} came"
            )

        if self.transport.get_write_buffer_size() > CHUNK:
            await self.drain()

    def send_message(self, event: Event) -> None:
        text = event.get("text")
        if text is not None:
            opcode = TEXT
            data = text.encode()
        else:
            opcode = BINARY
            data = event.get("bytes")
        if data is None:
            raise ValueError("expected text or bytes in websocket.send, got none")
        # The same bytes as protocol.send_text() makes, in a tenth of its time.
        self.write(frames.head(0x80 | opcode, 0, len(data)) + data)

    def decide(self, event: Event) -> None:
        """Answer the head as the application says (4.)."""
        assert self.scope is not None
        kind = event["type"]
        undecided = self.scope["type"] == "websocket" and self.http.response is None
        if undecided and kind == "websocket.accept":
            for name, value in accepting(event, self.scope["subprotocols"]):
                self.response.headers[name] = value  # adds, and replaces nothing
            self.answer(self.response)
        elif undecided and kind == "websocket.close":
            self.closed = True
            self.answer(self.protocol.reject(403, "Refused by the application.\n"))
        elif undecided and not kind.startswith("websocket.http.response."):
            raise RuntimeError(
                "expected websocket.accept, websocket.close or websocket.http.response "
                f"to answer the handshake; {kind} came"
            )
        else:
            response = self.http.take(event)
            if response is not None:
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

    # ---- the end (7.), and the sign of life (8.)

    def close(self, code: int, reason: str = "") -> None:
        """Say goodbye, unless it has been said; the peer's close frame is to follow."""
        if self.protocol.state is State.OPEN:
            self.protocol.send_close(code, reason)
            self.flush()
            self.expect_end()

    def stop(self) -> None:
        """End for a server that is stopped."""
        if self.scope is None:  # it has not asked for anything yet
            self.transport.abort()
        self.close(CloseCode.SERVICE_RESTART)

    def expect_end(self) -> None:
        """Cut the peer off if it does not end the connection in time."""
        self.deadline.cancel()
        self.deadline = self.loop.call_later(self.limits.close, self.transport.abort)

    def ping(self) -> None:
        """Ask for a sign of life; cut the peer off if the last one did not come."""
        if self.protocol.state is not State.OPEN:
            return

        # With a full inbox we have not been reading. The peer's pong may be there, and
        # its silence proves nothing.
        behind = self.inbox.is_full
        if self.heard or behind:
            self.heard = behind
            self.protocol.send_ping(b"")
            self.flush()
        else:
            self.transport.abort()
