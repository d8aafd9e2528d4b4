"""One websocket on the server's side: frames become events, events become frames.

1. ``read()`` runs beside the application and fills the inbox; ``receive()`` empties it.
2. ``send()`` first takes the answer to the handshake, then messages, then the close.
3. What may come when is `ServerProtocol`'s state: CONNECTING until the handshake is
   answered, OPEN, CLOSING from the first close frame on, CLOSED without a connection.
4. `ServerProtocol` answers pings and close frames, and counts the bytes of a message.
   It works on frames: to join them, and to check that a text is UTF-8, is left to us.
"""

import asyncio
import codecs
import logging
from contextlib import suppress
from typing import Any

from asgiref.typing import ASGI3Application, WebSocketScope
from http_answer import HTTPAnswer, checked
from limits import Limits
from websockets.frames import BINARY, CONT, TEXT, CloseCode, Frame
from websockets.http11 import Response
from websockets.protocol import State
from websockets.server import ServerProtocol
from wire import PeerLeftError, Wire

log = logging.getLogger("protocol_server")


class WebSocket:
    """One websocket: frames on one side, events on the other."""

    def __init__(
        self,
        wire: Wire,
        limits: Limits,
        protocol: ServerProtocol,
        response: Response,
        scope: WebSocketScope,
    ) -> None:
        self.wire, self.limits, self.protocol = wire, limits, protocol
        self.response, self.scope = response, scope
        self.inbox: asyncio.Queue[Any] = asyncio.Queue(limits.inbox)
        self.inbox.put_nowait({"type": "websocket.connect"})
        self.accepted = asyncio.get_running_loop().create_future()
        self.denial: HTTPAnswer | None = None
        self.message: Message | None = None  # of which more fragments are to come
        self.heard = True  # since the last ping
        self.deaf = False  # messages reach nobody any more
        self.closed_by_app = self.app_ended = False
        self.end_told = self.end_received = False

    # ---- in: bytes → frames → messages → events

    async def read(self) -> None:
        """The coroutine beside the application: read until the peer has left."""
        data = await self.wire.read()
        if data:
            await self.accepted  # what came before the answer to the handshake waits
        while data:
            self.heard = True
            self.protocol.receive_data(data)
            if self.flush():  # pongs, or the answer to a close frame
                with suppress(PeerLeftError):  # then the next read() says so
                    await self.wire.drain()  # a flood of pings must not fill the memory
            frames: list[Any] = self.protocol.events_received()
            for frame in frames:
                await self.take(frame)
            if self.protocol.eof_sent:  # both have said goodbye, or one broke the rules
                await self.tell_end()
            data = await self.wire.read()
        self.protocol.receive_eof()
        await self.tell_end()

    async def take(self, frame: Frame) -> None:
        """Put a message into the inbox once it is whole, and wait for a place there."""
        if frame.opcode not in (TEXT, BINARY, CONT) or self.deaf:
            return  # ServerProtocol has answered it; or nobody listens any more
        try:
            if frame.fin and self.message is None:  # nearly all messages are like this
                event = receive_event(frame.opcode is TEXT, bytes(frame.data))
            else:
                self.message = self.message or Message(frame.opcode is TEXT)
                self.message.add(frame, self.limits.fragments)
                if not frame.fin:
                    return
                event = receive_event(self.message.text, bytes(self.message.data))
                self.message = None
        except UnicodeDecodeError as error:  # RFC 6455, 8.1: fail the connection
            await self.fail(1007, f"{error.reason} at byte {error.start}")
        except OverflowError as error:
            await self.fail(1009, str(error))
        else:
            if self.inbox.full():
                await self.inbox.put(event)
            else:  # the same, without a coroutine: half a microsecond for each message
                self.inbox.put_nowait(event)

    async def fail(self, code: int, reason: str) -> None:
        """The peer has broken a rule: a close frame, and not a byte of it any more."""
        self.message = None
        self.protocol.fail(code, reason)
        self.flush()
        await self.tell_end()

    async def tell_end(self) -> None:
        """The last event; it says who ended it with which code."""
        if not self.end_told and not self.app_ended:
            self.end_told = self.deaf = True
            close = self.protocol.close_rcvd or self.protocol.close_sent
            code = close.code if close else CloseCode.ABNORMAL_CLOSURE
            reason = close.reason if close else ""
            await self.inbox.put(
                {"type": "websocket.disconnect", "code": int(code), "reason": reason}
            )

    async def receive(self) -> Any:
        """The application's ``receive``.

        Raises:
            RuntimeError: there has been the disconnect event; after it comes nothing.
        """
        if self.end_received:
            raise RuntimeError(
                "receive() after websocket.disconnect, which is the last event: "
                "leave the loop there"
            )
        event = await self.inbox.get()
        self.end_received = event["type"] == "websocket.disconnect"
        if self.wire.tap:
            self.wire.tap(self.wire.client, "in", "event", event)
        return event

    # ---- out: events → frames → bytes

    async def send(self, event: Any) -> None:
        """The application's ``send``.

        Raises:
            PeerLeftError: an OSError; the peer or the server has ended it.
            RuntimeError: an event that cannot come now, or does not exist.
            ValueError: an event that says nothing, or nothing that may be sent.
        """
        if self.wire.tap:
            self.wire.tap(self.wire.client, "out", "event", event)
        state, kind = self.protocol.state, event["type"]
        if state is State.CONNECTING:
            await self.decide(event)
        elif self.closed_by_app:
            raise RuntimeError(f"expected nothing after websocket.close; {kind} came")
        elif state is not State.OPEN:
            raise PeerLeftError(f"{kind} is too late: the websocket has ended")
        elif kind == "websocket.send":
            if (text := event.get("text")) is not None:
                self.protocol.send_text(text.encode())
            elif (data := event.get("bytes")) is not None:
                self.protocol.send_binary(data)
            else:
                raise ValueError(
                    "expected text or bytes in websocket.send, got neither"
                )
            self.flush()
            await self.wire.drain()
        elif kind == "websocket.close":
            code = event.get("code", CloseCode.NORMAL_CLOSURE)
            self.close(code, event.get("reason") or "")
            self.closed_by_app = self.deaf = True
            await self.wire.drain()
        else:
            raise RuntimeError(
                f"expected websocket.send or websocket.close; {kind} came"
            )

    async def decide(self, event: Any) -> None:
        """The answer to the handshake is the application's to give."""
        kind = event["type"]
        if kind == "websocket.accept" and self.denial is None:
            headers = checked(event.get("headers", ()))
            if (chosen := event.get("subprotocol")) is not None:
                offered = list(self.scope["subprotocols"])
                if chosen not in offered:  # RFC 6455, 4.1: the peer would hang up
                    raise ValueError(
                        f"expected a subprotocol out of {offered}, got {chosen!r}"
                    )
                headers.append(("Sec-WebSocket-Protocol", chosen))
            for name, value in headers:
                self.response.headers[name] = value  # adds, and replaces nothing
            self.protocol.send_response(self.response)
            self.flush()
            self.accepted.set_result(None)
            await self.wire.drain()
        elif kind == "websocket.close" and self.denial is None:
            await self.deny(403, "The application refused this websocket.\n")
        elif kind.startswith("websocket.http.response."):
            self.denial = self.denial or HTTPAnswer(self.wire, "GET")
            await self.denial.send(event)
            if self.denial.complete:
                await self.tell_end()
        else:
            expected = "websocket.accept, websocket.close or websocket.http.response"
            raise RuntimeError(
                f"expected {expected} to answer the handshake; {kind} came"
            )

    async def deny(self, status: int, text: str) -> None:
        self.denial = HTTPAnswer(self.wire, "GET")
        await self.denial.say(status, text)
        await self.tell_end()

    def close(self, code: int, reason: str = "") -> None:
        """Send a close frame, unless somebody has; the peer's is to follow."""
        if self.protocol.state is State.OPEN:
            self.protocol.send_close(code, reason)
            self.flush()

    def ping(self) -> None:
        """Ask for a sign of life, or end it where the last one did not come."""
        behind = self.inbox.full()  # it is we who do not read, so it is not to blame
        if not self.heard and not behind:
            self.wire.cut()
        elif self.protocol.state is State.OPEN:
            self.heard = behind
            self.protocol.send_ping(b"")
            self.flush()

    def flush(self) -> bool:
        """Move what the protocol wants to send to the wire; True if there was any."""
        if not (unsent := self.protocol.data_to_send()):
            return False
        for data in unsent:
            if data:
                self.wire.write(data)
            else:  # SEND_EOF: the close frames have been exchanged
                self.wire.write_end()
        if self.protocol.close_sent:
            self.wire.end_within(self.limits.close)
        return True

    # ---- the application is called, and ends

    async def run(self, application: ASGI3Application) -> None:
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(self.read())
            well = await call(application, self.scope, self.receive, self.send)
            self.deaf = self.app_ended = True
            while not self.inbox.empty():  # the reader may wait for a place
                self.inbox.get_nowait()
            if self.protocol.state is State.CONNECTING:
                reading.cancel()
                with suppress(PeerLeftError):
                    await self.leave_undecided(well)
            else:
                self.close(
                    CloseCode.NORMAL_CLOSURE if well else CloseCode.INTERNAL_ERROR
                )  # and the group waits for the reader, who waits for the peer's part

    async def leave_undecided(self, well: bool) -> None:
        if self.denial is None or not self.denial.started:
            if well:
                log.error(
                    "expected an answer to the handshake; the application "
                    "returned without one at %r",
                    self.scope["path"],
                )
            await self.deny(500, "The application did not answer the handshake.\n")


