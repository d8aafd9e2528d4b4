"""The record of one task: its steps, and how it ended. Data only."""

import asyncio
import linecache
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from types import CodeType
from typing import NamedTuple

from workshop.pictures.recorder.learners import shown_file


class Outcome(Enum):
    """How a track ended; ``OPEN`` while it has not."""

    OPEN = "open"
    RETURNED = "returned"
    RAISED = "raised"
    CANCELLED = "cancelled"
    # Nobody kept the task, so it vanished before its end.
    LOST = "lost"


class Place(NamedTuple):
    """A line of source: where a coroutine was suspended, or begins."""

    code: CodeType
    line: int

    @property
    def file(self) -> str:
        """The file's name, or the number of the notebook's cell: ``In[3]``."""
        return shown_file(self.code.co_filename)

    @property
    def text(self) -> str:
        """The line itself, without its indentation and comment."""
        line = linecache.getline(self.code.co_filename, self.line)
        return line.split("  #")[0].split(" #")[0].strip()


class Step(NamedTuple):
    """One turn of a coroutine. All times are seconds on the recording's clock.

    Attributes:
        ready: from when on it could have run.
        start: when it began to run.
        end: when it gave control back, or ended.
        place: where it was suspended afterwards. ``None`` if it ended, or if no line of
            the learner's is on its stack.
    """

    ready: float
    start: float
    end: float
    place: Place | None


@dataclass(eq=False)
class Track:
    """The life of one task (or of one call in a worker thread).

    Attributes:
        plain_name: the coroutine function's name.
        begins: the line with its ``def``.
        created: seconds on the recording's clock.
        thread: whether it is a call in a worker thread.
        task: the task. Held weakly, so that it ends as it would without a recorder.
        task_name: the task's own name, as far as it is known.
        steps: what it did so far, in order.
        running_since: when the step began that runs now.
        ready_at: from when on it could run, while it does not.
        outcome: how it ended.
        error: the name of the exception that ended it.
        clock: gives the seconds since the recording began.
        lost_at: when the task vanished before its end.
    """

    plain_name: str
    begins: Place | None
    created: float
    thread: bool = False
    task: "weakref.ref[asyncio.Future[object]] | None" = None
    task_name: str = "Task-0"
    steps: list[Step] = field(default_factory=list)
    running_since: float | None = None
    ready_at: float | None = None
    outcome: Outcome = Outcome.OPEN
    error: str = ""
    clock: Callable[[], float] = float
    lost_at: float | None = None

    def lost(self, _: object) -> None:
        """The task is no more; if it has not ended, it was lost."""
        if self.outcome is Outcome.OPEN:
            self.outcome = Outcome.LOST
            self.lost_at = self.clock()

    @property
    def name(self) -> str:
        """The name that the learner gave the task, else the coroutine's."""
        self.learn_name()
        given = self.task_name
        # Python 3.13.0 with a task factory says "None" where no name was given.
        if given.startswith("Task-") or given == "None":
            return self.plain_name
        return given

    def learn_name(self) -> None:
        """Keep the task's name: it may be needed when the task is no more."""
        task = self.task() if self.task else None
        if isinstance(task, asyncio.Task):
            self.task_name = task.get_name()

    @property
    def place(self) -> Place | None:
        """The line at which it waits now, or at which it begins."""
        if self.outcome is not Outcome.OPEN or self.running_since is not None:
            return None
        if self.steps:
            return self.steps[-1].place
        return self.begins


class Note(NamedTuple):
    """A text that was printed, when (seconds), and by which track."""

    at: float
    text: str
    track: Track | None
