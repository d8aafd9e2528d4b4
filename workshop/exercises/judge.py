"""Check one file of an exercise in this process, on a fake clock.

A learner's program may do anything: end its process, or never end. So the child process
(:mod:`workshop.exercises.child`) calls this. A browser's page has no child processes:
there :mod:`workshop.exercises.in_page` does. Nobody else should.
"""

import ast
import asyncio
import contextlib
import gc
import importlib.util
import inspect
import io
import linecache
import os
import sys
import tempfile
import threading
import traceback
import types
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from workshop.command.errors import UserError
from workshop.command.places import ROOT
from workshop.exercises import Wrong
from workshop.exercises.catalogue import Exercise, name_of
from workshop.exercises.clock import (
    Clock,
    DeadlockError,
    EndlessError,
    FakeClockLoop,
)
from workshop.exercises.marks import same
from workshop.exercises.verdict import State, Verdict
from workshop.pictures.recorder import hide, is_learners, learners_traceback
from workshop.pictures.svg import Picture
from workshop.pictures.timeline import Timeline

MOST_PRINTED = 20_000  # characters, after which a program is stopped
NOTES = 100  # printed lines in a picture
NO_WATCHDOG = 1e6  # seconds


class Stop(BaseException):
    """Ends the learner's program; no ``except Exception`` of theirs catches it."""


def judge(exercise: Exercise, path: Path | None = None) -> Verdict:
    """Check a file.

    Args:
        exercise: whose check is used.
        path: the file; the learner's own if ``None``.
    """
    return Judge(exercise, path or exercise.path).verdict()


