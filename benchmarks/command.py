"""``python3 -m workshop bench``: what the command does once ``.venv`` is entered."""

import argparse
from pathlib import Path

from benchmarks import report, results
from benchmarks.measure import FULL, QUICK
from benchmarks.results import CURVES, TABLES
from benchmarks.runner import BENCHMARKS, Run
from workshop.command.errors import UserError


def main(options: argparse.Namespace, notes: list[str]) -> int:
    """Measure, or only report, and show it.

    Args:
        options: what the user typed: ``what``, ``rounds``, ``quick``, ``compare``,
            ``json`` and ``report``.
        notes: sentences about the set-up, to be kept with the results.

    Raises:
        UserError: a file cannot be read or written.
    """
    then = load(options.compare) if options.compare else None
    if options.json and not options.json.parent.is_dir():  # said before, not after
        raise UserError(f"{options.json} cannot be written: there is no such folder.")
    if options.report:
        now = load(options.report)
        if lacking := [name for name in [*TABLES, *CURVES] if not now.has(name)]:
            raise UserError(
                f"{options.report} has no figures of: {', '.join(lacking)}."
            )
        for path in report.publish(now):
            print(f"Written: {path.relative_to(report.ROOT)}")
    else:
        scale = QUICK if options.quick else FULL
        run = Run(options.rounds or (1 if options.quick else 5), scale)
        run.results.notes += notes
        what = BENCHMARKS if options.what == "all" else (options.what,)
        now = run.measure(what)
        print(f"\n{report.text(now)}")
    if options.json:
        save(now, options.json)
    if then is not None:
        print(f"\n{report.changes(results.compare(now, then), then)}")
    return 0


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
