"""A site for the exercises, with a database of its own: ``practice.begin()``.

To make the tables takes a second. So they are made once, in a file that is kept in the
repository's folder ``.workshop``, and each site gets a copy of that file. The variable
``WORKSHOP_PRACTICE`` names another folder: the tests keep theirs apart.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

STAGE = Path(__file__).resolve().parent
KEPT = Path(os.environ.get("WORKSHOP_PRACTICE") or STAGE.parent / ".workshop")

_folder: Path | None = None  # of the site's database; None: there is no site yet
_own: "tempfile.TemporaryDirectory[str] | None" = None  # goes with the process


def begin(folder: Path | None = None) -> None:
    """Set up Django with a new database; once more with no folder does nothing.

    Args:
        folder: for the database. None: a temporary one.
    """
    global _folder, _own
    if folder is None:
        if _folder is not None:
            return
        _own = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        folder = Path(_own.name)
    _folder = folder
    file = folder / "practice.sqlite3"
    os.environ["DATABASE_URL"] = f"sqlite:///{file.as_posix()}"
    os.environ["DJANGO_SETTINGS_MODULE"] = "websocket_app.settings"

    # Only now, since it loads the settings.
    from websocket_app.asgi import application  # noqa: F401

    _use(file)


@cache
def run_alone(program: str, text: str) -> "subprocess.CompletedProcess[str]":
    """Run a program in a new process, where Django is not set up yet.

    A new process costs a second. What it does depends on its text only, so the same
    text is run once.

    Args:
        program: gets the path of a file in this folder as ``sys.argv[1]``.
        text: what it reads from stdin.
    """
    environment = {**os.environ, "PYTHONPATH": str(STAGE), "PYTHONUTF8": "1"}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    return subprocess.run(
        [sys.executable, "-c", program, str(STAGE / "exercises" / "lesson.py")],
        input=text,
        env=environment,
        capture_output=True,
        encoding="utf-8",
    )


def _use(file: Path) -> None:
    """Let all threads work on this file, which becomes a copy of the kept one."""
    from django.conf import settings
    from django.db import connections

    # A thread that still has its connection would go on with the database before.
    _close_everywhere()
    connections.settings["default"]["NAME"] = str(file)
    settings.ALLOWED_HOSTS = ["testserver"]
    kept = _kept_file()
    if not kept.is_file():
        _make_tables(file, kept)
    elif not file.is_file():
        shutil.copyfile(kept, file)


def _close_everywhere() -> None:
    from asgiref.sync import SyncToAsync
    from django.db import connections
    from sockets import database

    connections.close_all()
    for thread in [SyncToAsync.single_thread_executor, *database._threads]:
        thread.submit(_forget_connections).result()


def _forget_connections() -> None:
    """In a thread: its next query makes a new connection, by the settings of then."""
    from django.db import connections

    connections.close_all()
    for name in connections:
        if hasattr(connections._connections, name):
            delattr(connections._connections, name)


def _kept_file() -> Path:
    """Its name tells the version of Django and all migrations of the chat."""
    import django

    known = hashlib.sha256(django.get_version().encode())
    for path in sorted((STAGE / "chat" / "migrations").glob("*.py")):
        known.update(path.read_bytes())
    return KEPT / f"practice-{known.hexdigest()[:16]}.sqlite3"


def _make_tables(file: Path, kept: Path) -> None:
    from django.core.management import call_command
    from django.db import connections

    call_command("migrate", verbosity=0)
    connections.close_all()
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        # Copied beside, then renamed: another process never finds half of it.
        beside = kept.with_name(f"{kept.name}.{os.getpid()}")
        shutil.copyfile(file, beside)
        beside.replace(kept)
    except OSError:
        pass  # the folder cannot be written: the tables are made each time
