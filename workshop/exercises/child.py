"""The child process: check files one after the other, and write the verdicts.

``python -m workshop.exercises.child ANSWER LIMIT NUMBER FILE…`` writes one line of JSON
for each file into ANSWER. Each check may take LIMIT seconds of real time. Then the
process ends with exit code ``LATE``:

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

from workshop.exercises.catalogue import find
from workshop.exercises.judge import Judge
from workshop.exercises.verdict import State, Verdict

LATE = 75  # the exit code of a check that took too long


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
            judge = Judge(exercise, Path(path))
            seconds = float(limit)
            watchdog = threading.Timer(seconds, _too_late, (judge, seconds, out))
            watchdog.daemon = True
            watchdog.start()
            faulthandler.dump_traceback_later(seconds + 0.5, exit=True, file=stack)
            verdict = judge.verdict()
            watchdog.cancel()
            faulthandler.cancel_dump_traceback_later()
            write(verdict, out)
    # A thread of the learner's that never ends would keep the process from ending.
    os._exit(0)


def write(verdict: Verdict, out: TextIO) -> None:
    """One line into the file of verdicts, at once."""
    out.write(verdict.to_json() + "\n")
    out.flush()


def _too_late(judge: Judge, seconds: float, out: TextIO) -> None:
    # With a verdict already there it is only the picture that does not end.
    write(judge.found or still_running(seconds, judge.line(), judge.path), out)
    os._exit(LATE)


def still_running(seconds: float, line: int, path: Path) -> Verdict:
    """The verdict on a program that does not end.

    Args:
        seconds: how long it has run.
        line: the line at which it stands; 0 if that is none of the file's.
        path: the file.
    """
    at = ""
    ask = "What would have to happen for it to go on, and who does that?"
    if line:
        code = linecache.getline(str(path), line).strip()
        at = f", at line {line}: `{code}`"
        if "sleep(0)" in code:
            ask = (
                "It looks again and again, and its clock stands still meanwhile. What "
                "could it await, so that it is woken?"
            )
    return Verdict(
        State.NOT_YET, f"still running after {seconds:g} s{at}.", ask, line=line
    )


if __name__ == "__main__":
    main(sys.argv[1:])
