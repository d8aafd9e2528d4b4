"""``async with database():`` around one unit of work with the ORM.

Django's async ORM runs in threads, and each thread has its own connection. For a view
Django gives one thread to each request, and closes or keeps its connection at the end.
A websocket lives for hours: what a request is to a view is one unit of work to it.

1. A block gets one of ``DATABASE_THREADS`` threads, or waits for one.
2. All ORM calls inside it run on that thread, on one connection. So they may share a
   transaction in a synchronous function that is called with ``sync_to_async``.
3. To connect costs more than most units do. There are few of these threads, so each may
   keep its connection, as Django does with CONN_MAX_AGE and CONN_HEALTH_CHECKS: it is
   asked before each unit whether it still works, and it is closed when it is old.
"""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from weakref import WeakKeyDictionary

from asgiref.sync import ThreadSensitiveContext
from django.db import connections

from .blocks import block
from .conf import conf

# Is this task in a block already? Also set by the test client (testing.py).
inside: ContextVar[bool] = ContextVar("inside a unit of work", default=False)

# Threads that have nothing to do. Each executor has one thread.
_threads: list[ThreadPoolExecutor] = []

# How many blocks may begin. A process has one event loop, and tests have one each.
_slots: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = (
    WeakKeyDictionary()
)


@block("async with database():")
async def database() -> AsyncIterator[None]:
    """One unit of work: a thread and its connections, for the length of the block.

    A block inside another one is a part of that one. Tasks that are started in a block
    must end in it.
    """
    if inside.get():
        yield
        return

    loop = asyncio.get_running_loop()
    slots = _slots.setdefault(loop, asyncio.Semaphore(conf().DATABASE_THREADS))
    await slots.acquire()
    if _threads:
        thread = _threads.pop()
    else:
        thread = ThreadPoolExecutor(1, "database", initializer=_keep_connections)

    def free(_: object) -> None:
        _threads.append(thread)
        slots.release()

    token = inside.set(True)
    try:
        async with ThreadSensitiveContext(executor=thread):
            yield
    finally:
        inside.reset(token)
        # A thread does not hear of a cancellation: it may still wait for a lock in the
        # database. Without the callback it would be given to the next block meanwhile.
        closing = loop.run_in_executor(thread, close_old_connections)
        closing.add_done_callback(free)
        await asyncio.shield(closing)


def _keep_connections() -> None:
    """For this thread only: Django's settings for a connection that is kept.

    Source: docs.djangoproject.com/en/5.2/ref/databases/#persistent-database-connections
    """
    for connection in connections.all():
        if connection.settings_dict["OPTIONS"].get("pool"):
            continue  # the pool keeps them
        settings = dict(connection.settings_dict)
        settings["CONN_MAX_AGE"] = conf().DATABASE_SECONDS
        settings["CONN_HEALTH_CHECKS"] = True
        connection.settings_dict = settings


def close_old_connections() -> None:
    """Do as Django does after each request, except inside a test's transaction."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.queries_log.clear()  # with DEBUG it has every query
            connection.close_if_unusable_or_obsolete()


def end_threads() -> None:
    """End the threads that have nothing to do, each with its connections.

    For the end of a server in a test: nobody can drop a database with connections.
    """
    while _threads:
        thread = _threads.pop()
        thread.submit(connections.close_all).result()
        thread.shutdown()
