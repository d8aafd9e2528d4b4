"""Run a program once, line by line, and keep its states for stepping to and fro.

The lines are told by Python itself (``sys.settrace``): nothing is simulated. A state is
kept wherever a watched function begins, gives way, goes on or ends, or has changed the
queue.
"""

import dis
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from workshop.pictures.recorder import Recording
from workshop.pictures.stepper import Box, Card, Mark, State, lines_of


class Tape:
    """The states of one run of a program.

    Args:
        run: runs the program, from its start to its end, in this thread.
        watched: the functions (generators, coroutines) whose lines are the steps.
        queue: how the picture calls the variable ``q`` of the watched functions.
        capacity: how many items it holds at most.
    """

    def __init__(
        self,
        run: Callable[[], None],
        watched: Sequence[Callable[..., Any]],
        queue: str,
        capacity: int,
    ) -> None:
        codes = [function.__code__ for function in watched]
        file = Path(codes[0].co_filename)
        self._first, self._source = lines_of(file, _definition(codes[0]), "if __name__")
        self._last = max(line for *_, line in codes[-1].co_lines() if line)
        self._box = f"{queue}, room for {capacity}"
        self._capacity = capacity
        self._names = {code: code.co_name for code in codes}
        self._status = dict.fromkeys(codes, "not begun")
        self._line: dict[CodeType, int] = {}
        self._variables = dict.fromkeys(codes, "")
        self._held: list[Any] = []
        self._printed = Recording(echo=False)
        self.states: list[State] = []
        self._keep("Nothing has run yet.")
        before = sys.gettrace()
        with self._printed.listening():
            sys.settrace(self._trace)
            try:
                run()
            finally:
                sys.settrace(before)
        self._keep("The program has ended.")

    def _trace(self, frame: FrameType, event: str, value: Any) -> Any:
        code = frame.f_code
        if code not in self._names or self._status[code] == "closed":
            return None
        name, status = self._names[code], self._status[code]
        self._line[code] = frame.f_lineno
        if event == "call":
            self._status[code] = "running"
            began = status == "not begun"
            happened = f"{name} {'begins' if began else 'goes on where it left off'}."
        elif event == "line":
            happened = ""  # the next line, and nothing has changed
        elif event == "return":
            last = dis.opname[code.co_code[frame.f_lasti]]
            self._status[code] = "returned" if "RETURN" in last else "suspended"
            happened = _gave_way(name, self._status[code], value)
        elif value[0] is GeneratorExit:  # nobody holds it any longer
            self.states.pop()  # it only seemed to go on
            self._status[code] = "closed"
            happened = f"{name} is closed: nobody is left to resume it."
        else:
            return self._trace
        variables = {k: v for k, v in frame.f_locals.items() if k != "q"}
        self._variables[code] = ", ".join(f"{k} = {v!r}" for k, v in variables.items())
        happened = self._queue_change(name, frame.f_locals["q"]) or happened
        if happened:
            self._keep(happened)
        return self._trace

    def _queue_change(self, name: str, q: Any) -> str:
        before, self._held = self._held, list(getattr(q, "_queue", q))
        if len(self._held) > len(before):
            return f"{name} added {self._held[-1]} to the queue."
        if len(self._held) < len(before):
            return f"{name} removed {before[0]} from the queue."
        return ""

    def _keep(self, happened: str) -> None:
        where: dict[str, list[Card]] = {"running": [], "suspended": []}
        marks: dict[int, list[Mark]] = {}
        for code, name in self._names.items():
            status = self._status[code]
            about = self._variables[code] if code in self._line else status
            where.get(status, []).append(Card(name, about))
            if status in where:
                color = "run" if status == "running" else "ready"
                marks.setdefault(self._line[code], []).append(Mark(name, color))
        running = where["running"]
        ended = [n for c, n in self._names.items() if self._status[c] == "returned"]
        self.states.append(
            State(
                heading=f"Step {len(self.states)}",
                detail=f"{running[0].name if running else 'nobody'} runs"
                + (f" · {', '.join(ended)} returned" if ended else ""),
                boxes=[
                    Box("Running", "run", running),
                    Box("Suspended, with its variables", "ready", where["suspended"]),
                    Box(self._box, "note", [Card(str(item)) for item in self._held]),
                ],
                source=self._source[: self._last - self._first + 1],
                first_line=self._first,
                marks=marks,
                happened=happened,
                rows=self._capacity,
                printed=[note.text for note in self._printed.notes],
            )
        )


def _definition(code: CodeType) -> str:
    """How the line begins that defines the function with this code."""
    coroutine = code.co_flags & 0x80  # inspect.CO_COROUTINE
    return f"{'async ' if coroutine else ''}def {code.co_name}("


def _gave_way(name: str, status: str, value: object) -> str:
    if status == "returned":
        return f"{name} returns."
    if isinstance(value, str):
        return f"{name} yields {value!r} to the trampoline, and keeps its variables."
    return f"{name} gives way to the event loop until it can go on."
