"""Hints, check and solution of exercise 4.4, and what must not pass."""

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from unittest.mock import patch

from django.core.exceptions import SynchronousOnlyOperation
from django.db.backends.signals import connection_created
from exercises.answers.prepare import raise_failure
from exercises.e4_whose_thread import (
    Message,
    Socket,
    SocketClient,
    application,
    database,
    path,
    something_was_said,
    urlpatterns,
)
from sockets.database import inside
from sockets.inbox import Inbox

from workshop.exercises import Wrong, shown

HINTS = (
    "At which lines does a query really run: where the queryset is made, where it is "
    "looped over, or where `m.user` is read?",
    "A unit of work around the loop that reads the rows, and only around "
    "that. `async for` reads them; `select_related` brings each user along.",
    'Above: `.select_related("user")`. Then `async with database():`, and in it '
    "`rows = [[m.user.username, m.text] async for m in said]`. Behind the block: "
    "`await socket.send_json(rows)`.",
)

EXPECTED = [["ann", "hello"], ["ann", "anybody there?"]]
UNSAFE = "DJANGO_ALLOW_ASYNC_UNSAFE"


async def check(history: Callable[[Socket], Awaitable[None]]) -> str:
    found: list[str] = []
    urlpatterns[:] = [path("history/", history)]
    try:
        with _watched(found):
            await something_was_said()
            found.clear()
            told = await _talk(history)
    finally:
        os.environ.pop(UNSAFE, None)
    if "loop" in found:
        raise Wrong(
            "A query ran in the thread of the event loop: no other websocket could do "
            "anything meanwhile. DJANGO_ALLOW_ASYNC_UNSAFE only hides the error.",
            ask="Which block brings queries into another thread?",
        )
    if "outside" in found:
        raise Wrong(
            "A query ran outside of `async with database():`, in the one thread that "
            "all websockets share.",
            ask="At which line does the queryset ask the database?",
        )
    for event, words in (
        ("receive", "its next slug"),
        ("send", "an answer to be sent"),
    ):
        if event in found:
            raise Wrong(
                "The unit of work was held while the peer was waited for: for "
                f"{words}. Four such peers, and nobody else can use the database.",
                ask="Where does the block have to end?",
            )
    if told != [EXPECTED, EXPECTED, []]:
        raise Wrong(
            f"For lobby, lobby and nowhere, history sent {shown(told)}; "
            f"{EXPECTED}, the same once more, and [] were wanted.",
            ask="Does your loop go over all rows, in their order?",
        )
    return "the rows are read inside, in a thread, and sent outside."


async def _talk(history: Callable[[Socket], Awaitable[None]]) -> list[Any]:
    told = []
    try:
        async with SocketClient(application, "/history/") as socket:
            for slug in ("lobby", "lobby", "nowhere"):
                await socket.send(slug)
                told.append(await socket.receive_json())
    except AssertionError:
        try:
            raise_failure()
        except SynchronousOnlyOperation as error:
            vars(error)["ask"] = (
                "Which object in this line asks the database, and in whose thread? "
                "04_django_wrapper/ERRORS.md explains this error."
            )
            raise
        raise
    return told


