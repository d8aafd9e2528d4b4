"""Run a program in a thread and an event loop of its own, recorded."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from workshop.pictures.timeline import Timeline


class Background:
    """One run of a program beside the loop that serves a page.

    The page goes on even if the program blocks its own event loop. The recording notes
    what the program prints; the server's log stays free of it.

    Args:
        program: the coroutine function of the program.
        title: stands above the picture.

    Attributes:
        timeline: the recording.
    """

    def __init__(
        self, program: Callable[[], Coroutine[Any, Any, Any]], title: str
    ) -> None:
        self.timeline = Timeline(title, echo=False)
        self._program = program
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None
        self._stopped = False
        self._lock = threading.Lock()
        # A daemon: a program that never gives control back must not keep the server
        # alive.
        self._thread = threading.Thread(
            target=self._run, name=f"program {title}", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Cancel the program; it ends at its next await."""
        with self._lock:
            self._stopped = True
            if self._loop and self._task and not self._task.done():
                self._loop.call_soon_threadsafe(self._task.cancel)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        # Cancelled where stop() was called.
        with asyncio.Runner() as runner, contextlib.suppress(asyncio.CancelledError):
            runner.run(self._main())

    async def _main(self) -> None:
        with self._lock:
            if self._stopped:
                return
            self._loop = asyncio.get_running_loop()
            self._task = asyncio.current_task()
        await self.timeline.run(self._program())
