"""Stage 02's page: step through programs, forward and back.

``uvicorn --app-dir 02_coroutines app:application``, from the repository's folder.
"""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))  # for workshop/: --app-dir adds this folder only

import produce_consume as pc  # noqa: E402
import tiny_fetch_receive  # noqa: E402
import tiny_programs  # noqa: E402
from stepping import Stepper  # noqa: E402

from workshop.pages.application import page_application  # noqa: E402
from workshop.pages.viewer import Viewer  # noqa: E402
from workshop.pictures.line_by_line import Tape  # noqa: E402
from workshop.pictures.stepper import State  # noqa: E402

PAUSE = 0.35  # seconds between two steps of a run


class Program(NamedTuple):
    """A choice on the page."""

    group: str
    title: str
    about: str  # the question to answer before it runs
    states: Callable[[], list[State]]  # runs it, and gives every state


def on_tiny_loop(main: Callable[[], Coroutine[Any, Any, Any]]) -> list[State]:
    stepper = Stepper(main)
    stepper.run()
    stepper.close()
    return stepper.states


def with_trampoline() -> list[State]:
    return Tape(pc.main, [pc.produce, pc.consume], "queue", pc.CAPACITY).states


def with_tasks() -> list[State]:
    watched = [pc.produce_task, pc.consume_task]
    run = partial(asyncio.run, pc.main_tasks())
    return Tape(run, watched, "queue", pc.CAPACITY).states


# The headings of the choices.
QUEUE = "produce and consume"
LOOP = "On the tiny loop"
WRONG = "What goes wrong"

PROGRAMS = {
    "trampoline": Program(
        QUEUE,
        "Generators and a trampoline",
        "Each yields the name of the other. Who resumes whom?",
        with_trampoline,
    ),
    "tasks": Program(
        QUEUE,
        "Two tasks and an asyncio.Queue",
        "The same, without a word about whose turn it is. Who decides now?",
        with_tasks,
    ),
    "fetch_receive": Program(
        LOOP,
        "fetch and receive",
        "Stage 01's program. Who is ready, who sleeps, who waits for whom?",
        partial(on_tiny_loop, tiny_fetch_receive.main),
    ),
    "takes_turns": Program(
        LOOP,
        "sleep(0): the others first",
        "Two that count to three. Who is next in the ready queue?",
        partial(on_tiny_loop, tiny_programs.takes_turns),
    ),
    "is_cancelled": Program(
        LOOP,
        "a task is cancelled",
        "When does it hear of it, and when has it ended?",
        partial(on_tiny_loop, tiny_programs.is_cancelled),
    ),
    "socket": Program(
        LOOP,
        "ping over a socket",
        "Who wakes the one that waits for a socket?",
        partial(on_tiny_loop, tiny_programs.talks_over_a_socket),
    ),
    "one_fails": Program(
        WRONG,
        "a task fails",
        "fails raises at 0.3 s. When does one_fails hear of it?",
        partial(on_tiny_loop, tiny_programs.one_fails),
    ),
    "deadlocks": Program(
        WRONG,
        "all wait",
        "Nothing can wake them. How could a loop know?",
        partial(on_tiny_loop, tiny_programs.deadlocks),
    ),
    "starves": Program(
        WRONG,
        "one never gives control back",
        "The other one is ready. When will it run?",
        partial(on_tiny_loop, tiny_programs.starves),
    ),
}


class Stage02(Viewer):
    """One open page: the tape of its program, and the state that it shows."""

    programs = PROGRAMS
    buttons = ("step", "back", "run", "reset")

    async def chosen(self, name: str) -> None:
        program = PROGRAMS[name]
        await self.socket.show(about=escape(program.about), state="running it once")
        # In a thread: one of them has an event loop of its own, and one never gives
        # control back.
        self.states = await asyncio.to_thread(program.states)
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
        first = self.at + 1
        if self.at == last:  # once more from the start
            first = 0
        for number in range(first, last + 1):
            await self.go_to(number)
            await asyncio.sleep(PAUSE)

    async def go_to(self, number: int) -> None:
        last = len(self.states) - 1
        self.at = min(max(number, 0), last)
        picture = self.states[self.at].svg()
        happened = escape(self.states[self.at].happened)
        state = f"step {self.at} of {last}"
        await self.socket.show(picture=picture, happened=happened, state=state)


application = page_application(HERE / "page.html", Stage02)
