"""``async with database():`` around one unit of work with the ORM.

Django's async ORM runs in threads, and each thread has its own connection. For a view
Django gives one thread to each request, and closes or keeps its connection at the end.
A websocket lives for hours: what a request is to a view is one unit of work to it.

1. A block gets one of ``DATABASE_THREADS`` threads, or waits for one.
2. All ORM calls inside it run on that thread, on one connection, so they may share a
   transaction in a synchronous function called with ``sync_to_async``.
3. To connect costs more than most units do. These threads are few, so each may keep
   its connection, as Django does where CONN_MAX_AGE and CONN_HEALTH_CHECKS say so: it
   is asked before each unit whether it still works, and closed when it is old.
"""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import ContextVar
from weakref import WeakKeyDictionary

from asgiref.sync import ThreadSensitiveContext
from django.db import connections

from .conf import conf

inside: ContextVar[bool] = ContextVar("inside a unit of work", default=False)
_threads: list[ThreadPoolExecutor] = []  # idle ones, of one thread each
_slots: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = (
    WeakKeyDictionary()  # a process has one event loop, but each test has its own
)


@asynccontextmanager
async def database() -> AsyncIterator[None]:
    """One unit of work: a thread and its connections for the block, and not for longer.

    Inside another one it is part of that one. Tasks started in it must end in it.
    """
    if inside.get():
        yield
        return
    loop, most = asyncio.get_running_loop(), conf().DATABASE_THREADS
    slots = _slots.setdefault(loop, asyncio.Semaphore(most))
    await slots.acquire()
    thread = _threads.pop() if _threads else _new_thread()

    def free(_: object) -> None:
        _threads.append(thread)
        slots.release()

    token = inside.set(True)
    try:
        async with ThreadSensitiveContext(executor=thread):
            yield
    finally:
        inside.reset(token)
        # A thread does not hear of a cancellation: it may wait for a lock in the
        # database, and is free only after that.
        closing = loop.run_in_executor(thread, close_old_connections)
        closing.add_done_callback(free)
        await asyncio.shield(closing)


def _new_thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "database", initializer=_keep_connections)


def _keep_connections() -> None:
    """For this thread's own: Django's settings for a connection that is kept.

    Source: docs.djangoproject.com/en/5.2/ref/databases/#persistent-database-connections
    """
    kept = {"CONN_MAX_AGE": conf().DATABASE_SECONDS, "CONN_HEALTH_CHECKS": True}
    for connection in connections.all():
        if not connection.settings_dict["OPTIONS"].get("pool"):  # which keeps its own
            connection.settings_dict = {**connection.settings_dict, **kept}


def close_old_connections() -> None:
    """What Django does after each request, except inside a test's transaction."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.queries_log.clear()  # with DEBUG it has every query
            connection.close_if_unusable_or_obsolete()
