"""The child process: check files one after the other, and write the verdicts.

``python -m workshop.exercises.child ANSWER LIMIT NUMBER FILE…`` writes one line of JSON
for each file into ANSWER. Each check may take LIMIT seconds of real time. They begin
after the world of the stage is made, such as Django; for that the machine has PATIENCE
seconds. Then the process ends with exit code ``LATE``:

1. A thread looks where the program stands, writes that as the verdict and ends the
   process.
2. A program inside a long computation in C does not let that thread run. Half a second
   later :mod:`faulthandler`, which needs no turn of the interpreter, writes the stack
   into ANSWER.stack and ends the process.
"""

import faulthandler
import gc
import linecache
import os
import sys
import threading
from pathlib import Path
from typing import TextIO

from workshop.exercises.catalogue import Exercise, find
from workshop.exercises.judge import Judge, state_before
from workshop.exercises.verdict import Verdict

LATE = 75  # the exit code of a check that took too long
PATIENCE = 60.0  # seconds of real time, in which the machine makes the stage's world


def main(arguments: list[str]) -> None:
    answer, limit, number, *paths = arguments
    exercise = find(number)
    # The objects of now stay: the collections after each check then look at less.
    gc.freeze()
    with (
        Path(answer).open("a", encoding="utf-8") as out,
        Path(f"{answer}.stack").open("w", encoding="utf-8") as stack,
    ):
        for path in paths:
            watchdog = Watchdog(float(limit), out, stack)
            judge = Judge(exercise, Path(path), begins=watchdog.begin)
            watchdog.judge = judge
            watchdog.begin(PATIENCE)
            verdict = judge.verdict()
            watchdog.stop()
            write(verdict, out)
    # A thread of the learner's that never ends would keep the process from ending.
    os._exit(0)


class Watchdog:
    """Ends the process when a check takes too long.

    Args:
        limit: seconds of real time for a check.
        out: gets the verdict.
        stack: gets the stack of a program that lets no thread run.
    """

    judge: Judge  # of the file under check

    def __init__(self, limit: float, out: TextIO, stack: TextIO) -> None:
        self._limit = limit
        self._out = out
        self._stack = stack
        self._timer: threading.Timer | None = None

    def begin(self, seconds: float | None = None) -> None:
        """Count from now on.

        Args:
            seconds: after which the process is ended; the limit, if ``None``.
        """
        self.stop()
        if seconds is None:
            seconds = self._limit
        self._timer = threading.Timer(seconds, self._too_late, (seconds,))
        self._timer.daemon = True
        self._timer.start()
        faulthandler.dump_traceback_later(seconds + 0.5, exit=True, file=self._stack)

    def stop(self) -> None:
        """Count no more."""
        if self._timer is not None:
            self._timer.cancel()
        faulthandler.cancel_dump_traceback_later()

    def _too_late(self, seconds: float) -> None:
        # With a verdict already there it is only the picture that does not end.
        judge = self.judge
        verdict = judge.found
        if verdict is None:
            line = judge.line()
            verdict = still_running(judge.exercise, judge.path, seconds, line)
        write(verdict, self._out)
        os._exit(LATE)


def write(verdict: Verdict, out: TextIO) -> None:
    """One line into the file of verdicts, at once."""
    out.write(verdict.to_json() + "\n")
    out.flush()


def still_running(exercise: Exercise, path: Path, seconds: float, line: int) -> Verdict:
    """The verdict on a program that does not end.

    Args:
        exercise: whose check it is.
        path: the file.
        seconds: how long it has run.
        line: the line at which it stands; 0 if that is none of the file's.
    """
    state = state_before(exercise, path)
    if not line:
        return Verdict(
            state,
            f"the check has not ended after {seconds:g} s, and it stands at no line of "
            "yours. Your machine was too busy, or your part has begun something that "
            "does not end.",
            ask="Does it say the same when you check once more?",
        )
    code = linecache.getline(str(path), line).strip()
    ask = "What would have to happen for it to go on, and who does that?"
    if "sleep(0)" in code:
        ask = (
            "It looks again and again, and its clock stands still meanwhile. What "
            "could it await, so that it is woken?"
        )
    says = f"still running after {seconds:g} s, at line {line}: `{code}`."
    return Verdict(state, says, ask, line=line)


if __name__ == "__main__":
    main(sys.argv[1:])
