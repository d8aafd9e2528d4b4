"""Check the current exercise whenever its file is saved.

Saving is seen by asking for the files' modification times: other ways see nothing of a
folder that is shared with a container, with WSL or over a network.
"""

from collections.abc import Callable
from pathlib import Path

from workshop.command.errors import UserError
from workshop.exercises import files
from workshop.exercises.catalogue import Exercise
from workshop.exercises.check import check
from workshop.exercises.keys import ENTER, Keys, listening
from workshop.exercises.progress import Progress, Store
from workshop.exercises.words import listing, next_hint, show

INTERVAL = 0.2  # seconds between two looks at the files
KEYS = "h hint · n next · l list · s skip · x reset · q end · Enter checks again"

Look = tuple[int, int, int]


class Watch:
    """One run of the watching.

    Args:
        exercises: all of them, in order.
        store: the progress.
        keys: what the learner presses.
        say: prints one text.
    """

    def __init__(
        self,
        exercises: list[Exercise],
        store: Store,
        keys: Keys,
        say: Callable[[str], None] = print,
    ) -> None:
        self._all = exercises
        self._store = store
        self._keys = keys
        self._say = say
        self._looks: dict[Path, Look | None] = {}
        self._asks_for_reset = False
        self.current = first_open(exercises, store.read())

    def run(self) -> None:
        """Go on until the learner ends it."""
        self._looks = {exercise.path: _look(exercise.path) for exercise in self._all}
        self._say(
            f"Watching the {len(self._all)} exercises. Save a file: it is checked."
        )
        self._check()
        while self._obey(self._keys.next(INTERVAL)):
            saved = self._saved()
            if saved is not None:
                self._asks_for_reset = False
                if saved != self.current:
                    self._say(
                        f"{saved.path.name} was saved: it is the current one now."
                    )
                    self.current = saved
                self._check()
        self._say("Watching has ended. Your files and your progress are kept.")

    def _saved(self) -> Exercise | None:
        """An exercise whose file has changed since the last look."""
        found = None
        for exercise in self._all:
            look = _look(exercise.path)
            # A file that is missing just now is being replaced by an editor.
            if look is not None and look != self._looks[exercise.path]:
                self._looks[exercise.path] = look
                if found is None or exercise == self.current:
                    found = exercise
        return found

    def _check(self) -> None:
        self._remember()
        self._say("")
        self._say(f"{self.current.number} · {self.current.title}")
        self._say(f"  {self.current.path}")
        try:
            verdict = check(self.current)
        except UserError as error:
            self._say(f"Not yet: {error}")
        else:
            show(self.current, verdict, self._store, self._say)
        self._say(f"({KEYS})")

    def _remember(self) -> None:
        with self._store.changing() as progress:
            progress.current = self.current.number

    def _obey(self, key: str) -> bool:
        """Do what a key asks for; ``False`` ends the watching."""
        if self._asks_for_reset and key:
            self._asks_for_reset = False
            self._answer_reset(key)
        elif key == "h":
            self._say(next_hint(self.current, self._store))
        elif key == "n":
            self._go_on(skip=False)
        elif key == "s":
            self._go_on(skip=True)
        elif key == "l":
            self._say(listing(self._all, self._store.read(), self.current))
        elif key == "x":
            self._asks_for_reset = True
            self._say(
                f"Bring {self.current.path.name} back to its start? What you wrote is "
                "kept beside it. y: yes; any other key: no"
            )
        elif key == ENTER:
            self._check()
        elif key and key != "q":
            self._say(f"({KEYS})")
        return key != "q"

    def _answer_reset(self, key: str) -> None:
        if key != "y":
            self._say("Nothing was changed.")
            return
        try:
            self._say(files.reset(self.current))
        except UserError as error:
            self._say(str(error))
            return
        with self._store.changing() as progress:
            progress.entry(self.current.number).state = ""
        self._looks[self.current.path] = _look(self.current.path)

    def _go_on(self, *, skip: bool) -> None:
        """Make the next open exercise the current one."""
        if skip:
            with self._store.changing() as progress:
                if not progress.is_solved(self.current.number):
                    progress.entry(self.current.number).state = "skipped"
        following = next_open(self._all, self._store.read(), self.current)
        if following is None:
            self._say("All exercises are solved or skipped. l lists them.")
            return
        self.current = following
        self._check()


def first_open(exercises: list[Exercise], progress: Progress) -> Exercise:
    """The exercise to begin with: that of the last time, or the first open one."""
    for exercise in exercises:
        if exercise.number == progress.current and _is_open(exercise, progress):
            return exercise
    found = [exercise for exercise in exercises if _is_open(exercise, progress)]
    return found[0] if found else exercises[0]


def next_open(
    exercises: list[Exercise], progress: Progress, after: Exercise
) -> Exercise | None:
    """The first open exercise behind ``after``, and then from the beginning on."""
    place = exercises.index(after)
    for exercise in exercises[place + 1 :] + exercises[:place]:
        if _is_open(exercise, progress):
            return exercise
    return None


def _is_open(exercise: Exercise, progress: Progress) -> bool:
    number = exercise.number
    return not progress.is_solved(number) and not progress.is_skipped(number)


def _look(path: Path) -> Look | None:
    """A value that changes when a file is saved; ``None`` where there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def watch(exercises: list[Exercise], store: Store) -> int:
    """Watch until ``q`` or Ctrl-C.

    Returns:
        The exit code.
    """
    with listening() as keys:
        watching = Watch(exercises, store, keys)
        try:
            watching.run()
        except KeyboardInterrupt:
            print("\nWatching has ended. Your files and your progress are kept.")
    return 0
