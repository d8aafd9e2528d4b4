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

from workshop.background import Background  # noqa: E402
from workshop.pages import Viewer, page_application, source  # noqa: E402

REFRESH = 0.1  # seconds from one picture of a running program to the next


class Program(NamedTuple):
    """A choice on the page."""

    title: str
    about: str
    main: Callable[[], Coroutine[Any, Any, Any]]

    @property
    def file(self) -> Path:
        return Path(self.main.__code__.co_filename)


PROGRAMS = {
    "tasks": Program(
        "fetch and receive, two tasks",
        "One waits for 2 s, the other ten times for 0.225 s. How long together?",
        fetch_receive.main,
    ),
    "one_after_the_other": Program(
        "fetch and receive, one after the other",
        "The same two coroutines, awaited directly. How long now?",
        fetch_receive.one_after_the_other,
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
            source=source(self.program.file, [], "async def"),
            state="ready",
        )

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
            places = [(track.place, name) for track, name in timeline.names().items()]
            here = [(place, name) for place, name in places if place]
            printed = [f"{note.at:6.3f} s  {note.text}" for note in timeline.notes]
            await self.socket.show(
                picture=timeline.svg(),
                source=source(self.program.file, here, "async def"),
                printed=escape("\n".join([*printed, timeline.error])),
                state="done" if finished else "running",
            )
            await asyncio.sleep(REFRESH)


application = page_application(HERE / "page.html", Stage01)
