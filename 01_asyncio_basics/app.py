"""Stage 01's page: choose a program, run it, and watch its timeline grow.

``uvicorn --app-dir 01_asyncio_basics app:application``, from the repository's folder.
"""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))  # for workshop/: --app-dir adds this folder only

import fetch_receive  # noqa: E402
import lifetimes  # noqa: E402
import parallelism  # noqa: E402
import three_ways  # noqa: E402
import waiting  # noqa: E402
import what_blocks  # noqa: E402
from exercises import e5_crawler  # noqa: E402

from workshop.pages.application import page_application  # noqa: E402
from workshop.pages.background import Background  # noqa: E402
from workshop.pages.source import source  # noqa: E402
from workshop.pages.viewer import Viewer  # noqa: E402
from workshop.pictures.recorder import Place  # noqa: E402

REFRESH = 0.1  # seconds from one picture of a running program to the next


class Program(NamedTuple):
    """A choice on the page."""

    group: str
    title: str
    about: str  # the question to answer before it runs
    main: Callable[[], Coroutine[Any, Any, Any]]

    @property
    def file(self) -> Path:
        return Path(self.main.__code__.co_filename)


# The headings of the choices.
TWO_WAITS = "Two waits"
WAYS = "Three ways"
BLOCKS = "What blocks"
AWAIT = "What await does"
ENDS = "How tasks end"
HEAVY = "Heavy work"

PROGRAMS = {
    "tasks": Program(
        TWO_WAITS,
        "fetch and receive, two tasks",
        "One waits for 2 s, the other ten times for 0.225 s. How long together?",
        fetch_receive.main,
    ),
    "one_after_the_other": Program(
        TWO_WAITS,
        "fetch and receive, one after the other",
        "The same two coroutines, awaited directly. How long now?",
        fetch_receive.one_after_the_other,
    ),
    "plain_functions": Program(
        WAYS,
        "plain functions",
        "Both block, one after the other. How many bars will there be?",
        three_ways.one_after_the_other,
    ),
    "in_threads": Program(
        WAYS,
        "the same functions in threads",
        "Who waits here, and who works?",
        three_ways.in_threads,
    ),
    "as_tasks": Program(
        WAYS,
        "as tasks",
        "As fast as with threads? What is different about who decides?",
        three_ways.as_tasks,
    ),
    "waits": Program(
        BLOCKS,
        "the work waits",
        "A metronome beside work of 0.42 s: how many ticks meanwhile?",
        what_blocks.waits,
    ),
    "blocks": Program(
        BLOCKS,
        "the work blocks",
        "Now the work calls time.sleep. How many ticks?",
        what_blocks.blocks,
    ),
    "fixed": Program(
        BLOCKS,
        "fixed with to_thread",
        "The blocking call in a thread of its own. How many ticks?",
        what_blocks.fixed,
    ),
    "which_gives_way": Program(
        AWAIT,
        "which await gives control back?",
        "Four awaits: after which of them has the metronome ticked?",
        waiting.which_gives_way,
    ),
    "only_called": Program(
        AWAIT,
        "called, but not awaited",
        "Does fetch run when it is called? Who complains, and when?",
        waiting.only_called,
    ),
    "scheduled": Program(
        AWAIT,
        "scheduled, but not begun",
        "A task was created. When does it begin?",
        waiting.scheduled,
    ),
    "one_task_or_two": Program(
        AWAIT,
        "awaited directly, and as tasks",
        "In which order do the four count to two?",
        waiting.one_task_or_two,
    ),
    "with_gather": Program(
        ENDS,
        "one of three fails: gather",
        "What becomes of the third one? When does main know?",
        lifetimes.with_gather,
    ),
    "with_task_group": Program(
        ENDS,
        "one of three fails: TaskGroup",
        "One of three fails: what becomes of the third one?",
        lifetimes.with_task_group,
    ),
    "with_timeout": Program(
        ENDS,
        "a time-out and a finally",
        "When does main see the TimeoutError: at 0.4 s or at 0.6 s?",
        lifetimes.with_timeout,
    ),
    "cancelled": Program(
        ENDS,
        "cancelled",
        "Is the task done when cancel() has returned?",
        lifetimes.cancelled,
    ),
    "shielded": Program(
        ENDS,
        "shielded",
        "main gives up after 0.3 s. Does the saving end?",
        lifetimes.shielded,
    ),
    "nobody_retrieves": Program(
        ENDS,
        "an exception nobody asks for",
        "Who tells you, and when?",
        lifetimes.nobody_retrieves,
    ),
    "nobody_keeps": Program(
        ENDS,
        "a task nobody keeps",
        "Will it be there at the end?",
        lifetimes.nobody_keeps,
    ),
    "somebody_keeps": Program(
        ENDS,
        "a task that a group keeps",
        "Will this one be there?",
        lifetimes.somebody_keeps,
    ),
    "as_coroutines": Program(
        HEAVY,
        "four computations as coroutines",
        "Four tasks that compute. Do they run at the same time?",
        parallelism.as_coroutines,
    ),
    "in_worker_threads": Program(
        HEAVY,
        "in threads",
        "The bars overlap now. Is it faster?",
        parallelism.in_worker_threads,
    ),
    "in_processes": Program(
        HEAVY,
        "in processes",
        "Where is the work to be seen? How long does it take?",
        parallelism.in_processes,
    ),
    "crawler": Program(
        "Your turn",
        "a polite crawler",
        "Do exercise 1.5, start the server again, and run it: what has changed?",
        e5_crawler.main,
    ),
}


class Stage01(Viewer):
    """One open page: its chosen program and the run that it shows."""

    programs = PROGRAMS
    buttons = ("run", "stop")
    run: Background | None = None

    async def chosen(self, name: str) -> None:
        self.program = PROGRAMS[name]
        await self.socket.show(
            about=escape(self.program.about),
            file=self.program.file.name,
            source=self.source(),
            picture="",
            printed="",
            state="ready",
        )

    def source(self, run: Background | None = None) -> str:
        """The program's file, with who is where; without a run, where it starts."""
        code = self.program.main.__code__
        places = [(Place(code, code.co_firstlineno), "starts here")]
        if run:
            names = run.timeline.names()
            here = run.timeline.whereabouts()
            places = [(place, names[track]) for place, track in here] or places
        return source(self.program.file, places, places[0][1])

    async def on_run(self) -> None:
        self.run = Background(self.program.main, self.program.title)
        self.run.start()
        self.play(self.show(self.run))

    async def on_stop(self) -> None:
        await self.socket.show(state="stopped")

    async def pause(self) -> None:  # also where the page was closed
        if self.run:
            self.run.stop()
            self.run = None
        await super().pause()

    async def show(self, run: Background) -> None:
        """Send the picture again and again, until it is the last one."""
        finished = False
        while not finished:
            finished = not run.alive  # asked first: the last picture is whole
            timeline = run.timeline
            printed = [f"{note.at:6.3f} s  {note.text}" for note in timeline.notes]
            await self.socket.show(
                picture=timeline.svg(),
                source=self.source(None if finished else run),
                printed=escape("\n".join([*printed, timeline.error])),
                state="done" if finished else escape(timeline.state()),
            )
            await asyncio.sleep(REFRESH)


application = page_application(HERE / "page.html", Stage01)