@contextmanager
def _watched(found: list[str]) -> Iterator[None]:
    """Note where queries run, and what is waited for inside a unit of work."""
    here = threading.get_ident()
    arrival = Inbox.arrival
    send = Socket.send

    def watched_arrival(inbox: Inbox) -> Any:
        # Both `receive()` and `async for` wait here for a message.
        if inside.get():
            found.append("receive")
        return arrival(inbox)

    async def watched_send(socket: Socket, message: str | bytes) -> None:
        if inside.get():
            found.append("send")
        await send(socket, message)

    def noted(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("SELECT"):
            if threading.get_ident() == here:
                found.append("loop")
            elif not inside.get():
                found.append("outside")
        return execute(sql, params, many, context)

    def note(connection: Any, **about: Any) -> None:
        connection.execute_wrappers[:] = [noted]

    connection_created.connect(note, dispatch_uid="exercise", weak=False)
    try:
        with (
            patch.object(Inbox, "arrival", watched_arrival),
            patch.object(Socket, "send", watched_send),
            # SocketClient says that all of the handler is one unit of work, the test's.
            patch("sockets.testing.inside", ContextVar("nothing", default=False)),
        ):
            yield
    finally:
        connection_created.disconnect(dispatch_uid="exercise")


async def history(socket: Socket) -> None:
    """For each slug: a list of ``[name of the account, text]``, oldest first."""
    await socket.accept()
    async for slug in socket:
        said = Message.objects.filter(room__slug=slug).order_by("id")
        async with database():
            found = [m async for m in said.select_related("user")]
        await socket.send_json([[m.user.username, m.text] for m in found])


async def the_variable(socket):
    import os

    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    await socket.accept()
    async for slug in socket:
        said = Message.objects.filter(room__slug=slug).order_by("id")
        await socket.send_json([[m.user.username, m.text] for m in said])


async def around_the_whole_loop(socket):
    await socket.accept()
    async with database():
        async for slug in socket:
            said = Message.objects.filter(room__slug=slug).order_by("id")
            rows = [m async for m in said.select_related("user")]
            await socket.send_json([[m.user.username, m.text] for m in rows])


async def around_the_send(socket):
    await socket.accept()
    async for slug in socket:
        async with database():
            said = Message.objects.filter(room__slug=slug).order_by("id")
            rows = [m async for m in said.select_related("user")]
            await socket.send_json([[m.user.username, m.text] for m in rows])


async def lazy_and_used_outside(socket):
    await socket.accept()
    async for slug in socket:
        async with database():
            said = Message.objects.filter(room__slug=slug).order_by("id")
        await socket.send_json([[m.user.username, m.text] for m in said])


async def lazy_and_awaited_outside(socket):
    await socket.accept()
    async for slug in socket:
        async with database():
            said = Message.objects.filter(room__slug=slug).order_by("id")
            said = said.select_related("user")
        await socket.send_json([[m.user.username, m.text] async for m in said])


async def foreign_key_outside(socket):
    await socket.accept()
    async for slug in socket:
        async with database():
            said = Message.objects.filter(room__slug=slug).order_by("id")
            rows = [m async for m in said]
        await socket.send_json([[m.user.username, m.text] for m in rows])


async def plain_loop_in_the_block(socket):
    await socket.accept()
    async for slug in socket:
        async with database():
            said = Message.objects.filter(room__slug=slug).order_by("id")
            rows = [[m.user.username, m.text] for m in said]
        await socket.send_json(rows)


async def no_unit_of_work(socket):
    await socket.accept()
    async for slug in socket:
        said = Message.objects.filter(room__slug=slug).order_by("id")
        rows = [m async for m in said.select_related("user")]
        await socket.send_json([[m.user.username, m.text] for m in rows])


async def any_thread(socket):
    await socket.accept()
    async for slug in socket:
        said = Message.objects.filter(room__slug=slug).order_by("id")
        rows = await asyncio.to_thread(list, said.select_related("user"))
        await socket.send_json([[m.user.username, m.text] for m in rows])


async def name_of_the_message(socket):
    await socket.accept()
    async for slug in socket:
        said = Message.objects.filter(room__slug=slug).order_by("id")
        async with database():
            rows = [[m.name, m.text] async for m in said]
        await socket.send_json(rows)


WRONG = (
    (the_variable, "DJANGO_ALLOW_ASYNC_UNSAFE only hides the error"),
    (around_the_whole_loop, "for its next slug"),
    (around_the_send, "for an answer to be sent"),
    (lazy_and_used_outside, "04_django_wrapper/ERRORS.md explains this error"),
    (lazy_and_awaited_outside, "A query ran outside of `async with database():`"),
    (foreign_key_outside, "SynchronousOnlyOperation was raised at line"),
    (plain_loop_in_the_block, "SynchronousOnlyOperation was raised at line"),
    (no_unit_of_work, "A query ran outside of `async with database():`"),
    (any_thread, "A query ran outside of `async with database():`"),
    (name_of_the_message, "For lobby, lobby and nowhere, history sent"),
)
