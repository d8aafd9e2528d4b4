"""Step through a program on the tiny loop: every queue of the loop, after every step.

>>> loop = Stepper(main)  # any program of yours, made of tiny_loop's sleep, gather, …
>>> loop.step(); loop     # in a notebook: the picture
>>> loop.back(); loop     # as it was before

Nothing is simulated: a step is ``tiny_loop.Loop.step``. Only the clock is another one:
where the loop would sleep, it jumps to the time at which it would wake.
"""

import re
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from linecache import getlines
from time import perf_counter
from types import FrameType
from typing import Any

import tiny_loop
from fake_clock import FakeClock
from tiny_loop import State as TaskState
from tiny_loop import Task

from workshop.pictures.recorder import Note, Recording, hide, learners_traceback
from workshop.pictures.stepper import Box, Card, Mark, State
from workshop.pictures.svg import Picture
from workshop.pictures.timeline import Timeline

PATIENCE = 1.0  # seconds after which a step is said not to give way
SHOWN = 30  # lines of source in the picture


hide(tiny_loop.__file__)


class Stepper(Picture):
    """A program on the tiny loop, between two steps; it shows itself.

    Args:
        program: a coroutine function without arguments, the ``main`` of the program.
        patience: seconds after which a step that does not give way is ended.
    """

    def __init__(
        self,
        program: Callable[[], Coroutine[Any, Any, Any]],
        patience: float = PATIENCE,
    ) -> None:
        self._clock = FakeClock()
        self._output = Recording(echo=False)
        self._patience = patience
        self._code = program.__code__
        self.states: list[State] = []
        self.at = 0
        self.loop = tiny_loop.Loop(program(), clock=self._clock)
        self.over = False
        self._begun: set[tiny_loop.Task] = set()
        self._due: dict[tiny_loop.Future, float] = {}  # of every timer that there was
        self._keep(f"{self.loop.main.name} is a task now, and ready. Nothing has run.")

    @property
    def state(self) -> State:
        return self.states[self.at]

    def svg(self) -> str:
        return self.state.svg()

    def text(self) -> str:
        return self.state.text()

    def step(self) -> bool:
        """One step forward; ``False`` at the end of the program."""
        if self.at == len(self.states) - 1 and not self.over:
            self._really_step()
        moved = self.at < len(self.states) - 1
        self.at += moved
        return moved

    def back(self) -> bool:
        """One step back; the states are kept, nothing runs backwards."""
        moved = self.at > 0
        self.at -= moved
        return moved

    def run(self, most: int = 10_000) -> None:
        """Step to the end, or ``most`` steps far."""
        for _ in range(most):
            if not self.step():
                return

    def __del__(self) -> None:
        self.close()  # or Python would say of each that it was never awaited

    def close(self) -> None:
        """End the program's coroutines; the states stay."""
        for task in self.loop.tasks:
            task.coro.close()
        self.loop.selector.close()
        self.over = True

    def _really_step(self) -> None:
        self._known = {*self.loop.tasks, *self.loop.ended}
        before, self._thrown = self._clock.now, self._about_to_be_thrown()
        try:
            with self._output.listening(), _watchdog(self._patience):
                call = self.loop.step()
        except tiny_loop.Deadlock:
            file, tasks = self._code.co_filename, self.loop.tasks
            who = [f"{task.name} at line {_line(task.coro, file)}" for task in tasks]
            words = "A deadlock: all wait, and no timer and no socket can wake them"
            self._end(f"{words}: {', '.join(who)}.")
        except DoesNotGiveWay as verdict:
            self._end(str(verdict), verdict.line)
        else:
            self._due |= {timer: due for due, _, timer in self.loop.timers}
            if call is None:
                self._end(_outcome(self.loop.main))
            else:
                self._keep(self._told(call, self._clock.now - before), call)

    def _about_to_be_thrown(self) -> str:
        """The exception that the next step throws into a task, and where."""
        task = _owner(self.loop.ready[0]) if self.loop.ready else None
        if not isinstance(task, Task):
            return ""
        error = task.interrupt or (task.waits_for and task.waits_for.error)
        where = _line(task.coro, self._code.co_filename)
        return f"{type(error).__name__} thrown in at line {where}: " if error else ""

    def _end(self, words: str, stopped: int = 0) -> None:
        self.over = True
        error = self.loop.main.error
        if isinstance(error, Exception):
            self._output.notes += [
                Note(self._clock.now, re.sub(r'File ".*[/\\]', 'File "', line), None)
                for line in learners_traceback(error).splitlines()
            ]
        lost = [e for t, e in self.loop.unseen.items() if t is not self.loop.main]
        unseen = [f" Nobody asked for: {error!r}." for error in lost]
        self._keep(f"{words}{''.join(unseen)} The program is over.", stopped=stopped)
        self.close()

    def _told(self, call: Any, slept: float) -> str:
        """What a step did, in words."""
        owner = _owner(call)
        if owner is self.loop and slept:
            return f"Nobody was ready: the loop slept {slept:.3f} s, till a timer."
        if owner is self.loop:
            return "Nobody was ready: the loop waited until a socket was."
        if isinstance(owner, Task):
            made = [task.name for task in self.loop.tasks if task not in self._known]
            words = f" It made {' and '.join(made)}: ready, not begun." if made else ""
            return self._resumed(owner) + words
        names = " and ".join(self._woken(owner))
        if isinstance(call, partial):
            return f"{getattr(owner, 'name', 'somebody')} heard that a part is done."
        if not names:
            return "A second wake-up: who waited has been woken already."
        if owner in self._due:
            return f"The timer of {names} is due: it is ready now."
        return f"The socket of {names} has something: it is ready now."

    def _resumed(self, task: Task) -> str:
        self._begun.add(task)
        if task.done():
            return self._thrown + _outcome(task)
        if task.waits_for is None:
            return f"{task.name} gave way: it is the last in the ready queue."
        return f"{self._thrown}{task.name} ran to its await: it {self._wish(task)}."

    def _woken(self, future: Any) -> list[str]:
        return [task.name for task in self.loop.tasks if task.waits_for is future]

    def _wish(self, task: Task) -> str:
        """What a task that waits waits for."""
        future = task.waits_for
        if future in self._due:
            return f"sleeps until {self._due[future]:.3f} s"
        for key in self.loop.selector.get_map().values():
            if key.data is future:
                return f"waits for socket {key.fd}"
        return f"waits for {getattr(future, 'name', 'a future')}"

    def _keep(self, happened: str, call: Any = None, stopped: int = 0) -> None:
        """Remember how everything stands now."""
        ran = _owner(call)
        boxes: dict[str, list[Card]] = {"sleeps": [], "socket": [], "waits": []}
        for task in self.loop.tasks:
            if task.state is TaskState.WAITING:
                wish = self._wish(task)
                kind = "socket" if " socket " in wish else wish.split()[0]
                boxes[kind].append(Card(task.name, wish.split(maxsplit=1)[1]))
        boxes["sleeps"].sort(key=lambda card: float(card.about.split()[1]))
        marks, source, first = self._source(ran)
        if stopped:
            marks[stopped] = [Mark("still here", "fail")]
        ready = [self._card(call) for call in self.loop.ready]
        self.states.append(
            State(
                heading=f"Step {len(self.states)}",
                detail=f"clock {self._clock.now:.3f} s",
                boxes=[
                    Box("Just ran", "run", self._just_ran(ran)),
                    Box("Ready", "ready", ready),
                    Box("Sleeping", "wait", boxes["sleeps"]),
                    Box("Waiting", "note", boxes["waits"]),
                    Box("For a socket", "note", boxes["socket"]),
                    Box("Done", "done", [_ended(t) for t in self.loop.ended][-5:]),
                ],
                source=source,
                first_line=first,
                marks=marks,
                happened=happened,
                printed=[note.text for note in self._output.notes],
                rows=3,
            )
        )

    def _just_ran(self, ran: Any) -> list[Card]:
        if isinstance(ran, Task):
            return [Card(ran.name, f"now {ran.state.name.lower()}")]
        return [Card("the loop", "woke one")] if ran else []

    def _card(self, call: Any) -> Card:
        owner = _owner(call)
        if isinstance(owner, Task):
            return Card(owner.name, "goes on" if owner in self._begun else "not begun")
        if isinstance(call, partial):
            return Card("tell", getattr(owner, "name", "somebody"))
        return Card("wake up", " and ".join(self._woken(owner)))

    def _source(self, ran: Any) -> tuple[dict[int, list[Mark]], list[str], int]:
        """Who is at which line, and the part of the program that shows them."""
        file, main = self._code.co_filename, self._code.co_firstlineno - 1
        lines = [line.rstrip("\n") for line in getlines(file)]
        begins = [line.partition(" ")[0] for line in lines]
        end = begins.index("if") if "if" in begins else len(lines)
        start = begins.index("async") if "async" in begins else 0
        marks: dict[int, list[Mark]] = {}
        for task in self.loop.tasks:
            line = _line(task.coro, file)
            if line:
                waits = task.state is TaskState.WAITING
                color = "run" if task is ran else "wait" if waits else "ready"
                marks.setdefault(line, []).append(Mark(task.name, color))
        if end - start > SHOWN:  # of several programs: this one, and what is above it
            end = max(line for *_, line in self._code.co_lines() if line)
            above = [n for n in range(start, main) if begins[n] == "async"]
            start = above[-1] if above else main
        here = _line(ran.coro, file) if isinstance(ran, Task) else 0
        if here and not start < here <= end:
            start, end = max(here - SHOWN // 2, 0), here + SHOWN // 2
        shown = lines[start:end]
        while shown and not shown[-1].strip():
            shown.pop()
        return marks, shown, start + 1


class DoesNotGiveWay(BaseException):
    """Thrown into a step that has run for longer than the stepper's patience."""

    def __init__(self, words: str, line: int) -> None:
        super().__init__(words)
        self.line = line


@contextmanager
def _watchdog(patience: float) -> Iterator[None]:
    """End a step that runs for too long, at the learner's line where it then is."""
    deadline = perf_counter() + patience

    def trace(frame: FrameType, event: str, _: object) -> Any:
        code = frame.f_code
        if perf_counter() > deadline and code.co_filename != tiny_loop.__file__:
            raise DoesNotGiveWay(
                f"{code.co_name} has run for {patience:g} s and does not give way: it "
                f"is at line {frame.f_lineno}. It does not wait: it works, or blocks.",
                frame.f_lineno,
            )
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


def _owner(call: Any) -> Any:
    """Whose method a call is: a task's, a future's, the loop's."""
    return getattr(call.func if isinstance(call, partial) else call, "__self__", None)


def _outcome(task: Task) -> str:
    if task.error is None:
        return f"{task.name} returned {task.value!r}."
    if isinstance(task.error, DoesNotGiveWay):
        return f"{task.name} was ended."
    if isinstance(task.error, tiny_loop.CancelledError):
        return f"{task.name} was cancelled."
    return f"{task.name} raised {task.error!r}."


def _ended(task: Task) -> Card:
    return Card(task.name, _outcome(task).removeprefix(f"{task.name} ").rstrip("."))


def _line(coro: Any, file: str) -> int:
    """The innermost line of ``file`` at which a coroutine is suspended, or begins."""
    line = 0
    while frame := getattr(coro, "cr_frame", None):
        if frame.f_code.co_filename == file:
            line = frame.f_lineno
        coro = coro.cr_await
    return line


def record_tiny(main: Coroutine[Any, Any, Any], title: str) -> Timeline:
    """Run a program on the tiny loop, in real time, and give back who ran when."""
    timeline = Timeline(title)
    with timeline.watching():
        tiny_loop.Loop(main, wrap=timeline.drive).run()
    return timeline
