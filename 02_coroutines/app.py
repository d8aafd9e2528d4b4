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
from workshop.pages import Viewer, page_application  # noqa: E402

PAUSE = 0.35  # seconds between two steps of a run


class Program(NamedTuple):
    """A choice on the page."""

    group: str
    title: str
    about: str
    run: Callable[[], None]
    watched: Sequence[Callable[..., Any]]


QUEUE = "produce and consume"
PROGRAMS = {
    "trampoline": Program(
        QUEUE,
        "Generators and a trampoline",
        "Each yields the name of the other. Who resumes whom?",
        pc.main,
        [pc.produce, pc.consume],
    ),
    "tasks": Program(
        QUEUE,
        "Two tasks and an asyncio.Queue",
        "The same, without a word about whose turn it is. Who decides now?",
        lambda: asyncio.run(pc.main_tasks()),
        [pc.produce_task, pc.consume_task],
    ),
}


class Stage02(Viewer):
    """One open page: the tape of its program, and the state that it shows."""

    programs = PROGRAMS
    buttons = ("step", "back", "run", "reset")

    async def chosen(self, name: str) -> None:
        program = PROGRAMS[name]
        # In a thread: the second program has an event loop of its own.
        tape = await asyncio.to_thread(
            Tape, program.run, program.watched, "queue", pc.CAPACITY
        )
        self.states = tape.states
        await self.socket.show(about=escape(program.about))
        await self.go_to(0)

    async def on_step(self) -> None:
        await self.go_to(self.at + 1)

    async def on_back(self) -> None:
        await self.go_to(self.at - 1)

    async def on_reset(self) -> None:
        await self.go_to(0)

    async def on_run(self) -> None:
        self.play(self.all_steps())

    async def all_steps(self) -> None:
        last = len(self.states) - 1
        for number in range(0 if self.at == last else self.at + 1, last + 1):
            await self.go_to(number)
            await asyncio.sleep(PAUSE)

    async def go_to(self, number: int) -> None:
        last = len(self.states) - 1
        self.at = min(max(number, 0), last)
        picture = self.states[self.at].svg()
        await self.socket.show(picture=picture, state=f"step {self.at} of {last}")


application = page_application(HERE / "page.html", Stage02)