class Message:
    """The fragments of one message, joined as they come (RFC 6455, 5.4)."""

    def __init__(self, text: bool) -> None:
        self.text = text
        self.data = bytearray()
        self.count = 0
        self.utf8 = codecs.getincrementaldecoder("utf-8")()

    def add(self, frame: Frame, most: int) -> None:
        """Raises UnicodeDecodeError at the first wrong byte, not at the last frame."""
        self.count += 1
        if self.count > most:  # ServerProtocol counts the bytes, and not the frames
            raise OverflowError(f"expected at most {most} fragments")
        if self.text:
            self.utf8.decode(frame.data, frame.fin)
        self.data += frame.data


def receive_event(text: bool, data: bytes) -> dict[str, Any]:
    if text:
        return {"type": "websocket.receive", "text": data.decode()}
    return {"type": "websocket.receive", "bytes": data}


async def call(
    application: ASGI3Application, scope: Any, receive: Any, send: Any
) -> bool:
    """Whether the application ended well. What it raises is logged once, here."""
    try:
        await application(scope, receive, send)
    except Exception as error:
        left = isinstance(error, ExceptionGroup) and not error.split(PeerLeftError)[1]
        if not left and not isinstance(error, PeerLeftError):
            log.exception("the application failed at %r", scope["path"])
            return False
    return True
