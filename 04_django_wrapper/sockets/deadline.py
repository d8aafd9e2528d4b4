"""How long a handler may go on after its websocket has ended: one timer, one task.

A handler passes through these stages, and never back:

    OPENING   before ``accept()``: HANDSHAKE_SECONDS, and the peer gets 503
    RUNNING   no limit
    ENDING    the websocket has ended, and the handler does not know it yet
    CLEANING  the handler knows it: CLEANUP_SECONDS for all that it still does
    CUT_OFF   the handler has been cancelled for the last time: PATIENCE seconds
    OVER      the task has ended, or is left behind

The table at the top of ``runner.py`` says what is logged at each step.
"""

import asyncio
import logging
from collections.abc import Callable
from enum import Enum, auto

from .conf import Conf

log = logging.getLogger("sockets")

PATIENCE = 1.0  # seconds for a handler to obey its last cancellation

# asyncio itself keeps only weak references to tasks. A task that nobody holds may be
# collected in the middle of its work.
_left_behind: set[asyncio.Task[None]] = set()


class Stage(Enum):
    """How far the handler is; see the top of this file."""

    OPENING = auto()
    RUNNING = auto()
    ENDING = auto()
    CLEANING = auto()
    CUT_OFF = auto()
    OVER = auto()


class Deadline:
    """The limit of one handler.

    Attributes:
        stage: how far the handler is.
        cut_off: the handler was cancelled in its work or in its clean-up.
        left_behind: the handler still runs, though it was cancelled.
    """

    __slots__ = (
        "_conf",
        "_path",
        "_task",
        "_timer",
        "_waiter",
        "_was_told",
        "cut_off",
        "left_behind",
        "stage",
    )

    def __init__(self, path: str, conf: Conf) -> None:
        self._path = path
        self._conf = conf
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.stage = Stage.OPENING
        self._waiter: asyncio.Future[None] | None = None  # the runner waits
        self.cut_off = False
        self.left_behind = False
        self._was_told = False

    # Called by the runner

    def start(self, task: asyncio.Task[None], late: Callable[[], None]) -> None:
        """Watch a handler's task.

        Args:
            task: the handler's.
            late: called if there is no ``accept()`` within HANDSHAKE_SECONDS.
        """
        self._task = task
        task.add_done_callback(self._ended)
        self._set_timer(self._conf.HANDSHAKE_SECONDS, late)

    def over(self) -> "asyncio.Future[None]":
        """A future that is done when the handler has ended or is left behind.

        For one waiter at a time: if that is cancelled, so is its future, and it may ask
        for another one.
        """
        self._waiter = asyncio.get_running_loop().create_future()
        if self.stage is Stage.OVER:
            self._waiter.set_result(None)
        return self._waiter

    def give_up(self) -> None:
        """The server ends: cancel the handler, and wait no longer than PATIENCE."""
        self._cancel_for_the_last_time()

    # Called by the socket

    def opened(self) -> None:
        """``accept()`` has come in time."""
        if self.stage is Stage.OPENING:
            self.stage = Stage.RUNNING
            self._clear_timer()

    def websocket_ended(self, *, has_received: bool) -> None:
        """Let the handler notice by itself that its websocket has ended.

        Args:
            has_received: the handler has called ``receive()`` before, so it will come
                back to it, and may have messages to finish before. A handler that never
                reads would never notice.
        """
        if self.stage not in (Stage.OPENING, Stage.RUNNING):
            return
        self.stage = Stage.ENDING
        if has_received:
            self._set_timer(self._conf.CLEANUP_SECONDS, self._cancel_in_its_work)
        else:
            self._set_timer(self._conf.LEAVE_SECONDS, self._cancel)

    def handler_knows(self) -> None:
        """The handler has heard of the end: its time to clean up begins now."""
        if self.stage is Stage.ENDING:
            self.stage = Stage.CLEANING
            self._set_timer(self._conf.CLEANUP_SECONDS, self._cancel_in_its_clean_up)

    def tell_handler(self) -> bool:
        """An error now tells the handler of the end.

        Returns:
            False if it had been told by an error before.
        """
        is_first = not self._was_told
        self._was_told = True
        self.handler_knows()
        return is_first

    def is_current_task(self) -> bool:
        """Is it the handler that calls this?"""
        try:
            return asyncio.current_task() is self._task
        except RuntimeError:  # there is no event loop in this thread
            return False

    # Called by the timer

    def _cancel(self) -> None:
        """Tell a handler that never reads: a cancellation is how it notices.

        It may still clean up, so this is the stage CLEANING. If that takes too long,
        the next cancellation is the last one.
        """
        self.tell_handler()
        self._cancel_task()

    def _cancel_in_its_work(self) -> None:
        self._log_cut("did not come back to receive()")
        self._cancel()

    def _cancel_in_its_clean_up(self) -> None:
        self._log_cut("was not done with its clean-up")
        self._cancel_for_the_last_time()

    def _cancel_for_the_last_time(self) -> None:
        if self.stage is Stage.OVER:
            return
        self.stage = Stage.CUT_OFF
        self._set_timer(PATIENCE, self._leave_behind)
        self._cancel_task()

    def _leave_behind(self) -> None:
        """Wait no longer. The task is in no group and can send nothing."""
        task = self._task
        assert task is not None
        _left_behind.add(task)
        task.add_done_callback(_left_behind.discard)
        log.error("the handler at %r goes on after its end", self._path)
        self.left_behind = True
        self._end()

    def _ended(self, _: object) -> None:
        if self.stage is not Stage.OVER:
            self._end()

    # Tools of the above

    def _end(self) -> None:
        self.stage = Stage.OVER
        self._clear_timer()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _cancel_task(self) -> None:
        assert self._task is not None
        self._task.cancel()

    def _log_cut(self, what: str) -> None:
        self.cut_off = True
        log.warning(
            "the handler at %r %s within %g s after its websocket's end: cancelled",
            self._path,
            what,
            self._conf.CLEANUP_SECONDS,
        )

    def _set_timer(self, seconds: float, call: Callable[[], None]) -> None:
        self._clear_timer()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(seconds, call)

    def _clear_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
