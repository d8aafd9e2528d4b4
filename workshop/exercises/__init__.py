"""Exercises that check themselves, in the editor, the terminal and the notebook.

How to write one

1. ``0N_…/exercises/eM_name.py`` is what the learner edits, and runs by itself. Its head
   has this form, from which number, title, minutes and section are read::

       \"\"\"Exercise 1.5 · A polite crawler

       15 minutes, after section 5 of the notebook.
       Check it: python3 -m workshop exercise 1.5

       What is there, and what is wanted, in a few sentences.
       \"\"\"

   Then a small world; then, between ``# ↓ Your turn begins here.`` and ``# ↑ Your turn
   ends here.`` exactly one function, class or value, with its docstring; then
   ``if __name__ == "__main__":`` with a run that shows something.
2. ``0N_…/exercises/answers/eM_name.py`` has these, in this order:

   ``HINTS``      a tuple of two or three texts: a question first, nearly the code last
   ``check(x)``   ``async def``, or ``def`` where no asyncio loop is wanted. ``x`` is
                  the learner's function, class or value. It raises :class:`Wrong`: what
                  was seen, what was wanted, and one question. Its result is said
                  of a right answer. Show values with :func:`shown`
   a solution     a function, class or value with the name and the docstring as in the
                  exercise, which can stand between the marks as it is
   wrong ones     functions or classes with names of their own and no annotations
   ``WRONG``      a tuple of pairs: (wrong one, a part of what must be said). A value is
                  written out: ``(["b", "a"], "…")``
   ``LIMIT``      if wanted: seconds of real time in place of ten, for a check that
                  starts a process of its own
   ``picture(x)`` if wanted: gives the :class:`workshop.pictures.svg.Picture` of ``x``
                  at work. Without it an ``async def check`` is drawn as a timeline

   They are *read* and not run by everybody but the child process: so a wrong one uses
   only what the exercise's file has, and imports the rest inside itself.
3. ``from exercises.eM_name import …`` in the answers gives the world of the *learner's*
   file. A class that counts or spies belongs to the answers, as a subclass of it.
4. After each change of an exercise ``python -m workshop.exercises.starts`` keeps its
   file as the start, and writes its cells into the stage's notebook and its row into
   the table of the stage's README (between the two comments that stage 01's has).
   ``python3 -m workshop test tests/exercises`` proves the rest.

A check can rely on this:

* A check runs in a child process, on a clock that costs nothing: ``asyncio.sleep``,
  ``time.sleep`` (blocking; in worker threads, too) and ``loop.time()`` are exact. So
  compare seconds with ``==``. If all tasks wait and nobody can wake them, if an
  hour has passed, or ten seconds of real time, the learner is told the line.
* The learner's exceptions are told with their line. A check needs no ``try`` for them.
* The learner's prints are shown, the run is recorded.
* The stage's folder is on ``sys.path``: an exercise imports the stage's lessons.
* ``answers/prepare.py`` of a stage, if it is there, is run first: its function
  ``prepare(folder, text)`` gets an empty folder of this check, for a database, say, and
  the text of the exercise's file. The ten seconds begin after it.
"""

import reprlib
from typing import Any


class Wrong(Exception):
    """Raised by a check if the learner's part is not right yet.

    Args:
        says: what was seen, and what was wanted.
        ask: one question that leads on.
    """

    def __init__(self, says: str, ask: str = "") -> None:
        super().__init__(says)
        self.says = says
        self.ask = ask


class _Short(reprlib.Repr):
    """Values as in Python, but short, and with words for what has no value yet."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = 60
        self.maxother = 60
        self.maxlist = 5
        self.maxtuple = 5

    def repr_instance(self, x: Any, level: int) -> str:
        words = {
            "coroutine": "a coroutine",
            "generator": "a generator",
            "async_generator": "an asynchronous generator",
            "function": "a function",
            "method": "a method",
            "Driven": "a coroutine",
            "Task": "a task",
            "Future": "a future",
            "_GatheringFuture": "a future of gather",
        }
        kind = type(x).__name__
        if kind in words:
            return f"<{words[kind]}>"
        if " object at 0x" in repr(x):
            return f"<{kind}>"  # without an address, which differs in each run
        return super().repr_instance(x, level)


def shown(value: object) -> str:
    """``value`` for a sentence: short, and the same in every run."""
    return _Short().repr(value)


def load_ipython_extension(ipython: Any) -> None:
    """``%load_ext workshop.exercises``: define its magics."""
    from workshop.exercises.magics import register

    register(ipython)
