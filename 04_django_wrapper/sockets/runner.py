"""The runner: one websocket from its first event to its last.

1. The server calls `serve` in a task of its own, and that task reads, always: only so
   is a peer's leaving noticed while the handler is busy, or never reads.
2. The handler has a second task, which is made here; a third one is made only for a
   peer that is behind, by its outbox.
3. The handler has a deadline (connection.py). That cancels it; nothing else does, but
   for a second try here, `PATIENCE` seconds later.
4. A handler that goes on even so is left behind: it is logged, is in no group and sends
   nothing, and the server can end.
"""

import asyncio
import logging
from contextlib import suppress
from typing import Any

from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, WebSocketScope

from .codes import CloseCode
from .conf import conf
from .connection import OPEN, PATIENCE, Socket, State, call_each
from .handling import FAILED, end, handle

log = logging.getLogger("sockets")
_left_behind: set[asyncio.Task[None]] = set()  # a task that nobody holds may vanish


async def serve(
    scope: WebSocketScope, receive: ASGIReceiveCallable, send: ASGISendCallable
) -> None:
    """One websocket; an ASGI application for the scope type "websocket"."""
    await receive()  # websocket.connect
    socket = Socket(scope, send, conf())
    handling = asyncio.create_task(handle(socket))

    def ended(_: object) -> None:
        with suppress(RuntimeError):  # we wait for nothing any more
            socket.watch.reschedule(asyncio.get_running_loop().time())

    handling.add_done_callback(ended)
    try:
        async with socket.watch:
            await _read(socket, receive)
            await asyncio.wait([handling])
    except TimeoutError:
        pass  # the handler has ended, or goes on though it was told to end
    finally:
        if not handling.done():
            handling.cancel()
            await asyncio.wait([handling], timeout=PATIENCE)
        if not handling.done():
            _left_behind.add(handling)
            handling.add_done_callback(_left_behind.discard)
            log.error("the handler at %r goes on after its end", scope["path"])
            socket.left_behind = True
        if not handling.cancelled() or socket.watch.expired():  # else the server ends
            await end(socket, *FAILED)  # nothing, where the handler has said goodbye
        call_each(socket.on_end, socket)


async def _read(socket: Socket, receive: ASGIReceiveCallable) -> None:
    """Bring every message to the handler, until the peer has left."""
    conf, time, inbox = socket.conf, asyncio.get_running_loop().time, socket.inbox
    surely_short, places = conf.MESSAGE_BYTES // 4, conf.INBOX
    tokens, filled_at = float(conf.MESSAGES_AT_ONCE), time()  # a token bucket
    while True:
        event: Any = await receive()
        if event["type"] == "websocket.disconnect":
            socket.state = State.CLOSED
            socket.wake()  # that ends a handler that reads; any other, its deadline
            code = event.get("code", CloseCode.NO_STATUS_RCVD)
            reason = event.get("reason") or ""
            return socket.stop(code, reason, after=conf.LEAVE_SECONDS)
        if socket.state is not OPEN or socket.stopped is not None:
            continue  # it is ending, and hears nothing more
        socket.received += 1
        text = event.get("text")
        message = event["bytes"] if text is None else text
        tokens -= 1
        if tokens < 0:  # filled up only when it is empty: the clock costs time, too
            tokens += ((now := time()) - filled_at) * conf.MESSAGES_PER_SECOND
            tokens, filled_at = min(tokens, conf.MESSAGES_AT_ONCE), now
        if len(message) > surely_short and _too_long(message, socket):
            socket.stop(CloseCode.MESSAGE_TOO_BIG, "this message is too long")
        elif tokens < 0:
            socket.stop(CloseCode.POLICY_VIOLATION, "too many messages")
        elif len(inbox) < places or await _room(socket):
            inbox.append(message)
            socket.wake()


def _too_long(message: str | bytes, socket: Socket) -> bool:
    if len(message) <= socket.conf.MESSAGE_BYTES and isinstance(message, str):
        message = message.encode()  # not one of 15 MB: a character is at least a byte
    return len(message) > socket.conf.MESSAGE_BYTES


async def _room(socket: Socket) -> bool:
    """Wait until the handler takes a message: the server reads no more, so the peer
    must wait, too."""
    socket.room = asyncio.get_running_loop().create_future()
    try:
        async with asyncio.timeout(socket.conf.INBOX_SECONDS):
            await socket.room
            return True
    except TimeoutError:
        socket.stop(CloseCode.TRY_AGAIN_LATER, "the handler is behind")
        return False
    finally:
        socket.room = None
