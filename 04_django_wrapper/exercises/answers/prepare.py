"""What each check of this stage begins with: a site with a database of its own."""

import logging
from pathlib import Path

import practice


class _Kept(logging.Handler):
    """Keeps what the layer logs: among it, what a handler has raised."""

    def emit(self, record: logging.LogRecord) -> None:
        failures.append(record)


failures: list[logging.LogRecord] = []


def prepare(folder: Path, text: str) -> None:
    """Called in the process of the check, before the learner's file is loaded.

    Args:
        folder: an empty one for this check.
        text: of the exercise's file. Django is set up only for one that asks for it.
    """
    if "practice.begin()" in text:
        practice.begin(folder)
    for name in ("sockets", "django"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [_Kept()]
        logger.propagate = False
    failures.clear()


def raise_failure() -> None:
    """Raise what a handler has raised, so that the learner is told their line."""
    for record in failures:
        if record.exc_info and record.exc_info[1] is not None:
            raise record.exc_info[1] from None
