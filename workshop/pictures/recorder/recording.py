"""A recording: a program runs, and what happens goes into its record."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Self

from workshop.pictures.recorder.doors import watched
from workshop.pictures.recorder.driver import Driven, drive
from workshop.pictures.recorder.learners import learners_traceback
from workshop.pictures.recorder.output import printing
from workshop.pictures.recorder.record import Record, current
from workshop.pictures.recorder.watchdog import watchdog

PATIENCE = 10.0  # seconds that a step may take before it is ended


class Recording(Record):
    """The record of a program, and the means to run it.

    Args:
        title: what the picture says above the tracks.
        echo: whether printed text also goes where it usually goes.
        patience: seconds after which a step is ended that does not give control back.
            Only in the main thread: see ``watchdog``.
    """

    def __init__(
        self, title: str = "", *, echo: bool = True, patience: float = PATIENCE
    ) -> None:
        super().__init__(title, echo=echo)
        self._patience = patience
        self._task: asyncio.Task[Any] | None = None

    async def run(self, program: Coroutine[Any, Any, Any]) -> Self:
        """Run ``program`` as a task of the running loop until it ends.

        An exception of the program's is kept, not raised: :meth:`result` raises it,
        and the picture shows it. Cancelling ``run`` cancels the program.
        """
        loop = asyncio.get_running_loop()
        self.begin()
        with watched(loop), printing(), watchdog(self, self._patience):
            with self.listening():
                self._task = loop.create_task(program)
            try:
                await asyncio.wait([self._task])
            except asyncio.CancelledError:
                self._task.cancel()
                await asyncio.wait([self._task])
                raise
            finally:
                self.end()
        if not self._task.cancelled():
            # Asked for once, so that asyncio does not complain of an exception that
            # nobody retrieved. Those who want it call result().
            self._task.exception()
        return self

    def result(self) -> Any:
        """The value that the program returned; raises the exception that it raised."""
        if self._task is None:
            raise RuntimeError("nothing was recorded yet: await run(program) first")
        return self._task.result()

    @property
    def error(self) -> str:
        """The program's traceback from the learner's first line on, or ``""``."""
        task = self._task
        if not self.finished or task is None or task.cancelled():
            return ""
        error = task.exception()
        if error is None:
            return ""
        return learners_traceback(error)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Note what is printed in this context, and whose tasks are started in it."""
        token = current.set((*current.get(), self))
        try:
            with printing():
                yield
        finally:
            current.reset(token)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Record a program that another loop than asyncio's runs in the body.

        Each of its tasks is to be driven through :meth:`drive`.
        """
        self.begin()
        try:
            with self.listening():
                yield
        finally:
            self.end()

    def drive(self, coro: Coroutine[Any, Any, Any], name: str | None = None) -> Driven:
        """``coro``, driven: every step of it is recorded as this recording's."""
        return drive(coro, self, name)
