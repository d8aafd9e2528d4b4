"""Run an ASGI application under uvicorn inside the loop that is already running."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import uvicorn
from asgiref.typing import ASGIApplication


class _Server(uvicorn.Server):
    """A uvicorn server that says when it is ready and leaves the signals alone.

    In a notebook the interrupt handler belongs to the kernel, in a test to pytest.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit:  # what uvicorn raises where the application cannot start
            self.should_exit = True
        self.ready.set()


@contextlib.asynccontextmanager
async def serving(application: ASGIApplication, **options: Any) -> AsyncIterator[str]:
    """Serve ``application`` on a free port of this machine for the ``async with`` body.

    Args:
        application: an ASGI 3 application.
        options: settings for ``uvicorn.Config`` (``ws="wsproto"``, ``log_level=…``).

    Yields:
        The address, ``http://127.0.0.1:PORT``. The same address with ``ws`` in place
        of ``http`` is the one for a websocket.

    Raises:
        RuntimeError: the application's lifespan startup failed.
    """
    settings: dict[str, Any] = {
        "log_level": "warning",
        "access_log": False,
        "timeout_graceful_shutdown": 2,  # seconds for connections that are still open
    }
    server = _Server(uvicorn.Config(application, **(settings | options)))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serve = asyncio.create_task(server.serve(sockets=[listener]), name="uvicorn")
        try:
            await server.ready.wait()
            if not server.started:
                raise RuntimeError("the application's lifespan startup failed")
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serve
