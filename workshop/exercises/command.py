"""``python3 -m workshop exercise …``: what was typed, checked, and done."""

import argparse
import difflib
from pathlib import Path
from typing import NoReturn

from workshop.command.errors import COMMAND, UserError
from workshop.command.places import ROOT
from workshop.exercises import catalogue, files
from workshop.exercises.catalogue import Exercise
from workshop.exercises.check import check
from workshop.exercises.progress import Store
from workshop.exercises.watch import first_open, watch
from workshop.exercises.words import hints_left, listing, next_hint, show

WORDS = ("list", "hint", "solution", "reset", "put")
USAGE = f"""\
{COMMAND} exercise                   check the current one whenever it is saved
{COMMAND} exercise 1.5               one check; --file PATH checks another file
{COMMAND} exercise list              all of them, and the minutes that are left
{COMMAND} exercise hint [1.5]        the next hint
{COMMAND} exercise solution 1.5      after passing, or after the last hint; or --anyway
{COMMAND} exercise reset 1.5         back to the start; what you wrote is kept beside it
{COMMAND} exercise put 1.5           the solution into the file; the same
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message[0].upper()}{message[1:]}.\n{USAGE}")

    def format_help(self) -> str:
        return USAGE


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Do what ``arguments``, those after ``exercise``, ask for.

    Args:
        arguments: what the user typed.
        root: the folder of the stages, and of the progress.

    Returns:
        The exit code: 0 right or done, 1 not yet.

    Raises:
        UserError: a bad call (exit code 2).
    """
    parser = _Parser(prog=f"{COMMAND} exercise")
    parser.add_argument("what", nargs="?", default="")
    parser.add_argument("number", nargs="?", default="")
    parser.add_argument("--file", type=Path)
    parser.add_argument("--anyway", action="store_true")
    if len(arguments) > 1 and arguments[0] == "check":
        arguments = arguments[1:]  # "exercise check 1.5" is "exercise 1.5"
    options = parser.parse_args(arguments)
    _require_sense(options)
    every = catalogue.exercises(root)
    store = Store(root)
    if not options.what:
        return watch(every, store)
    if options.what == "list":
        print(listing(every, store.read()))
        return 0
    if options.what in WORDS:
        exercise = _chosen(options.number, options.what, every, store)
        return _do(options.what, exercise, store, anyway=options.anyway)
    exercise = catalogue.find(options.what, every)
    return _check(exercise, options.file, store)


def _require_sense(options: argparse.Namespace) -> None:
    """See to it that each option stands where it means something.

    Raises:
        UserError: one does not.
    """
    what = options.what
    if options.number and what not in WORDS[1:]:
        raise UserError(f"Nothing is expected after {what!r}.\n{USAGE}")
    if options.file and (not what or what in WORDS):
        raise UserError(f"--file belongs to a number, as in 1.5 --file PATH.\n{USAGE}")
    if options.anyway and what != "solution":
        raise UserError(f"--anyway belongs to solution.\n{USAGE}")
    if what and what not in WORDS and not what[0].isdigit():
        close = difflib.get_close_matches(what.lower(), WORDS, 1, cutoff=0.6)
        if close:
            raise UserError(
                f"There is no {what!r}. Did you mean {close[0]!r}?\n{USAGE}"
            )


def _chosen(number: str, what: str, every: list[Exercise], store: Store) -> Exercise:
    """The exercise that is meant; for a hint the current one if none is named."""
    if number:
        return catalogue.find(number, every)
    if what == "hint":
        return first_open(every, store.read())
    raise UserError(f"Which exercise? For example: {COMMAND} exercise {what} 1.5")


def _check(exercise: Exercise, file: Path | None, store: Store) -> int:
    print(f"{exercise.number} · {exercise.title}", flush=True)
    verdict = check(exercise, file)
    if file:
        print(verdict.text())
    else:
        show(exercise, verdict, store)
    if not verdict.right:
        print(f"A hint: {COMMAND} exercise hint {exercise.number}")
    return 0 if verdict.right else 1


def _do(what: str, exercise: Exercise, store: Store, *, anyway: bool) -> int:
    number = exercise.number
    if what == "hint":
        print(next_hint(exercise, store))
    elif what == "solution":
        left = hints_left(exercise, store)
        if left > 0 and not anyway:
            print(
                f"{left} hints are left: {COMMAND} exercise hint {number}\n"
                f"To see a solution now: {COMMAND} exercise solution {number} --anyway"
            )
            return 1
        print(exercise.solution)
    elif what == "reset":
        print(files.reset(exercise))
        _remember(store, number, "")
    else:
        print(files.put(exercise))
        _remember(store, number, "solved")
    return 0


def _remember(store: Store, number: str, state: str) -> None:
    with store.changing() as progress:
        progress.entry(number).state = state
