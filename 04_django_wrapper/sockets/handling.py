"""The handler's task: route, handshake steps, handler, and one answer to the peer.

This file decides what an error of the handler means. It changes nothing of a socket but
through its methods.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any
from weakref import ref

from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404
from django.urls import set_script_prefix

from .answers import DONE, FAILED, answer_to, errors_in
from .codes import Disconnected, HandlerError
from .connection import Socket, State, current
from .routing import resolve

log = logging.getLogger("sockets")

# Called with each new socket, before its first step; ``apps.py`` fills it. Each may
# raise `Refused`, and put functions into the socket's ``on_accept`` and ``on_end``.
on_connect: list[Callable[[Socket], None]] = []


async def handle(socket: Socket) -> None:
    """All that the site does for one websocket.

    Raises:
        asyncio.CancelledError: the deadline or the server has ended this task.
    """
    try:
        await _call_handler(socket)
    except Exception as error:
        _answer(socket, error)
    except asyncio.CancelledError as error:
        if not _is_cancelled():
            socket.fail("the handler at %r awaited a task that was cancelled", error)
        elif socket.ending is None:
            # Neither the deadline nor the server cancels before the end. Without a
            # goodbye from here, the peer would wait for one that never comes.
            socket.fail("the handler at %r was cancelled by the site's code", error)
        else:
            raise  # the websocket has ended before, and the peer knows it
        socket.finish(FAILED)
    else:
        socket.finish(DONE)


def _is_cancelled() -> bool:
    """Is this task itself cancelled, and not only one that it has awaited?"""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _call_handler(socket: Socket) -> None:
    for call in on_connect:
        call(socket)

    current.set(ref(socket))
    set_script_prefix(socket.request.script_name or "")  # for reverse()
    handler, args, kwargs = resolve(socket)
    for step in socket.conf.steps:
        await step(socket)

    returned: Any = await handler(socket, *args, **kwargs)
    if returned is not None:
        kind = type(returned).__name__
        raise HandlerError(
            f"a handler returns nothing, and this one has returned a {kind}: before "
            "accept() raise Refused(status, reason), after it await socket.send(text)"
        )
    if socket.state is State.CONNECTING:
        raise HandlerError("it returned without: await socket.accept()")


def _answer(socket: Socket, error: Exception) -> None:
    """Tell the peer and the log what an error means."""
    if isinstance(error, Disconnected) and socket.ending is not None:
        if not error.is_first:
            log.warning(
                "the handler at %r used its websocket after it was told of the end: "
                "what came after that in its clean-up was not done",
                socket.scope["path"],
            )
        return

    # If the peer leaves, every task of a group may raise `Disconnected`.
    errors = [
        inner
        for inner in errors_in(error)
        if not isinstance(inner, Disconnected) or socket.ending is None
    ]
    # A failure counts more than the peer's fault: it must not be missing in the log.
    failures = [error for error in errors if answer_to(error) is None]
    for failure in failures:
        socket.fail("the handler at %r failed", failure)
    if failures:
        socket.finish(FAILED)
        return

    for fault in errors:
        answer = answer_to(fault)
        if answer is not None:
            socket.stop(answer.code, answer.reason, answer.status, note=_note(fault))
            return


def _note(error: Exception) -> str:
    """The words of the site's own code in one of Django's errors, for the log only."""
    is_djangos = isinstance(error, Http404 | PermissionDenied | BadRequest)
    if is_djangos and error.args and isinstance(error.args[0], str):
        return error.args[0]
    return ""
