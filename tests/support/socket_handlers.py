"""Handlers to test the layer with, and their routes."""

import asyncio
import gc
import os
from contextlib import AsyncExitStack, suppress

import psutil
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import connections
from django.http import Http404
from django.urls import include, path
from sockets.codes import Disconnected
from sockets.database import database
from sockets.groups import groups


async def echo(socket):
    await socket.accept()
    async for message in socket:
        await socket.send(message)


async def echo_json(socket):
    await socket.accept()
    while True:
        await socket.send_json(await socket.receive_json())


async def room(socket, room):
    await socket.accept()
    async with groups.join(room, socket):
        await socket.send("you are in")
        async for message in socket:
            await groups.publish(room, message)


async def process(socket):
    """Who comes is told by which process it is served."""
    await socket.accept()
    async with groups.join("workers", socket):
        await socket.send(str(os.getpid()))
        async for message in socket:
            await groups.publish("workers", message)


async def join(socket):
    """Each message is the name of one more group."""
    await socket.accept()
    async with AsyncExitStack() as stack:
        async for name in socket:
            await stack.enter_async_context(groups.join(name, socket))


async def chosen(socket):
    await socket.accept("chat")
    await socket.receive()


async def who(socket):
    await socket.accept()
    await socket.send(socket.user.get_username() or "nobody")
    await socket.receive()


async def forbidden(socket):
    raise PermissionDenied


async def missing(socket):
    raise Http404


async def goodbye(socket):
    await socket.accept()
    await socket.send("the last message")
    await socket.close(4001, "that was all")


async def broken(socket):
    await socket.accept()
    raise ValueError("a secret of ours")


async def silent(socket):
    """It never reads."""
    await socket.accept()
    try:
        await asyncio.Event().wait()
    finally:
        print("silent has ended", flush=True)


async def undecided(socket):
    """It never accepts."""
    print("INFO: undecided", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        print("INFO: given up", flush=True)


async def code(socket):
    """Print the code with which the peer has left."""
    await socket.accept()
    try:
        await socket.receive()
    except Disconnected as end:
        print("INFO: the code is", end.code, flush=True)


async def stubborn(socket):
    """It swallows every cancellation."""
    await socket.accept()
    print("stubborn has begun", flush=True)
    while True:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()


async def firehose(socket):
    """As much as a peer takes, until it takes no more."""
    await socket.accept()
    async with groups.join("firehose", socket):
        while True:
            await socket.send("x" * 100_000)


async def burst(socket):
    """A thousand messages without a pause, by the handler or by a thread."""

    def from_a_thread():
        for number in range(1000):
            groups.publish_sync("burst", f"{number:<2000}")

    await socket.accept()
    async with groups.join("burst", socket):
        if await socket.receive() == "thread":
            await asyncio.to_thread(from_a_thread)
        else:
            for number in range(1000):
                await groups.publish("burst", f"{number:<2000}")
        await socket.receive()


async def count_users(socket):
    await socket.accept()
    async with groups.join("counting", socket):
        async for _ in socket:
            async with database():
                await socket.send(str(await User.objects.acount()))


async def mark(socket):
    """Print a line into the log."""
    await socket.accept()
    print("INFO:", await socket.receive(), flush=True)
    await socket.send("printed")


async def numbers(socket):
    """What this process holds at the moment."""
    await socket.accept()
    wrappers = {type(connection) for connection in connections.all()}
    async for _ in socket:
        gc.collect()
        open_ones = [
            c for c in gc.get_objects() if type(c) in wrappers and c.connection
        ]
        files = psutil.Process().open_files()
        await socket.send_json(
            {
                "tasks": len(asyncio.all_tasks()),
                "members": sum(len(members) for members in groups.members.values()),
                "connections to the database": len(open_ones),
                "open files": len(files),
                "open sockets": len(psutil.Process().net_connections()),
                "process": os.getpid(),
            }
        )


async def connect_all(socket):
    """Each thread of the layer keeps a connection, and so does the carrier: let them
    have theirs now."""
    await socket.accept()
    threads = socket.conf.DATABASE_THREADS
    all_inside = asyncio.Barrier(threads)

    async def unit():
        async with database():
            await all_inside.wait()
            await User.objects.acount()

    await asyncio.gather(*(unit() for _ in range(threads)))
    while not await groups.publish("nobody", "hello"):  # Redis has not answered yet
        await asyncio.sleep(0.05)
    await socket.send("connected")


urlpatterns = [
    path("echo/", echo),
    path("json/", echo_json),
    path("room/<slug:room>/", room),
    path("process/", process),
    path("join/", join),
    path("chosen/", chosen),
    path("code/", code),
    path("who/", who),
    path("forbidden/", forbidden),
    path("missing/", missing),
    path("goodbye/", goodbye),
    path("broken/", broken),
    path("silent/", silent),
    path("undecided/", undecided),
    path("stubborn/", stubborn),
    path("firehose/", firehose),
    path("burst/", burst),
    path("users/", count_users),
    path("mark/", mark),
    path("numbers/", numbers),
    path("connect/", connect_all),
    path("", include("websocket_app.websocket_urls")),  # the chat
]