class Judge:
    """One check of one file.

    Its attributes are read by the watchdog, which may end the check.

    Args:
        exercise: whose check is used.
        path: the file.
        clock: what the program sees as its time.
        begins: called when the learner's seconds begin, with their number, or with
            ``None`` for the usual one.
    """

    found: Verdict | None = None  # as soon as it is known, before the picture is drawn

    def __init__(
        self,
        exercise: Exercise,
        path: Path,
        clock: Clock | None = None,
        begins: Callable[[float | None], None] = lambda seconds: None,
    ) -> None:
        self.exercise = exercise
        self.path = path.resolve()
        title = f"{exercise.number} · your {exercise.name}"
        # The child process has a watchdog of its own, which tells the line.
        self.timeline = Timeline(title, patience=NO_WATCHDOG)
        self._printed = Printed()
        self._clock = clock or Clock()
        self._begins = begins
        self._drawing: dict[str, str] = {}
        self._stands_at = 0

    def verdict(self) -> Verdict:
        """Load the file, check it, and say what was found."""
        try:
            state = state_before(self.exercise, self.path)
        except UserError as error:
            return Verdict(State.NOT_YET, str(error))
        verdict = self._run()
        if state is State.NOT_BEGUN:
            verdict.state = state
        return verdict

    def _run(self) -> Verdict:
        with (
            _caught(self._printed),
            self._clock.installed(),
            _modules(self.exercise.stage),
            _no_fork(),
        ):
            try:
                # A busy machine may need half a minute for Django. The learner's
                # seconds begin after it: their program is not slow.
                self._prepare()
                self._begins(None)
                target = self._load()
                answers = self._load_answers()
                self._begins(getattr(answers, "LIMIT", None))
                says = self._check(answers, target)
                verdict = Verdict(State.RIGHT, says)
            except BaseException as error:
                verdict = self.explained(error)
            gc.collect()  # what is lost is said now, and not during the next check
            # As short as on every other machine: a long line is cut when it is shown.
            verdict.printed = self._printed.getvalue().replace(f"{ROOT}{os.sep}", "")
            self.found = verdict
            # A picture runs the learner's part once more, which may raise anything.
            with contextlib.suppress(BaseException):
                verdict.picture = self._picture(locals())
            # Coroutines that the picture's run has lost: else Python would say so
            # during the next check, in the same process.
            gc.collect()
        return verdict

    def _prepare(self) -> None:
        """Let the stage make its world, if it needs one: a database, say."""
        path = self.exercise.answers_path.parent / "prepare.py"
        if path.is_file():
            self._folder = tempfile.TemporaryDirectory(prefix="exercise-")
            prepare = _module("exercises.answers.prepare", path).prepare
            prepare(Path(self._folder.name), self.exercise.start)
            # Django's objects are many, and they stay: no collection looks at them.
            gc.freeze()

    def _load(self) -> Any:
        """Run the learner's file, and give back what stands under the target's name."""
        name = self.exercise.name
        text = self.exercise.read(self.path)
        code = compile(text, str(self.path), "exec")
        self._require_name(text)
        module = types.ModuleType(f"exercises.{self.exercise.path.stem}")
        module.__file__ = str(self.path)
        package = types.ModuleType("exercises")
        package.__path__ = []
        sys.modules["exercises"] = package
        sys.modules[module.__name__] = module
        exec(code, vars(module))
        target = getattr(module, name, None)
        started = self.exercise.target
        if isinstance(started, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            self._require_kind(started, target)
        return target

    def _require_name(self, text: str) -> None:
        name = self.exercise.name
        names = {name_of(node) for node in ast.parse(text).body} - {""}
        if name in names:
            return
        part = self.exercise.parts(self.path).part
        others = [name_of(node) for node in ast.parse(part).body if name_of(node)]
        if not others:
            raise Wrong(
                f"{name} is gone: nothing is defined between the marks.",
                ask=f"What did {name} look like? `exercise reset` brings it back.",
            )
        raise Wrong(
            f"There is no {name} any more; between the marks stands {others[0]}.",
            ask=f"Who calls {name} by its name, and does not find it?",
        )

    def _require_kind(self, started: ast.stmt, target: Any) -> None:
        name = self.exercise.name
        if isinstance(started, ast.ClassDef):
            if not inspect.isclass(target):
                raise Wrong(f"{name} is no class any more, and it was one.")
        elif not callable(target):
            raise Wrong(f"{name} is no function any more, and it was one.")
        elif isinstance(started, ast.AsyncFunctionDef):
            if not inspect.iscoroutinefunction(target):
                raise Wrong(
                    f"{name} is a plain function: `def {name}`. Its caller awaits what "
                    f"it gives, so `async def {name}` is wanted.",
                    ask="Which word before `def` makes a call give a coroutine?",
                )
        elif inspect.iscoroutinefunction(target):
            raise Wrong(
                f"{name} is a coroutine function: `async def {name}`. Its caller does "
                f"not await it, so a plain `def {name}` is wanted.",
                ask="What does the call of an `async def` give back?",
            )

    def _load_answers(self) -> types.ModuleType:
        path = self.exercise.answers_path
        return _module(f"exercises.answers.{path.stem}", path)

    def _check(self, answers: types.ModuleType, target: Any) -> str:
        """Run ``check``; what it returns is what is said of a right answer."""
        function: Callable[[Any], Any] = answers.check
        if inspect.iscoroutinefunction(function):
            return str(self._run_recorded(check(function(target))))
        with self.timeline.listening():
            return str(function(target))

    def _run_recorded(self, program: Any) -> Any:
        """Run a coroutine on the fake clock, recorded."""
        runner = asyncio.Runner(loop_factory=self._clock.new_loop)
        try:
            runner.run(self.timeline.run(program))
            found = self.timeline.result()
        except (DeadlockError, EndlessError):
            # Now: when the loop has ended nobody stands anywhere.
            self._stands_at = self.line()
            raise
        finally:
            with contextlib.suppress(Exception):
                self._drawing = self._bundle(self.timeline)
            self._end(runner)
        if isinstance(found, Wrong):
            raise found
        return found

    def _end(self, runner: asyncio.Runner) -> None:
        loop = runner.get_loop()
        if isinstance(loop, FakeClockLoop):
            loop.expect_the_end()
        with contextlib.suppress(DeadlockError, EndlessError, SystemExit, Stop):
            runner.close()

    def line(self) -> int:
        """The line of the learner's file at which the program stands; 0 if at none."""
        frame = sys._current_frames().get(threading.main_thread().ident or 0)
        while frame is not None:
            if frame.f_code.co_filename == str(self.path):
                return frame.f_lineno
            frame = frame.f_back
        # The main thread is in the machinery: look where the tasks wait.
        for track in self.timeline.tracks:
            place = track.steps[-1].place if track.steps else track.begins
            if place and place.code.co_filename == str(self.path):
                return place.line
        return 0

    def explained(self, error: BaseException) -> Verdict:
        """Tell the learner of an ``error`` that their program, or the check, raised."""
        if isinstance(error, Wrong):
            return Verdict(State.NOT_YET, error.says, ask=error.ask)
        if isinstance(error, SyntaxError) and error.filename == str(self.path):
            return _no_python(error)
        if isinstance(error, DeadlockError | EndlessError):
            return self._never_ends(error)
        line = self._line_of(error)
        at = f" at line {line} of {self.path.name}" if line else ""
        name = self.exercise.name
        kind = _kind(error)
        ask = ""
        told = ""
        if isinstance(error, Stop):
            says = f"{error}{at}."
        elif isinstance(error, SystemExit):
            says = (
                f"the program asked Python to end (SystemExit){at}. The check needs "
                "what comes after."
            )
            ask = "What should it return, or raise, in place of ending all?"
        elif line:
            says = f"{kind} was raised{at}."
            # A check may put a question of its own on the error that it passes on.
            ask = self._where_the_name_is(error) or vars(error).get("ask", "")
            if "await wasn't used with future" in str(error):
                ask = "Which word is missing before the call on this line?"
            told = learners_traceback(error)
        else:
            says = f"the check cannot go on with what {name} did: {kind}: {error}"
        return Verdict(State.NOT_YET, says, ask, told, line=line)

    def _where_the_name_is(self, error: BaseException) -> str:
        """A question for a name that is missing, and stands in an imported module."""
        if not isinstance(error, NameError) or error.name is None:
            return ""
        learners = sys.modules[f"exercises.{self.exercise.path.stem}"]
        for name, module in vars(learners).items():
            if isinstance(module, types.ModuleType) and hasattr(module, error.name):
                return f"Do you mean `{name}.{error.name}`?"
        return ""

    def _never_ends(self, error: Exception) -> Verdict:
        """Tell the learner of a program that waits for ever."""
        says = "after an hour on the clock of the exercise it has not ended"
        ask = "What should have ended it?"
        if isinstance(error, DeadlockError):
            says = "all wait, and nobody can wake them"
            ask = "Who should have woken them?"
        line = self._stands_at
        if line:
            code = linecache.getline(str(self.path), line).strip()
            says += f", at line {line}: `{code}`"
        return Verdict(State.NOT_YET, f"{says}.", ask, line=line)

    def _line_of(self, error: BaseException) -> int:
        """The last line of the learner's file that an exception went through."""
        lines = [
            line
            for frame, line in traceback.walk_tb(error.__traceback__)
            if frame.f_code.co_filename == str(self.path)
        ]
        inner = getattr(error, "exceptions", ())
        return next((line for line in map(self._line_of, inner) if line), 0) or (
            lines[-1] if lines else 0
        )

    def _picture(self, names: dict[str, Any]) -> dict[str, str]:
        """The learner's own run, as a MIME bundle; empty where there is none."""
        own = getattr(names.get("answers"), "picture", None)
        if own is None or "target" not in names:
            return self._drawing
        try:
            return self._bundle(own(names["target"]))
        finally:
            gc.collect()  # what this run has lost is no matter of the next check

    def _bundle(self, picture: Picture) -> dict[str, str]:
        if isinstance(picture, Timeline):
            if not picture.tracks:
                return {}
            del picture.notes[NOTES:]
            picture.pretended = True
        return picture._repr_mimebundle_()


def state_before(exercise: Exercise, path: Path) -> State:
    """The state of a file whose check has not ended, or not begun.

    Raises:
        UserError: the file cannot be read, or its marks are not where they were.
    """
    if same(exercise.parts(path).part, exercise.start_parts.part):
        return State.NOT_BEGUN
    return State.NOT_YET


async def check(work: Any) -> Any:
    """The result of a check, or its ``Wrong``, which is no failure in the picture.

    The picture calls the task by the name of this function.
    """
    try:
        return await work
    except Wrong as wrong:
        return wrong


def _module(name: str, path: Path) -> types.ModuleType:
    """Run a file of the answers; its lines are none of the learner's."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    hide(str(path))
    with warnings.catch_warnings():
        # A wrong answer may have in it what Python itself warns of since 3.14.
        warnings.simplefilter("ignore", SyntaxWarning)
        spec.loader.exec_module(module)
    return module


def _kind(error: BaseException) -> str:
    """The name of an exception; of a group, those inside it."""
    name = type(error).__name__
    if isinstance(error, BaseExceptionGroup):
        inside = ", ".join(_kind(inner) for inner in error.exceptions)
        name += f" ({inside})"
    return name


def _no_python(error: SyntaxError) -> Verdict:
    return Verdict(
        State.NOT_YET,
        f"line {error.lineno} is no Python yet: {error.msg}.",
        traceback="".join(traceback.format_exception_only(error)),
        line=error.lineno or 0,
    )


class Printed(io.StringIO):
    """The output of a program; one that prints without end is stopped."""

    def write(self, text: str) -> int:
        if self.tell() + len(text) > MOST_PRINTED:
            super().write(text[: max(MOST_PRINTED - self.tell(), 0)])
            raise Stop(f"more than {MOST_PRINTED:,} characters were printed")
        return super().write(text)


@contextmanager
def _caught(printed: Printed) -> Iterator[None]:
    """Both standard streams go to ``printed``."""
    with (
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
        _no_places_of_ours(),
    ):
        yield


@contextmanager
def _no_places_of_ours() -> Iterator[None]:
    """A warning names a line only if it is a learner's.

    A lost coroutine is found by the judge's own ``gc.collect()``, which no learner
    has written.
    """
    before = warnings.formatwarning

    def place_of_learners(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        line: str | None = None,
    ) -> str:
        if is_learners(filename):
            return before(message, category, filename, lineno, line)
        return f"{category.__name__}: {message}\n"

    warnings.formatwarning = place_of_learners
    try:
        yield
    finally:
        warnings.formatwarning = before


@contextmanager
def _modules(stage: Path) -> Iterator[None]:
    """The stage's lessons can be imported in the body; afterwards all is as before."""
    modules = dict(sys.modules)
    path = list(sys.path)
    sys.path[:0] = [str(stage), str(ROOT)]
    try:
        yield
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - set(modules):
            if name.partition(".")[0] == "exercises":
                del sys.modules[name]


@contextmanager
def _no_fork() -> Iterator[None]:
    """A copy of this process would go on with the check, and give a second verdict."""

    def refuse() -> NoReturn:
        raise Stop("the program splits its process with os.fork")

    if not hasattr(os, "fork"):  # Windows
        yield
        return
    before = os.fork
    os.fork = refuse
    try:
        yield
    finally:
        os.fork = before


def _hide_machinery() -> None:
    for file in Path(__file__).parent.glob("*.py"):
        hide(str(file))


_hide_machinery()
assert not is_learners(__file__)
