"""Check an exercise in a child process, whatever the learner's program does to it.

A browser's page has no child processes: there the check runs in the page itself.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from workshop.command.places import ROOT
from workshop.exercises.catalogue import Exercise
from workshop.exercises.child import LATE, PATIENCE, still_running
from workshop.exercises.verdict import State, Verdict

LIMIT = 10.0  # seconds of real time for one check
ERRORS = 2_000  # characters of what Python itself says of its end
# Seconds more, after which a child can no longer say itself that it is late. Twice: the
# stage's world is made, and a check that starts a process has a LIMIT of its own.
GRACE = 2 * PATIENCE


def check(
    exercise: Exercise, path: Path | None = None, limit: float = LIMIT
) -> Verdict:
    """Check the learner's file, or another one in its place.

    Args:
        exercise: which one.
        path: a file in place of the learner's.
        limit: seconds of real time.

    Raises:
        UserError: the file cannot be read, or its marks are not where they were.
    """
    exercise.parts(path)
    if sys.platform == "emscripten":
        from workshop.exercises import in_page

        return in_page.check(exercise, path or exercise.path, limit)
    [verdict] = check_all(exercise, [path or exercise.path], limit)
    return verdict


def check_all(
    exercise: Exercise, paths: Sequence[Path], limit: float = LIMIT
) -> list[Verdict]:
    """Check several files in one child process, up to one that ends the process."""
    with (
        tempfile.TemporaryDirectory(prefix="exercise-") as folder,
        (Path(folder) / "errors").open("w+", encoding="utf-8") as errors,
    ):
        answer = Path(folder) / "verdicts"
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "workshop.exercises.child",
                str(answer),
                str(limit),
                exercise.number,
                *(str(path.resolve()) for path in paths),
            ],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            # POSIX: a group of its own, so that what it starts can be ended with it.
            start_new_session=os.name != "nt",
        )
        try:
            code: int | None = process.wait(len(paths) * (limit + GRACE))
        except subprocess.TimeoutExpired:
            code = None
        finally:
            _end(process)
        verdicts = _verdicts(answer)
        if len(verdicts) < len(paths):
            path = paths[len(verdicts)].resolve()
            stack = Path(f"{answer}.stack")
            said = stack.read_text("utf-8", "replace") if stack.is_file() else ""
            errors.seek(0)
            verdict = _ended_early(code, said, exercise, path, limit)
            verdict.printed = errors.read(ERRORS)
            verdicts.append(verdict)
        return verdicts


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the child, and all that it started."""
    if os.name == "nt":
        process.kill()
    else:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # nobody is left in its group
        except PermissionError:
            process.kill()  # macOS says so of a group of ended processes
    process.wait()


def _verdicts(answer: Path) -> list[Verdict]:
    if not answer.is_file():
        return []
    lines = answer.read_text("utf-8").splitlines()
    found = []
    for line in lines:
        try:
            found.append(Verdict.from_json(line))
        except ValueError:  # cut off: the process ended while it wrote
            break
    return found


def _ended_early(
    code: int | None, stack: str, exercise: Exercise, path: Path, limit: float
) -> Verdict:
    """Say something of a child that ended without a verdict."""
    if code is None or code == LATE or stack:
        return still_running(exercise, path, limit, _line_in(stack, path))
    how = f"exit code {code}"
    if code < 0:
        how = f"signal {-code} ({_signal_name(-code)})"
    return Verdict(
        State.NOT_YET,
        f"the program ended its own process, with {how}, before the check was over.",
        ask="Which line ends the whole process, and not only the function?",
    )


def _line_in(stack: str, path: Path) -> int:
    """The line of ``path`` in a stack that faulthandler wrote, innermost first."""
    found = re.search(rf'File "{re.escape(str(path))}", line (\d+)', stack)
    return int(found[1]) if found else 0


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "a signal"
