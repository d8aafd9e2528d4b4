"""End a step that never gives control back.

A coroutine that reaches no ``await`` keeps the event loop for ever. A notebook's button
■ does not end it: the button cancels the cell's task, and a task notices that only at
its next ``await``. So a watchdog, a second thread, looks now and then which step runs.
When it has been the same one for too long, the thread sends a signal to the main
thread. Python calls the signal's handler between two lines of the program, and the
handler raises `ControlNotGivenBack` there.

Python delivers signals to the main thread only. A program that is recorded in another
thread is left alone.
"""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from types import FrameType

from workshop.pictures.recorder.record import Record
from workshop.pictures.recorder.tracks import Track

if sys.platform == "win32":
    import _thread

    SIGNAL = signal.SIGBREAK
else:
    SIGNAL = signal.SIGALRM

HERE = str(Path(__file__).parent)
LOOKS = 10  # in the time that a step may take


class ControlNotGivenBack(BaseException):
    """Raised in a step that has run for too long, at the line where it then is.

    No ``Exception``, so that the learner's ``except Exception`` does not swallow it.
    """

    # A traceback names the module before the class: "recorder" is enough there.
    __module__ = "recorder"


class _Watchdog:
    """Looks after one record.

    Args:
        record: its running step is looked at.
        patience: seconds that a step may take.
    """

    def __init__(self, record: Record, patience: float) -> None:
        self.record = record
        self.patience = patience
        self._over = threading.Event()
        self._seen: tuple[Track, float] | None = None
        self._since = 0.0
        self._thread = threading.Thread(
            target=self._watch, name="watchdog of a recording", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread. No signal comes after this call."""
        self._over.set()
        self._thread.join()

    def bites(self) -> ControlNotGivenBack | None:
        """The exception for the step that runs now, if it has run for too long."""
        step = self._step()
        if step is None or step != self._seen:
            return None
        if monotonic() - self._since < self.patience:
            return None
        track, _ = step
        return ControlNotGivenBack(
            f"{track.name} has run for {self.patience:g} s and has not given control "
            "back to the event loop, so no other task could run. The recorder has "
            "ended it here."
        )

    def _watch(self) -> None:
        while not self._over.wait(self.patience / LOOKS):
            step = self._step()
            if step != self._seen:
                # A new step since the last look: its time begins now.
                self._seen = step
                self._since = monotonic()
            elif self.bites():
                _wake_main_thread()

    def _step(self) -> tuple[Track, float] | None:
        """The step that runs now: its track, and when it began."""
        track = self.record.running
        if track is None:
            return None
        since = track.running_since
        if since is None:
            return None
        return track, since


def _wake_main_thread() -> None:
    """Have the main thread call the handler, in the middle of whatever it does."""
    if sys.platform == "win32":
        _thread.interrupt_main(SIGNAL)
    else:
        # A signal of the operating system also ends a time.sleep() that is going on.
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, SIGNAL)


_watchdogs: list[_Watchdog] = []


def _handle(number: int, frame: FrameType | None) -> None:
    # Between two lines of the recorder itself, an exception would leave a track half
    # written. The watchdog signals again a moment later.
    if frame is not None and frame.f_code.co_filename.startswith(HERE):
        return
    for watchdog in _watchdogs:
        error = watchdog.bites()
        if error is not None:
            raise error


@contextmanager
def watchdog(record: Record, patience: float) -> Iterator[None]:
    """Watch the steps of ``record`` while the body runs, where that is possible.

    Args:
        record: the record of a program on a loop of this thread.
        patience: seconds that a step may take.
    """
    if not _possible():
        yield
        return
    dog = _Watchdog(record, patience)
    signal.signal(SIGNAL, _handle)
    _watchdogs.append(dog)
    dog.start()
    try:
        yield
    finally:
        # First the thread, then the handler: without a handler the signal would end
        # the process.
        dog.stop()
        _watchdogs.remove(dog)
        if not _watchdogs:
            signal.signal(SIGNAL, signal.SIG_DFL)


def _possible() -> bool:
    """Whether this is the main thread, and the signal is nobody else's."""
    if sys.platform in ("emscripten", "wasi"):
        # A page in a browser has neither threads nor signals.
        return False
    if threading.current_thread() is not threading.main_thread():
        return False
    return signal.getsignal(SIGNAL) in (signal.SIG_DFL, _handle)
