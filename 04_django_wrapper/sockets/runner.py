"""The runner: one websocket from its first event to its last.

Three tasks serve a websocket. The server calls ``serve`` in a task of its own, which
only waits for the handler's end. It makes two others:

* the reader, here. It reads all the time: otherwise nobody would notice that the peer
  has left while the handler is busy;
* the handler's (handling.py).

A fourth one, the writer, exists only while the peer is behind (outbox.py).

1. These end a websocket; the right side says what the peer gets. The goodbye follows
   all that was sent before, within SEND_SECONDS of the event that is being sent.

   the handler returns                1000; before accept(): 500, and a line in the log
   the handler calls close()          its code
   the handler raises                 see answers.py; a failure: 1011 or 500, and a
                                        traceback in the log
   the site's code cancels it         1011 or 500, and a traceback in the log
   another handler calls close()      its code
   no accept() in HANDSHAKE_SECONDS   503, and a line in the log
   a limit is passed                  1008, 1009, 1013, and a line in the log
   the peer reads nothing for         nothing: it does not read a goodbye, either. The
     SEND_SECONDS                       log and the counters say 1013; it is cut off
   somebody calls stop()              its code, and a line in the log, but for 1012;
                                        before accept() its status, which is 503 if
                                        the caller gives none, and always a line
   the server cannot send an event    1011, and a traceback in the log
   the peer leaves                    nothing; before accept() the server gets a
                                        refusal, for it expects an answer
   the server cancels serve()         nothing. The handler is cancelled now, and left
                                        behind after PATIENCE seconds

2. How the handler hears of an end that is not its own, and when (deadline.py). Messages
   that came before the end are still in the inbox, and the handler's to finish.

   at its next receive()              Disconnected, once the inbox is empty
   at its next send()                 Disconnected
   after LEAVE_SECONDS                it is cancelled, if it has never called receive(),
                                        and neither it nor a task that it has started
                                        has called close()
   after CLEANUP_SECONDS              it is cancelled, if it has called receive(), but
                                        does not come back to it; a line in the log

3. How long it may go on then. This counts from the moment when it hears of the end,
   or calls close(), or causes its own end indirectly, for example by logging its user
   out.

   CLEANUP_SECONDS                    all that it likes, but send(); then it is
                                        cancelled, with a line in the log
   PATIENCE (1 s)                     it should obey; then it is left behind, with a
                                        line in the log. It is in no group, and the
                                        server can end
"""

import asyncio
from functools import partial
from typing import Any

from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, WebSocketScope

from .codes import CloseCode
from .connection import By, Socket, State, call_each
from .deadline import PATIENCE
from .handling import handle
from .routing import conf_for


async def serve(
    scope: WebSocketScope, receive: ASGIReceiveCallable, send: ASGISendCallable
) -> None:
    """Serve one websocket; an ASGI application for the scope type "websocket".

    Raises:
        Exception: what ``receive()`` has raised. The handler has ended before.
    """
    await receive()  # websocket.connect
    socket = Socket(scope, receive, send, conf_for(scope))
    reader = asyncio.create_task(_read(socket, receive))
    handler = asyncio.create_task(handle(socket))
    deadline = socket.deadline

    no_answer = (CloseCode.TRY_AGAIN_LATER, "no answer in time")
    deadline.start(handler, partial(socket.stop, *no_answer))
    try:
        await deadline.over()
        await socket.outbox.flushed()
    except asyncio.CancelledError:
        # The server ends. It waits for us, so the handler gets PATIENCE seconds.
        socket.leave(CloseCode.ABNORMAL_CLOSURE, "the server ends", By.SERVER)
        deadline.give_up()
        await deadline.over()
        raise
    finally:
        try:
            await _end_tasks(socket, reader)
        finally:
            # A server may cancel us here, too, even for the second time. Without this
            # block the counters, the groups and the limits would never forget us.
            socket.inbox.clear()
            socket.outbox.end()
            call_each(socket.on_end, socket)
    if reader.done() and not reader.cancelled():
        reader.result()


async def _read(socket: Socket, receive: ASGIReceiveCallable) -> None:
    """Put every message into the inbox, until the peer has left."""
    inbox = socket.inbox
    try:
        while True:
            event: Any = await receive()
            if event["type"] == "websocket.disconnect":
                code = event.get("code")
                if code is None:  # daphne says so of a close frame without one
                    code = CloseCode.NO_STATUS_RCVD
                socket.leave(code, event.get("reason") or "", By.PEER)
                return
            # One place may not be enough: the limit of bytes counts, too. The handler
            # takes a tiny message, and the inbox still holds too many bytes. With `if`
            # in place of `while` the next message would come in all the same.
            while inbox.messages and inbox.is_full() and socket.state is State.OPEN:
                await inbox.place()
            if socket.state is State.OPEN:
                text = event.get("text")
                inbox.put(event["bytes"] if text is None else text)
    except Exception:
        reason = "the server's receive() failed"
        socket.leave(CloseCode.ABNORMAL_CLOSURE, reason, By.SERVER)
        raise


async def _end_tasks(socket: Socket, reader: asyncio.Task[None]) -> None:
    """Cancel what still runs of ours, and wait for it."""
    tasks = [reader]
    if socket.outbox.writer is not None:
        tasks.append(socket.outbox.writer)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks, timeout=PATIENCE)
