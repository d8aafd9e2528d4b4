"""Run a program once, line by line, and keep its states for stepping to and fro.

Python itself tells the lines (``sys.settrace``): nothing is simulated. A state is kept
whenever a watched function begins, gives control back, goes on or ends, and whenever it
has changed the queue.
"""

import dis
import inspect
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
        name = self._names[code]
        self._line[code] = frame.f_lineno
        if event == "call":
            happened = self._called(code)
        elif event == "line":
            # The next line, and nothing has changed.
            happened = ""
        elif event == "return":
            happened = self._left(code, frame, value)
        elif value[0] is GeneratorExit:
            # No variable holds it any longer. It only seemed to go on: that state goes.
            self.states.pop()
            self._status[code] = "closed"
            happened = f"{name} is closed: nothing is left that could resume it."
        else:
            return self._trace

        variables = []
        for variable, held in frame.f_locals.items():
            if variable != "q":
                variables.append(f"{variable} = {held!r}")
        self._variables[code] = ", ".join(variables)
        happened = self._queue_change(name, frame.f_locals["q"]) or happened
        if happened:
            self._keep(happened)
        return self._trace

    def _called(self, code: CodeType) -> str:
        """A watched function begins or goes on: what happened, in words."""
        before = self._status[code]
        self._status[code] = "running"
        if before == "not begun":
            return f"{self._names[code]} begins."
        return f"{self._names[code]} goes on where it left off."

    def _left(self, code: CodeType, frame: FrameType, value: Any) -> str:
        """A watched function yields or returns: what happened, in words."""
        # Both are a "return" for the trace function. The last instruction tells them
        # apart.
        last = dis.opname[code.co_code[frame.f_lasti]]
        if "RETURN" in last:
            self._status[code] = "returned"
            return f"{self._names[code]} returns."
        self._status[code] = "suspended"
        return _gave_control_back(self._names[code], value)

    def _queue_change(self, name: str, q: Any) -> str:
        before = self._held
        self._held = list(getattr(q, "_queue", q))
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
            if status not in where:
                continue
            where[status].append(Card(name, self._variables[code]))
            color = "run" if status == "running" else "ready"
            marks.setdefault(self._line[code], []).append(Mark(name, color))
        running = where["running"]
        self.states.append(
            State(
                heading=f"Step {len(self.states)}",
                detail=self._detail(running),
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

    def _detail(self, running: list[Card]) -> str:
        """Which function runs, and which ones have returned."""
        detail = "no function runs"
        if running:
            detail = f"{running[0].name} runs"
        returned = [
            name
            for code, name in self._names.items()
            if self._status[code] == "returned"
        ]
        if returned:
            detail += f" · {', '.join(returned)} returned"
        return detail


def _definition(code: CodeType) -> str:
    """How the line begins that defines the function with this code."""
    if code.co_flags & inspect.CO_COROUTINE:
        return f"async def {code.co_name}("
    return f"def {code.co_name}("


def _gave_control_back(name: str, value: object) -> str:
    """A function has yielded ``value``: what that means, in words."""
    if isinstance(value, str):
        return f"{name} yields {value!r} to the trampoline, and keeps its variables."
    return f"{name} gives control back to the event loop until it can go on."
