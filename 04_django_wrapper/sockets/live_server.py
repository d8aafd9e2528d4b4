"""The site on a real server, for a browser in a test: Selenium, Playwright.

    class RoomTest(SocketsLiveServerTestCase):
        async def test_a_page_shows_what_somebody_says(self):
            await page.goto(self.live_server_url)

1. uvicorn serves pages, websockets and static files at a free port, in a thread of the
   test's own process. So ``override_settings`` and `unittest.mock` reach it.
2. Server and test see each other's rows, for nothing is inside a transaction: that is
   why the base class is `TransactionTestCase`.
3. A database in memory, as SQLite's is in tests, is one connection. The server gets the
   test's own, and uses it in one thread. For every other database the server makes
   connections of its own and closes them at its end: else nobody could drop that
   database.
"""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from typing import Any

import uvicorn
from asgiref.sync import SyncToAsync, ThreadSensitiveContext, sync_to_async
from django.apps import apps
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.db import connections
from django.test import TransactionTestCase, modify_settings

from .checks.application import site_application
from .database import end_threads, inside

GRACE = 5  # seconds for pages and websockets to end, when the server does


class SocketsLiveServerTestCase(TransactionTestCase):
    """Tests with a server for the length of their class.

    Attributes:
        host: of the server. It is in ALLOWED_HOSTS meanwhile.
        live_server_url: ``"http://localhost:54321"``; a websocket's address begins with
            ``ws`` in place of ``http``.
    """

    host = "localhost"
    live_server_url: str

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.live_server_url = cls.enterClassContext(live_server(cls.host))


@contextmanager
def live_server(host: str = "localhost") -> Iterator[str]:
    """The site on a real server, for the length of the block.

    Args:
        host: a name or an address of this machine.

    Yields:
        Its address: ``"http://localhost:54321"``.

    Raises:
        RuntimeError: the server has not started, or has failed.
    """
    everything: list[Any] = list(connections.all())
    in_memory = [
        connection
        for connection in everything
        if connection.vendor == "sqlite" and connection.is_in_memory_db()
    ]
    for connection in in_memory:
        connection.inc_thread_sharing()
    try:
        with modify_settings(ALLOWED_HOSTS={"append": host}), _lent(in_memory):
            thread = ServerThread(_site(), host, in_memory)
            with thread.running():
                yield f"http://{host}:{thread.port}"
    finally:
        for connection in in_memory:
            connection.dec_thread_sharing()


def _site() -> Any:
    """The application that ``runserver`` serves, with static files."""
    application = site_application()
    if apps.is_installed("django.contrib.staticfiles"):
        return ASGIStaticFilesHandler(application)
    return application


class ServerThread(threading.Thread):
    """uvicorn in a thread, with an event loop of its own.

    Args:
        application: ASGI's.
        host: a name or an address of this machine.
        shared: connections to databases in memory, which are the test's own.

    Attributes:
        port: a free one.
    """

    def __init__(self, application: Any, host: str, shared: Sequence[Any]) -> None:
        super().__init__(name="live server", daemon=True)
        self._listening = socket.create_server((host, 0))
        self.port: int = self._listening.getsockname()[1]
        self._shared = shared
        self._started = threading.Event()  # or it never will
        self._error: BaseException | None = None
        config = uvicorn.Config(
            application,
            access_log=False,
            log_config=None,  # the project's own stays
            timeout_graceful_shutdown=GRACE,
        )
        self._server = _Server(config, self._started.set)

    @contextmanager
    def running(self) -> Iterator[None]:
        """From its start to its end."""
        self.start()
        self._started.wait()
        try:
            self._check()
            yield
        finally:
            self._server.should_exit = True
            self.join()
            self._listening.close()
        self._check()

    def run(self) -> None:
        """The thread's work, from `threading.Thread`."""
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # uvicorn ends a bad start with SystemExit
            self._error = error
        finally:
            self._started.set()

    def _check(self) -> None:
        if self._error is not None:
            raise RuntimeError(
                f"the server has failed ({self._error!r}); the log says more"
            ) from self._error

    async def _serve(self) -> None:
        async with AsyncExitStack() as stack:
            if self._shared:
                await stack.enter_async_context(_one_thread(self._shared))
            try:
                await self._server.serve(sockets=[self._listening])
            finally:
                await sync_to_async(connections.close_all)()
                end_threads()


class _Server(uvicorn.Server):
    """It tells when it serves."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._tell = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._tell()


@asynccontextmanager
async def _one_thread(shared: Sequence[Any]) -> AsyncIterator[None]:
    """All that the server does with the ORM is done in one thread, on these.

    With a thread for each request and for each unit of work, two of them would be
    inside one transaction of the one connection.
    """

    take_over = partial(_take_over, shared)
    with ThreadPoolExecutor(1, "database", initializer=take_over) as thread:
        # uvicorn's tasks copy both values: ``database()`` is no block of its own, and
        # Django opens no thread for a request.
        token = inside.set(True)
        try:
            async with ThreadSensitiveContext(executor=thread):
                yield
        finally:
            inside.reset(token)


@contextmanager
def _lent(shared: Sequence[Any]) -> Iterator[None]:
    """Async tests of pytest use the ORM in asgiref's thread: on these, too.

    A second connection to a database in memory does not wait for the first one: it
    fails with "table is locked". Django's own async tests use the main thread.
    """
    thread = SyncToAsync.single_thread_executor
    thread.submit(_take_over, shared).result()
    try:
        yield
    finally:
        thread.submit(_give_back, shared).result()


def _take_over(shared: Sequence[Any]) -> None:
    """In this thread these are the connections, from now on."""
    for connection in shared:
        connections[connection.alias] = connection


def _give_back(shared: Sequence[Any]) -> None:
    """This thread makes connections of its own again, when it needs them."""
    for connection in shared:
        del connections[connection.alias]
