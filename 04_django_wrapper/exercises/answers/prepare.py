"""What each check of this stage begins with: a site with a database of its own."""

import logging
import os
from pathlib import Path

import practice

from workshop.pictures.recorder import hide


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
        _hide_packages()
    for name in ("sockets", "django"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [_Kept()]
        logger.propagate = False
    failures.clear()


def _hide_packages() -> None:
    """Tracebacks tell the learner's lines and the error, and not thirty of Django's."""
    import django
    import sockets

    for package in (django, sockets):
        hide(f"{Path(package.__path__[0])}{os.sep}")


def raise_failure() -> None:
    """Raise what a handler has raised, so that the learner is told their line."""
    for record in failures:
        if record.exc_info and record.exc_info[1] is not None:
            raise record.exc_info[1] from None
