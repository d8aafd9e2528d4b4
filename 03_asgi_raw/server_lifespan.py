"""The lifespan, the server's side: one more conversation with the application.

It has no connection and no bytes. Three things can come of the start, and they must be
told apart (ASGI spec, "Lifespan Protocol"):

1. ``lifespan.startup.complete``: serve, and say ``lifespan.shutdown`` at the end;
2. ``lifespan.startup.failed``: do not serve;
3. it returns or raises without an answer: it has no lifespan. Serve without.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from asgi_types import Application

log = logging.getLogger("protocol_server")


class StartupFailedError(Exception):
    """The application said that it cannot start; the message is its own."""


@asynccontextmanager
async def lifespan(
    application: Application, stop: asyncio.Event, seconds: float
) -> AsyncIterator[dict[str, Any]]:
    """Start the application, yield its state, and stop it.

    Args:
        application: an ASGI 3 application.
        stop: ends the wait for a start that never ends.
        seconds: how long it may take to stop.

    Raises:
        StartupFailedError: it cannot start.
    """
    state: dict[str, Any] = {}
    events: asyncio.Queue[Any] = asyncio.Queue()  # to the application
    answers: asyncio.Queue[Any] = asyncio.Queue()  # from it

    async def send(event: Any) -> None:
        if not event["type"].startswith("lifespan."):  # it takes this for a connection
            raise RuntimeError(f"expected a lifespan event; {event['type']} came")
        answers.put_nowait(event)

    async def run() -> None:
        asgi = {"version": "3.0", "spec_version": "2.0"}
        scope: Any = {"type": "lifespan", "asgi": asgi, "state": state}
        try:
            await application(scope, events.get, send)
        except Exception as error:
            log.debug("the application's lifespan raised %r", error)
        answers.put_nowait({"type": "no lifespan"})

    async def ask(event: str) -> Any:
        events.put_nowait({"type": event})
        return await answers.get()

    running = asyncio.create_task(run())
    starting = asyncio.create_task(ask("lifespan.startup"))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
        if starting.done() and starting.result()["type"] == "lifespan.startup.failed":
            reason = starting.result().get("message") or "it gave no reason"
            raise StartupFailedError(reason)
        yield state
        if not running.done():  # otherwise nobody listens
            async with asyncio.timeout(seconds):
                answer = await ask("lifespan.shutdown")
            if answer["type"] == "lifespan.shutdown.failed":
                log.error("shutdown failed: %s", answer.get("message"))
    except TimeoutError:
        log.error("the application's shutdown took over %g s", seconds)
    finally:
        for task in (running, starting, stopping):
            task.cancel()
        await asyncio.wait([running], timeout=1)  # not for ever: it may go on
