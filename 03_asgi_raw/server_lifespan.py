"""The lifespan, the server's side: one more conversation with the application.

It has no connection and no bytes. Three things can come of the start, and they must be
told apart (ASGI spec, "Lifespan Protocol"):

1. ``lifespan.startup.complete``: serve, and say ``lifespan.shutdown`` at the end;
2. ``lifespan.startup.failed``: do not serve;
3. it returns or raises without an answer: it has no lifespan. Serve without.
"""

import asyncio
import logging
from typing import Any

from asgiref.typing import ASGI3Application, LifespanScope

ANSWERS = tuple(
    f"lifespan.{step}.{end}"
    for step in ("startup", "shutdown")
    for end in ("complete", "failed")
)
log = logging.getLogger("protocol_server")


class StartupFailedError(Exception):
    """The application said that it cannot start; the message is its own."""


class Lifespan:
    """``start()`` before the first connection, ``stop()`` after the last."""

    def __init__(self, application: ASGI3Application) -> None:
        self.state: dict[str, Any] = {}  # the application's; every scope gets a copy
        self._events: asyncio.Queue[Any] = asyncio.Queue()  # to the application
        self._answers: asyncio.Queue[Any] = asyncio.Queue()  # None: it has ended
        scope: LifespanScope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        self._task = asyncio.create_task(self._run(application, scope))

    async def _run(self, application: ASGI3Application, scope: LifespanScope) -> None:
        try:
            await application(scope, self._events.get, self._send)
        except Exception as error:
            log.debug("the application's lifespan raised %r", error)
        finally:
            self._answers.put_nowait(None)

    async def _send(self, event: Any) -> None:
        if event["type"] not in ANSWERS:  # it takes this for a connection
            raise RuntimeError(f"expected one of {ANSWERS}, and {event['type']} came")
        self._answers.put_nowait(event)

    async def start(self) -> None:
        """Ask the application to start, and wait for its answer.

        Raises:
            StartupFailedError: it cannot.
        """
        self._events.put_nowait({"type": "lifespan.startup"})
        answer = await self._answers.get()
        if answer is None:
            log.debug("the application has no lifespan")
        elif answer["type"] == "lifespan.startup.failed":
            await self.cut()
            raise StartupFailedError(answer.get("message") or "it gave no reason")

    async def stop(self, seconds: float) -> None:
        """Tell the application that all connections have ended; wait for its answer."""
        if not self._task.done():  # otherwise nobody listens
            self._events.put_nowait({"type": "lifespan.shutdown"})
            try:
                async with asyncio.timeout(seconds):
                    answer = await self._answers.get()
                if answer and answer["type"] == "lifespan.shutdown.failed":
                    log.error("shutdown failed: %s", answer.get("message"))
            except TimeoutError:
                log.error("the application's shutdown took over %g s", seconds)
        await self.cut()

    async def cut(self) -> None:
        """End its task, but never wait long for one that will not end."""
        self._task.cancel()
        await asyncio.wait([self._task], timeout=1)
