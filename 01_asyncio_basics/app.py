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
from workshop.pages import PageSocket, page_application, source  # noqa: E402

REFRESH = 0.1  # seconds from one picture of a running program to the next


class Program(NamedTuple):
    """A choice on the page; only these can be run, whatever a socket asks for."""

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


class Viewer:
    """One open page: its chosen program and the run that it shows."""

    def __init__(self, socket: PageSocket) -> None:
        self.socket = socket
        self.program = next(iter(PROGRAMS.values()))
        self.run: Background | None = None
        self.showing: asyncio.Task[None] | None = None

    async def talk(self) -> None:
        await self.socket.show(choices=choices())
        await self.choose("tasks")
        async with asyncio.TaskGroup() as self.tasks:
            try:
                async for press in self.socket.presses():
                    await self.socket.show(problem="")
                    await self.pressed(press)
            finally:  # the page was closed: so ends its program
                await self.stop()

    async def pressed(self, press: dict[str, Any]) -> None:
        if press["press"] == "choose":
            await self.choose(press.get("program"))
        elif press["press"] == "run":
            await self.stop()
            self.run = Background(self.program.main, self.program.title)
            self.run.start()
            self.showing = self.tasks.create_task(self.show_run(self.run))
        elif press["press"] == "stop":
            await self.stop()
            await self.socket.show(state="stopped")
        else:
            known = "choose, run and stop"
            await self.problem(f"There is no button {press['press']!r}, only {known}.")

    async def choose(self, name: Any) -> None:
        if not isinstance(name, str) or name not in PROGRAMS:
            names = ", ".join(PROGRAMS)
            await self.problem(f"There is no program {name!r}. Choose one of: {names}.")
            return
        await self.stop()
        self.program = PROGRAMS[name]
        await self.socket.show(
            about=escape(self.program.about),
            file=self.program.file.name,
            source=source(self.program.file, [], "async def"),
            state="ready",
        )

    async def show_run(self, run: Background) -> None:
        """Send the picture again and again, until it is the last one."""
        finished = False
        while not finished:
            finished = not run.alive  # asked first: the last picture is whole
            timeline = run.timeline
            places = [(t.place, name) for t, name in timeline.names().items()]
            here = [(place, name) for place, name in places if place]
            printed = [f"{note.at:6.3f} s  {note.text}" for note in timeline.notes]
            await self.socket.show(
                picture=timeline.svg(),
                source=source(self.program.file, here, "async def"),
                printed=escape("\n".join([*printed, timeline.error])),
                state="done" if finished else "running",
            )
            await asyncio.sleep(REFRESH)

    async def stop(self) -> None:
        if self.run:
            self.run.stop()
        if self.showing:
            self.showing.cancel()
            await asyncio.wait([self.showing])
        self.run = self.showing = None

    async def problem(self, words: str) -> None:
        await self.socket.show(problem=escape(words))


def choices() -> str:
    """The programs as radio buttons, the first one chosen."""
    return "".join(
        f'<label><input type="radio" name="program" value="{name}"'
        f"{' checked' if n == 0 else ''}> {escape(program.title)}</label>"
        for n, (name, program) in enumerate(PROGRAMS.items())
    )


async def talk(socket: PageSocket) -> None:
    await Viewer(socket).talk()


application = page_application(HERE / "page.html", talk)
