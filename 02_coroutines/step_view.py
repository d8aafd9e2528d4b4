"""Look at a loop between two steps: its tasks and queues, as cards and as sentences.

Nothing here changes the loop. Each call in its ready queue is a method of the task, the
future or the loop that it belongs to, or a ``partial`` of one; its owner tells what the
call is for.
"""

from functools import partial
from linecache import getlines
from types import CodeType
from typing import Any

from patience import DoesNotGiveWay
from stepping_loop import SteppingLoop
from tiny_loop import CancelledError, Future, State, Task

from workshop.pictures.stepper import Box, Card, Mark

SHOWN = 30  # lines of source in the picture
DONE = 5  # tasks that have ended in the picture


class View:
    """A loop that stands still, as a learner sees it.

    Args:
        loop: the loop to look at.
        code: the code of the program's main coroutine; its file is the one shown.
    """

    def __init__(self, loop: SteppingLoop, code: CodeType) -> None:
        self.loop = loop
        self.code = code
        self.file = code.co_filename
        self.begun: set[Task] = set()  # those that had a step
        self.due: dict[Future, float] = {}  # of every timer that there was, in seconds

    def note_timers(self) -> None:
        for timer in self.loop.timers:
            self.due[timer.future] = timer.due

    # A step, in words.

    def about_to_be_thrown(self) -> str:
        """Which error the next step throws into a task, and where; "" if none."""
        if not self.loop.ready:
            return ""
        task = owner_of(self.loop.ready[0])
        if not isinstance(task, Task):
            return ""
        error = task.error_to_throw()
        if error is None:
            return ""
        line = line_of(task.coro, self.file)
        return f"{type(error).__name__} thrown in at line {line}: "

    def happened(
        self, call: Any, thrown: str, slept: float, known: set[Task], woken: list[str]
    ) -> str:
        """Say what a step has done.

        Args:
            call: the call that the loop made.
            thrown: what ``about_to_be_thrown`` said before the step.
            slept: seconds that passed on the loop's clock.
            known: the tasks that there were before the step.
            woken: names of those that waited for the call's future before the step.
        """
        owner = owner_of(call)
        if owner is self.loop and slept:
            return f"No task was ready: the loop slept {slept:.3f} s, until a timer."
        if owner is self.loop:
            return "No task was ready: the loop waited until a socket was."
        if isinstance(owner, Task):
            return self._resumed(owner, thrown) + self._made(known)
        if isinstance(call, partial):
            name = getattr(owner, "name", "a future")
            return f"{name} heard that one of its parts is done."
        if not woken:
            return "A second wake-up: its task has been woken already."
        names = " and ".join(woken)
        if owner in self.due:
            return f"The timer of {names} is due: it is ready now."
        return f"The socket of {names} has something: it is ready now."

    def _resumed(self, task: Task, thrown: str) -> str:
        self.begun.add(task)
        if task.done():
            return thrown + outcome(task)
        if task.waits_for is None:
            return f"{task.name} gave control back: it is the last in the ready queue."
        return f"{thrown}{task.name} ran to its await: it {self.wish(task)}."

    def _made(self, known: set[Task]) -> str:
        made = [task.name for task in self.loop.tasks if task not in known]
        if not made:
            return ""
        return f" It made {' and '.join(made)}: ready, not begun."

    def wish(self, task: Task) -> str:
        """Say what a waiting task waits for."""
        future = task.waits_for
        if future in self.due:
            return f"sleeps until {self.due[future]:.3f} s"
        for key in self.loop.selector.get_map().values():
            if key.data is future:
                return f"waits for socket {key.fd}"
        return f"waits for {getattr(future, 'name', 'a future')}"

    def waiting_for(self, future: Any) -> list[str]:
        """The names of the tasks that wait for a future."""
        return [task.name for task in self.loop.tasks if task.waits_for is future]

    # The tasks and calls, as cards in boxes.

    def boxes(self, ran: Any, stuck: bool) -> list[Box]:
        """Args:
        ran: the task, future or loop whose call was made last.
        stuck: whether that call was ended, since it did not give control back.
        """
        sleeping = []
        waiting = []
        for_socket = []
        for task in self._waiting():
            wish = self.wish(task)
            card = Card(task.name, wish.split(maxsplit=1)[1])
            if wish.startswith("sleeps"):
                sleeping.append((self.due[task.waits_for], card))  # type: ignore[index]
            elif " socket " in wish:
                for_socket.append(card)
            else:
                waiting.append(card)
        sleeping.sort(key=lambda pair: pair[0])
        done = [ended(task) for task in self.loop.ended if not is_stuck(task)]
        return [
            Box("Just ran", "run", self._just_ran(ran, stuck)),
            Box("Ready", "ready", [self._ready(call) for call in self.loop.ready]),
            Box("Sleeping", "wait", [card for _, card in sleeping]),
            Box("Waiting", "note", waiting),
            Box("For a socket", "note", for_socket),
            Box("Done", "done", done[-DONE:]),
        ]

    def _waiting(self) -> list[Task]:
        """The tasks that wait, and whose wake-up is not in the ready queue yet."""
        woken = [owner_of(call) for call in self.loop.ready if is_wake_up(call)]
        return [
            task
            for task in self.loop.tasks
            if task.state is State.WAITING and task.waits_for not in woken
        ]

    def _just_ran(self, ran: Any, stuck: bool) -> list[Card]:
        if stuck:
            return [Card(task.name, "runs on") for task in self.loop.ended][-1:]
        if isinstance(ran, Task):
            return [Card(ran.name, f"now {ran.state.name.lower()}")]
        if ran is self.loop:
            return [Card("the loop", "waited")]
        if ran is not None:
            return [Card("the loop", "woke one")]
        return []

    def _ready(self, call: Any) -> Card:
        owner = owner_of(call)
        if isinstance(owner, Task):
            return Card(owner.name, "goes on" if owner in self.begun else "not begun")
        if is_wake_up(call):
            return Card("wake up", " and ".join(self.waiting_for(owner)))
        return Card("tell", getattr(owner, "name", "a future"))

    # Which lines of the program are shown, and where the tasks are in them.

    def marks(self, ran: Any) -> dict[int, list[Mark]]:
        """By number of a line: the tasks that are at it."""
        marks: dict[int, list[Mark]] = {}
        for task in self.loop.tasks:
            line = line_of(task.coro, self.file)
            if not line:
                continue
            if task is ran:
                color = "run"
            elif task.state is State.WAITING:
                color = "wait"
            else:
                color = "ready"
            marks.setdefault(line, []).append(Mark(task.name, color))
        return marks

    def source(self, ran: Any) -> tuple[list[str], int]:
        """The lines of the program to show, and the number of the first of them."""
        lines = [line.rstrip("\n") for line in getlines(self.file)]
        words = [line.partition(" ")[0] for line in lines]
        start = 0
        if "async" in words:
            start = words.index("async")
        end = len(lines)
        if "if" in words:  # if __name__ == "__main__"
            end = words.index("if")

        # A file of several programs: show this one, and the function above it.
        main = self.code.co_firstlineno - 1
        if end - start > SHOWN:
            end = max(line for *_, line in self.code.co_lines() if line)
            above = [
                number for number in range(start, main) if words[number] == "async"
            ]
            start = main
            if above:
                start = above[-1]

        # The task that has just run may be in another part of the file.
        here = 0
        if isinstance(ran, Task):
            here = line_of(ran.coro, self.file)
        if here and not start < here <= end:
            start = max(here - SHOWN // 2, 0)
            end = here + SHOWN // 2

        shown = lines[start:end]
        while shown and not shown[-1].strip():
            shown.pop()
        return shown, start + 1


def owner_of(call: Any) -> Any:
    """Whose method a call is: a task's, a future's, the loop's."""
    if isinstance(call, partial):
        call = call.func
    return getattr(call, "__self__", None)


def is_wake_up(call: Any) -> bool:
    """Whether a call makes a future done because of a timer or a socket."""
    return not isinstance(call, partial) and not isinstance(owner_of(call), Task)


def outcome(task: Task) -> str:
    """How a task has ended, as a sentence."""
    if task.error is None:
        return f"{task.name} returned {task.value!r}."
    if isinstance(task.error, CancelledError):
        return f"{task.name} was cancelled."
    return f"{task.name} raised {task.error!r}."


def is_stuck(task: Task) -> bool:
    """Whether the stepper has ended the task, which would have run for ever."""
    return isinstance(task.error, DoesNotGiveWay)


def ended(task: Task) -> Card:
    return Card(task.name, outcome(task).removeprefix(f"{task.name} ").rstrip("."))


def line_of(coro: Any, file: str) -> int:
    """The innermost line of ``file`` at which a coroutine stands; 0: at none."""
    line = 0
    frame = getattr(coro, "cr_frame", None)
    while frame is not None:
        if frame.f_code.co_filename == file:
            line = frame.f_lineno
        coro = coro.cr_await
        frame = getattr(coro, "cr_frame", None)
    return line
