"""``python3 -m workshop bench``: registered in ``pyproject.toml``."""

import argparse
from pathlib import Path

from benchmarks import report, results
from benchmarks.measure import FULL, QUICK
from benchmarks.results import CURVES, SWITCH, TABLES
from benchmarks.runner import BENCHMARKS, Run
from workshop.command import environment
from workshop.command.errors import COMMAND, UserError
from workshop.command.parser import Parser

ROUNDS = 5


def main(arguments: list[str]) -> int:
    """Measure, or only report, and show it.

    Args:
        arguments: what the user typed after ``bench``.

    Returns:
        The exit code: 0.

    Raises:
        UserError: a wrong argument, or a file that cannot be read or written.
    """
    options = parse(arguments)
    then = None
    if options.compare:
        then = load(options.compare)
    if options.json and not options.json.parent.is_dir():
        # Said before minutes of measuring, not after them.
        raise UserError(f"{options.json} cannot be written: there is no such folder.")

    now = publish(options.report) if options.report else measure(options)
    if options.json:
        save(now, options.json)
    if then is not None:
        print(f"\n{report.changes(results.compare(now, then), then)}")
    return 0


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options of ``bench``: ``what``, ``rounds``, ``quick`` and three files.

    Raises:
        UserError: there is no such benchmark or option.
    """
    parser = Parser(prog=f"{COMMAND} bench", description="Measure each layer's cost.")
    parser.add_argument(
        "what",
        nargs="?",
        default="all",
        choices=(*BENCHMARKS, "all"),
        help="which benchmark; without a word: all of them",
    )
    parser.add_argument(
        "--rounds",
        type=parse_rounds,
        help=f"how often each is measured; else {ROUNDS}",
    )
    parser.add_argument(
        "--quick", action="store_true", help="one short round, and no curves"
    )
    files = {
        "json": "write all figures to this file",
        "compare": "compare the ratios with this file of an earlier run",
        "report": "measure nothing: write the READMEs and pictures from this file",
    }
    for name, words in files.items():
        parser.add_argument(f"--{name}", type=Path, metavar="FILE", help=words)
    return parser.parse_args(arguments)


def parse_rounds(text: str) -> int:
    """The number of rounds that ``text`` writes.

    Raises:
        UserError: it is no number from 1 to 1000.
    """
    if text.isascii() and text.isdigit() and 1 <= int(text[:5]) <= 1000:
        return int(text)
    raise UserError(f"Rounds are a number from 1 to 1000, not {text!r}: --rounds 5")


def measure(options: argparse.Namespace) -> results.Results:
    """Run the benchmarks that were asked for, and print their tables."""
    lacking = ""
    if options.what != SWITCH:
        lacking = environment.add_peers()
    scale = QUICK if options.quick else FULL
    rounds = options.rounds
    if rounds is None:
        rounds = 1 if options.quick else ROUNDS
    run = Run(rounds, scale)
    if lacking:
        run.results.notes.append(lacking)
    what = BENCHMARKS if options.what == "all" else (options.what,)
    now = run.measure(what)
    print(f"\n{report.text(now)}")
    return now


def publish(path: Path) -> results.Results:
    """Write the READMEs' tables and the pictures from an earlier run's file.

    Raises:
        UserError: the file cannot be read, or lacks figures.
    """
    now = load(path)
    lacking = [name for name in [*TABLES, *CURVES] if not now.has(name)]
    if lacking:
        raise UserError(f"{path} has no figures of: {', '.join(lacking)}.")
    for written in report.publish(now):
        print(f"Written: {written.relative_to(report.ROOT)}")
    return now


def load(path: Path) -> results.Results:
    try:
        return results.Results.load(path)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise UserError(f"{path} holds no results: {error}.") from None


def save(found: results.Results, path: Path) -> None:
    try:
        found.save(path)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.") from None
