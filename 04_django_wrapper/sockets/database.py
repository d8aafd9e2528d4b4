"""``async with database():`` around one unit of work with the ORM.

Django's async ORM runs in threads, and each thread has its own connection. For a view
Django gives one thread to each request, and closes or keeps its connection at the end.
A websocket lives for hours: what a request is to a view is one unit of work to it.

1. A block gets one of ``DATABASE_THREADS`` threads, or waits for one.
2. All ORM calls inside it run on that thread, on one connection, so they may share a
   transaction in a synchronous function called with ``sync_to_async``.
3. At its end, connections are closed as after a request: at once, or when they are
   older than CONN_MAX_AGE. So nothing stale is ever used, and nothing is held.
"""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import ContextVar
from weakref import WeakKeyDictionary

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.db import connections

from sockets.conf import conf

inside: ContextVar[bool] = ContextVar("inside a unit of work", default=False)
_threads: list[ThreadPoolExecutor] = []  # idle ones, of one thread each
_slots: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = (
    WeakKeyDictionary()  # a process has one event loop, but each test has its own
)


@asynccontextmanager
async def database() -> AsyncIterator[None]:
    """One unit of work: a thread and connections for the block, and not for longer.

    Inside another one it is part of that one. Tasks started in it must end in it.
    """
    if inside.get():
        yield
        return
    loop, most = asyncio.get_running_loop(), conf().DATABASE_THREADS
    async with _slots.setdefault(loop, asyncio.Semaphore(most)):
        thread = _threads.pop() if _threads else ThreadPoolExecutor(1, "database")
        token = inside.set(True)
        try:
            async with ThreadSensitiveContext(executor=thread):
                try:
                    yield
                finally:
                    await sync_to_async(close_old_connections)()
        finally:
            inside.reset(token)
            _threads.append(thread)


def close_old_connections() -> None:
    """What Django does after each request, except inside a test's transaction."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
