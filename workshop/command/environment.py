"""The packages of the lessons: installed once into ``.venv``, then found there.

1. A Python that has all the packages needs no set-up. That is ``.venv`` itself, however
   it was entered, and what ``uv run`` makes.
2. Every other Python makes ``.venv`` with pip and runs the command again inside it.
3. The stamp, the lock's SHA-256, is written last. No stamp means that a set-up was cut
   off: ``.venv`` is made anew, since pip takes half a package for a whole one. A stamp
   of another lock means that the lock has changed: pip installs what is new.
4. One set-up at a time: it holds a lock on ``requirements.lock``, and so does its pip,
   which a killed set-up leaves behind. A second set-up waits, then goes on.

Standard library only: this module runs before anything is installed.
"""

import contextlib
import errno
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from workshop.command import pip
from workshop.command.errors import COMMAND, UserError
from workshop.command.file_lock import one_at_a_time
from workshop.command.installed import (
    configuration,
    damaged,
    folders_of_venv,
    made_by_uv,
    missing,
    name_and_version,
)
from workshop.command.pip import VERSION
from workshop.command.places import LOCK, OPTIONAL, PYTHON, STAMP, VENV


def inside() -> bool:
    """Whether the running Python is the one of ``.venv``."""
    return Path(sys.prefix).resolve() == VENV


def ready() -> bool:
    """Whether ``.venv`` can be entered as it is."""
    try:
        if any(damaged(folder) for folder in folders_of_venv()):
            return False
        stamped = STAMP.is_file() and STAMP.read_text("utf-8") == _fingerprint()
        return PYTHON.exists() and (stamped or made_by_uv())
    except OSError:
        # It cannot be read. The set-up will say why.
        return False


def _fingerprint() -> str:
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()


def enter(arguments: list[str]) -> int:
    """Run this command again with the Python of ``.venv``, made or repaired if needed.

    Returns:
        The command's exit code (POSIX: never returns, the process becomes the command).

    Raises:
        UserError: the set-up failed for a reason that the user can fix.
    """
    try:
        if inside() or not ready():
            set_up()
        if inside() and missing():
            raise UserError(f"{VENV} is damaged: delete it, then run {COMMAND}.")
    except (OSError, ValueError) as error:
        # venv raises a ValueError if a link is in the way.
        raise UserError(explain_error(error)) from None
    found = re.search(r"^version(?:_info)? = (\d+\.\d+)", configuration(), re.M)
    if found and found[1] != VERSION:
        print(f".venv has Python {found[1]}: it is used, not this command's {VERSION}.")
    return become([str(PYTHON), "-m", "workshop", *arguments])


def become(command: list[str]) -> int:
    """Let ``command`` take this process's place."""
    sys.stdout.flush()
    if os.name != "nt":
        os.execv(command[0], command)
    # Windows has no exec that the console waits for. Ctrl-C reaches the child as well.
    with subprocess.Popen(command) as process:
        while True:
            with contextlib.suppress(KeyboardInterrupt):
                return process.wait()


def set_up() -> None:
    """Install the lock's packages into ``.venv``, which is made anew unless usable."""
    if made_by_uv():
        raise UserError(
            "uv made .venv, and packages are missing in it. "
            "Run `uv sync`, or `uv sync --reinstall` if files were deleted; "
            f"or, without uv, delete .venv and run {COMMAND}."
        )
    if VENV.exists() and not VENV.is_dir():
        raise UserError(f"{VENV} is a file and in the way: delete or rename it.")
    try:
        with one_at_a_time() as lock:
            if ready() and not inside():
                # Another terminal has made it while this one waited.
                return
            usable = STAMP.exists() and pip.works()
            STAMP.unlink(missing_ok=True)
            broken = [one for part in folders_of_venv() for one in damaged(part)]
            if usable and broken:
                names = ", ".join(name_and_version(one)[0] for one in broken)
                print(f"Files are missing in {VENV}. Repairing: {names}.", flush=True)
            print(f"Installing {pip.count()} packages into {VENV} (once).", flush=True)
            if usable:
                # Without its metadata pip installs a package again.
                for one in broken:
                    shutil.rmtree(one)
            elif inside():
                raise UserError(
                    ".venv is unfinished and cannot be repaired from inside: type "
                    f"`deactivate` if it is active, then run {COMMAND} again."
                )
            else:
                pip.create(lock)
            pip.install(lock, LOCK, pip.Progress())
            STAMP.write_text(_fingerprint(), "utf-8")
    except KeyboardInterrupt:
        print("\nStopped. The next run repairs the set-up.", flush=True)
        raise


def add_peers() -> str:
    """Install what the benchmarks measure beside our own, unless it is there.

    Returns:
        "", or a sentence about what is not there: the rest can be measured.
    """
    return _add("bench")


def add_site() -> str:
    """Install what builds the site, unless it is there.

    Returns:
        "", or a sentence about what is not there.
    """
    return _add("site")


def add_recipes() -> str:
    """Install what stage 04's recipes use, unless it is there.

    Returns:
        "", or a sentence about what is not there.
    """
    return _add("recipes")


def _add(group: str) -> str:
    lacking = missing(OPTIONAL[group])
    if not lacking:
        return ""
    sentence = f"Not installed: {', '.join(lacking)}."
    if not inside():
        return f"{sentence} This Python is not the one of {VENV}."
    if made_by_uv():
        return f"{sentence} `uv sync --group {group}` installs it."
    try:
        with one_at_a_time() as lock:
            print(f"Installing into {VENV} (once): {', '.join(lacking)}.", flush=True)
            # Without a stamp, a set-up that is cut off here is made anew: it may have
            # left half a package.
            STAMP.unlink(missing_ok=True)
            failure = ""
            try:
                pip.install(lock, OPTIONAL[group])
            except UserError as error:
                # pip has put back the packages that were there.
                failure = f"{sentence} {error}"
            STAMP.write_text(_fingerprint(), "utf-8")
            return failure
    except OSError as error:
        return f"{sentence} {explain_error(error)}"


def explain_error(error: Exception) -> str:
    """Why the set-up failed, from what the operating system said."""
    number = getattr(error, "errno", None)
    if number == errno.ENOSPC:
        return f"The disk is full: make room for {VENV}, then run {COMMAND} again."
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return (
            f"{VENV} cannot be written: give your user the right to, and close "
            f"programs that run from it. ({error})"
        )
    return f"{VENV} cannot be made: {error}"
