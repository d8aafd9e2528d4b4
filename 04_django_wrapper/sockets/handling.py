"""The handler's task: route, handshake steps, handler, and one answer to the peer."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404
from django.urls import set_script_prefix

from .codes import BadMessage, CloseCode, Disconnected, HandlerError, Refused
from .connection import CLOSED, CONNECTING, OPEN, Socket
from .routing import resolve

log = logging.getLogger("sockets")

# Called with each new socket, before its first step; ``apps.py`` fills it. Each may
# raise `Refused`, and put functions into the socket's ``on_accept`` and ``on_end``.
on_connect: list[Callable[[Socket], None]] = []

# What the peer is told: an HTTP status before accept(), a close code after it, and why.
Answer = tuple[int, int, str]
ANSWERS: list[tuple[type[Exception], Answer]] = [
    (Http404, (404, CloseCode.POLICY_VIOLATION, "Nothing is here.")),
    (PermissionDenied, (403, CloseCode.POLICY_VIOLATION, "You may not do this.")),
    (SuspiciousOperation, (400, CloseCode.POLICY_VIOLATION, "This looks wrong.")),
]
FAILED: Answer = (500, CloseCode.INTERNAL_ERROR, "")  # the details are for our log


async def handle(socket: Socket) -> None:
    """All that the site does for one websocket."""
    answer: Answer = (500, CloseCode.NORMAL_CLOSURE, "")
    try:
        async with socket.deadline:
            now = asyncio.get_running_loop().time()
            socket.deadline.reschedule(now + socket.conf.HANDSHAKE_SECONDS)
            for call in on_connect:
                call(socket)
            set_script_prefix(socket.request.script_name)  # for reverse()
            handler, args, kwargs = resolve(socket)
            for step in socket.conf.steps:
                await step(socket)
            await handler(socket, *args, **kwargs)
            if socket.state is CONNECTING:
                raise HandlerError("it returned without: await socket.accept()")
    except Exception as error:
        answer = answer_to(_unwrapped(error), socket)
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise  # the runner waits no longer
        what = "the handler at %r awaited a task that was cancelled"
        log.error(what, socket.scope["path"], exc_info=error)
        socket.failed = True
        answer = FAILED
    with suppress(RuntimeError):  # the runner has given this handler up
        socket.watch.reschedule(None)  # what is left has limits of its own
    await end(socket, *answer)


def answer_to(error: Exception, socket: Socket) -> Answer:
    """What the peer is told about an error. The log gets one line without contents."""
    path = socket.scope["path"]
    if isinstance(error, Disconnected):
        return FAILED
    if isinstance(error, TimeoutError) and socket.deadline.expired():
        late = (CloseCode.TRY_AGAIN_LATER, "no answer in time")
        answer = (503, *(socket.stopped or late))
    elif isinstance(error, Refused):
        answer = (error.status, CloseCode.POLICY_VIOLATION, error.reason)
    elif isinstance(error, BadMessage):
        answer = (400, error.code, error.reason)
    else:
        found = [answer for kind, answer in ANSWERS if isinstance(error, kind)]
        if not found:
            log.error("the handler at %r failed", path, exc_info=error)
            socket.failed = True
            return FAILED
        answer = found[0]
    if socket.state is CONNECTING:
        log.warning("refused %r with %d: %s", path, answer[0], answer[2])
    elif socket.state is OPEN and answer[1] != CloseCode.SERVICE_RESTART:
        log.warning("closed %r with %d: %s", path, answer[1], answer[2])
    return answer


def _unwrapped(error: Exception) -> Exception:
    """The first error in a TaskGroup's group; that the peer has left counts least."""
    while isinstance(error, ExceptionGroup):
        rest = error.split(Disconnected)[1] or error
        error = rest.exceptions[0]
    return error


async def refuse(socket: Socket, status: int, reason: str) -> None:
    """An HTTP answer in place of the handshake's."""
    socket.state = CLOSED
    socket.refused = (status, reason)
    if "websocket.http.response" not in (socket.scope.get("extensions") or {}):
        return await socket.outbox.end({"type": "websocket.close"})  # becomes a 403
    body = f"{reason}\n".encode()
    kind, length = b"text/plain; charset=utf-8", str(len(body)).encode()
    socket.outbox.put(
        {
            "type": "websocket.http.response.start",
            "status": status,
            "headers": [(b"content-type", kind), (b"content-length", length)],
        }
    )
    await socket.outbox.flushed()  # the end would drop what waits
    await socket.outbox.end({"type": "websocket.http.response.body", "body": body})


async def end(socket: Socket, status: int, code: int, reason: str) -> None:
    """An answer, unless one has come or gone, and nothing left in the outbox."""
    if socket.state is CONNECTING:
        await refuse(socket, status, reason)
    await socket.close(*(socket.stopped or (code, reason)))
    await socket.outbox.end(None)
