"""Step through a program on the tiny loop: every queue of the loop, after every step.

>>> loop = Stepper(main)  # any program of yours, made of tiny_loop's sleep, gather, …
>>> loop.step(); loop     # in a notebook: the picture
>>> loop.back(); loop     # as it was before

Nothing is simulated: a step is one call that the loop makes. Only the clock is another
one: where the loop would sleep, it jumps to the time at which it would wake.
"""

import re
from collections.abc import Callable, Coroutine
from typing import Any

import fake_clock
import patience
import stepping_loop
import tiny_loop
from fake_clock import FakeClock
from patience import DoesNotGiveWay, watchdog
from step_view import View, line_of, outcome, owner_of
from stepping_loop import SteppingLoop

from workshop.pictures.recorder import Note, Recording, hide, learners_traceback
from workshop.pictures.stepper import Mark, State
from workshop.pictures.svg import Picture
from workshop.pictures.timeline import Timeline

PATIENCE = 1.0  # seconds after which a step is said not to give control back

# Lines of these files are not the learner's: no picture and no traceback shows them.
MODULES = (tiny_loop, fake_clock, stepping_loop, patience)
MACHINERY = {__file__, *(str(module.__file__) for module in MODULES)}
for file in MACHINERY:
    hide(file)


class Stepper(Picture):
    """A program on the tiny loop, between two steps; it shows itself.

    Args:
        program: a coroutine function without arguments, the ``main`` of the program.
        patience: seconds after which a step that does not give control back is ended.
    """

    def __init__(
        self,
        program: Callable[[], Coroutine[Any, Any, Any]],
        patience: float = PATIENCE,
    ) -> None:
        self._clock = FakeClock()
        self._output = Recording(echo=False)
        self._patience = patience

        self.loop = SteppingLoop(program(), self._clock)
        self._view = View(self.loop, program.__code__)
        self.over = False

        # Every state is kept, so that one can go back; ``at`` is the one shown.
        self.states: list[State] = []
        self.at = 0
        self._keep(f"{self.loop.main.name} is a task now, and ready. Nothing has run.")

    @property
    def state(self) -> State:
        return self.states[self.at]

    def svg(self) -> str:
        return self.state.svg()

    def text(self) -> str:
        return self.state.text()

    def below(self) -> str:
        return self.state.below()

    def step(self) -> bool:
        """One step forward; ``False`` at the end of the program."""
        if self.at == len(self.states) - 1 and not self.over:
            self._really_step()
        if self.at == len(self.states) - 1:
            return False
        self.at += 1
        return True

    def back(self) -> bool:
        """One step back; the states are kept, nothing runs backwards."""
        if self.at == 0:
            return False
        self.at -= 1
        return True

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
        # After the step it can no longer be seen how things stood before it.
        known = {*self.loop.tasks, *self.loop.ended}
        time_before = self._clock.now
        thrown = self._view.about_to_be_thrown()
        woken: list[str] = []
        if self.loop.ready:
            woken = self._view.waiting_for(owner_of(self.loop.ready[0]))

        try:
            with self._output.listening(), watchdog(self._patience, MACHINERY):
                call = self.loop.step()
        except tiny_loop.Deadlock:
            self._end(self._deadlock())
            return
        except DoesNotGiveWay as verdict:
            self._end(str(verdict), stuck_at=verdict.line)
            return

        self._view.note_timers()
        if call is None:
            self._end(outcome(self.loop.main))
            return
        slept = self._clock.now - time_before
        words = self._view.happened(call, thrown, slept, known, woken)
        self._keep(words, owner_of(call))

    def _deadlock(self) -> str:
        places = []
        for task in self.loop.tasks:
            line = line_of(task.coro, self._view.file)
            places.append(f"{task.name} at line {line}")
        return (
            f"A deadlock: all wait, and no timer and no socket can wake them: "
            f"{', '.join(places)}."
        )

    def _end(self, words: str, stuck_at: int = 0) -> None:
        """Keep the last state.

        Args:
            words: why the program is over.
            stuck_at: the line of a task that does not give control back; 0: none.
        """
        self.over = True
        main = self.loop.main
        traceback = ""
        if isinstance(main.error, Exception):
            traceback = learners_traceback(main.error)
            self._print(traceback)
        for future, error in self.loop.unseen.items():
            if future is not main:
                words += f" No task asked for this error: {error!r}."
        words += " The program is over."
        self._keep(words, stuck_at=stuck_at, traceback=traceback)
        self.close()

    def _print(self, traceback: str) -> None:
        """Add a traceback to what the program has printed, for the picture."""
        for line in traceback.splitlines():
            only_its_name = re.sub(r'File ".*[/\\]', 'File "', line)
            self._output.notes.append(Note(self._clock.now, only_its_name, None))

    def _keep(
        self, happened: str, ran: Any = None, stuck_at: int = 0, traceback: str = ""
    ) -> None:
        """Remember how everything stands now."""
        source, first_line = self._view.source(ran)
        marks = self._view.marks(ran)
        if stuck_at:
            marks[stuck_at] = [Mark("still here", "fail")]
        self.states.append(
            State(
                heading=f"Step {len(self.states)}",
                detail=f"clock {self._clock.now:.3f} s",
                boxes=self._view.boxes(ran, stuck=bool(stuck_at)),
                source=source,
                first_line=first_line,
                marks=marks,
                happened=happened,
                printed=[note.text for note in self._output.notes],
                rows=3,
                error=traceback,
            )
        )


class RecordedLoop(tiny_loop.Loop):
    """The tiny loop, in real time, each of its tasks watched by a timeline."""

    def __init__(self, timeline: Timeline) -> None:
        super().__init__()
        self._timeline = timeline

    def task_begins(self, task: tiny_loop.Task) -> None:
        task.coro = self._timeline.drive(task.coro, task.name)
        super().task_begins(task)


def record_tiny(main: Coroutine[Any, Any, Any], title: str) -> Timeline:
    """Run a program on the tiny loop, in real time, and give back who ran when."""
    timeline = Timeline(title)
    with timeline.watching():
        RecordedLoop(timeline).run(main)
    return timeline
