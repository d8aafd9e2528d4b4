"""The record of one program: its tracks, and what it printed.

A record grows while the program runs. ``driver``, ``doors`` and ``output`` write into
it; pictures read it. A program that blocks its loop can be looked at from another
thread, so readers copy each list before they go through it.
"""

import sys
import threading
from collections import Counter
from contextvars import ContextVar
from time import perf_counter

from workshop.pictures.recorder.learners import is_learners
from workshop.pictures.recorder.tracks import Note, Place, Track


class Record:
    """The tracks of a program's tasks, in order of creation, and the printed lines.

    Args:
        title: what the picture says above the tracks.
        echo: whether printed text also goes where it usually goes.

    Attributes:
        zero: when the recording began, on the clock of ``perf_counter``.
        thread: the thread in which the program's loop runs.
        running: the track whose coroutine runs now.
        in_threads: the track of the call that runs in each worker thread.
        elapsed: seconds from the start to the end of the program.
        finished: whether it has ended.
    """

    def __init__(self, title: str = "", *, echo: bool = True) -> None:
        self.title = title
        self.echo = echo
        self.tracks: list[Track] = []
        self.notes: list[Note] = []
        self.elapsed = 0.0
        self.finished = False
        self.zero = perf_counter()
        self.thread = threading.get_ident()
        self.running: Track | None = None
        self.in_threads: dict[int, Track] = {}
        # The end of the printed text, which has no newline yet.
        self._unfinished = ""

    def begin(self) -> None:
        """Let the clock start now, and in this thread."""
        self.zero = perf_counter()
        self.thread = threading.get_ident()

    def end(self) -> None:
        """Let the clock stop now."""
        self.elapsed = self.now()
        self.finished = True
        if self._unfinished:
            self.add_text("\n")

    def now(self) -> float:
        """Seconds since the recording began."""
        return perf_counter() - self.zero

    def add_text(self, text: str) -> None:
        """Keep each line that is printed, once it is whole."""
        lines = (self._unfinished + text).split("\n")
        self._unfinished = lines.pop()
        thread = threading.get_ident()
        if thread == self.thread:
            track = self.running
        else:
            track = self.in_threads.get(thread)
        self.notes.extend(Note(self.now(), line, track) for line in lines)

    def names(self) -> dict[Track, str]:
        """The tracks' names, numbered from the second of a kind on."""
        counts: Counter[str] = Counter()
        names = {}
        for track in list(self.tracks):
            name = track.name
            counts[name] += 1
            if counts[name] > 1:
                names[track] = f"{name} {counts[name]}"
            else:
                names[track] = name
        return names

    def whereabouts(self) -> list[tuple[Place, Track]]:
        """The line of each track now: the one where it waits, or that it runs."""
        found = [(track.place, track) for track in list(self.tracks)]
        places = [(place, track) for place, track in found if place is not None]
        running = self.running
        frame = sys._current_frames().get(self.thread)
        while running is not None and frame is not None:
            if is_learners(frame.f_code.co_filename):
                return [(Place(frame.f_code, frame.f_lineno), running), *places]
            frame = frame.f_back
        return places


# The records to which what happens in this context belongs; several, if they nest.
current: ContextVar[tuple[Record, ...]] = ContextVar("records", default=())
