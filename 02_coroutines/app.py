"""Stage 02's page: step through two coroutines that share a queue.

``uvicorn --app-dir 02_coroutines app:application``, from the repository's folder.
"""

import asyncio
import sys
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))  # for workshop/: --app-dir adds this folder only

import produce_consume as pc  # noqa: E402

from workshop.line_by_line import Tape  # noqa: E402
from workshop.pages import PageSocket, page_application  # noqa: E402

PAUSE = 0.35  # seconds between two steps of a run


class Program(NamedTuple):
    """A choice on the page; only these can be run, whatever a socket asks for."""

    title: str
    about: str
    run: Callable[[], None]
    watched: Sequence[Callable[..., Any]]


PROGRAMS = {
    "trampoline": Program(
        "Generators and a trampoline",
        "Each yields the name of the other. Who resumes whom?",
        pc.main,
        [pc.produce, pc.consume],
    ),
    "tasks": Program(
        "Two tasks and an asyncio.Queue",
        "The same, without a word about whose turn it is. Who decides now?",
        lambda: asyncio.run(pc.main_tasks()),
        [pc.produce_task, pc.consume_task],
    ),
}


class Viewer:
    """One open page: the tape of its program, and the state that it shows."""

    def __init__(self, socket: PageSocket) -> None:
        self.socket = socket
        self.playing: asyncio.Task[None] | None = None

    async def talk(self) -> None:
        await self.socket.show(choices=choices())
        await self.choose("trampoline")
        async with asyncio.TaskGroup() as self.tasks:
            try:
                async for press in self.socket.presses():
                    await self.socket.show(problem="")
                    await self.pressed(press)
            finally:
                await self.pause()

    async def pressed(self, press: dict[str, Any]) -> None:
        button = press["press"]
        if button == "choose":
            await self.choose(press.get("program"))
        elif button == "run":
            await self.pause()
            self.playing = self.tasks.create_task(self.play())
        elif button in ("step", "back", "reset"):
            await self.pause()
            moves = {"step": self.at + 1, "back": self.at - 1, "reset": 0}
            await self.go_to(moves[button])
        else:
            known = "choose, step, back, run and reset"
            await self.problem(f"There is no button {button!r}, only {known}.")

    async def choose(self, name: Any) -> None:
        if not isinstance(name, str) or name not in PROGRAMS:
            names = ", ".join(PROGRAMS)
            await self.problem(f"There is no program {name!r}. Choose one of: {names}.")
            return
        await self.pause()
        program = PROGRAMS[name]
        # In a thread: the second program has an event loop of its own.
        tape = await asyncio.to_thread(
            Tape, program.run, program.watched, "queue", pc.CAPACITY
        )
        self.states = tape.states
        await self.socket.show(about=escape(program.about))
        await self.go_to(0)

    async def go_to(self, number: int) -> None:
        self.at = min(max(number, 0), len(self.states) - 1)
        state = f"step {self.at} of {len(self.states) - 1}"
        await self.socket.show(picture=self.states[self.at].svg(), state=state)

    async def play(self) -> None:
        if self.at == len(self.states) - 1:
            await self.go_to(0)
        while self.at < len(self.states) - 1:
            await asyncio.sleep(PAUSE)
            await self.go_to(self.at + 1)

    async def pause(self) -> None:
        if self.playing:
            self.playing.cancel()
            await asyncio.wait([self.playing])
            self.playing = None

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
