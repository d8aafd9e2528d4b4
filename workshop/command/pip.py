"""Pip at work: ``.venv`` is made with it, and a lock file's packages are installed.

Standard library only: this module runs before anything is installed.
"""

import contextlib
import importlib.util
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from workshop.command.errors import COMMAND, UserError
from workshop.command.places import LOCK, LOG, PYTHON, VENV

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
NO_ENSUREPIP = (
    "this Python lacks the module ensurepip: install it "
    f"(Debian, Ubuntu: sudo apt install python{VERSION}-venv)"
)
# For pip, whatever the user's own settings are. PIP_USER=1, or `user = true` in pip's
# configuration, would have it refuse to install into an environment.
SETTINGS = {"PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8", "PIP_USER": "0"}
# Words that pip writes when it cannot reach the package index.
NO_NETWORK = re.compile(r"connection broken by|Max retries exceeded|Failed to connect")


def works() -> bool:
    """Whether the pip of ``.venv`` can be used."""
    try:
        command = [str(PYTHON), "-m", "pip", "--version"]
        return subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        return False


def create(lock: BinaryIO) -> None:
    """Make ``.venv`` anew, with pip."""
    if importlib.util.find_spec("ensurepip") is None:
        raise UserError(f"{NO_ENSUREPIP}, then run {COMMAND} again.")
    import venv  # only here: a browser's Python, which never comes here, lacks it

    venv.EnvBuilder(clear=True, symlinks=os.name != "nt").create(VENV)
    _run([str(PYTHON), "-m", "ensurepip", "--default-pip"], lock)


def install(
    lock: BinaryIO, requirements: Path, show: Callable[[str], None] = lambda line: None
) -> None:
    """Install the packages of a lock file, each checked against its hash."""
    # --no-deps: the lock names them all. --no-compile: Python compiles what it imports.
    # --retries 2: without a network pip gives up after seconds; the default is 5.
    install = "install --require-hashes --no-deps --no-compile --retries 2 --no-input"
    quiet = "--disable-pip-version-check --progress-bar off"
    command = [str(PYTHON), "-m", "pip", *install.split(), *quiet.split()]
    _run([*command, "-r", str(requirements)], lock, show)


class Progress:
    """Counts pip's lines: in one that rewrites itself on a terminal, else in a few."""

    def __init__(self) -> None:
        self.total = count()
        self.done = 0
        self.terminal = sys.stdout.isatty()

    def __call__(self, line: str) -> None:
        found = re.match(r"(?:Collecting|Processing|Ignoring) (?:\S*[/\\])?(\w+)", line)
        if found:
            self.done += 1
            if self.terminal or self.done % 50 == 0:
                self._show(f"{self.done}/{self.total} {found[1]}")
        elif line.startswith("Installing collected packages"):
            self._show("installing them; this takes half a minute")
        elif line.startswith("Successfully installed"):
            self._show("done", end="\n")

    def _show(self, text: str, end: str = "") -> None:
        if self.terminal:
            print(f"\r  {text:<60.60}", end=end, flush=True)
        else:
            print(f"  {text}", flush=True)


def count() -> int:
    """How many packages the learner's lock names."""
    return len(re.findall("^[^ #]+==", LOCK.read_text("utf-8"), re.MULTILINE))


def _run(
    command: list[str],
    lock: BinaryIO,
    show: Callable[[str], None] = lambda line: None,
) -> None:
    """Run a part of the set-up, which does not outlive this call.

    Args:
        command: the program and its arguments.
        lock: the open lock file, which the program holds as well.
        show: called with each line that the program writes.

    Raises:
        UserError: the program failed.
    """
    output: list[str] = []
    posix = os.name != "nt"
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | SETTINGS,
        encoding="utf-8",
        errors="replace",
        pass_fds=[lock.fileno()] if posix else [],
        process_group=0 if posix else None,  # so that _end() reaches its children too
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                output.append(line)
                show(line)
            process.wait()
        finally:
            _end(process)
    if process.returncode:
        raise UserError(explain_output(output))


def _end(process: "subprocess.Popen[str]") -> None:
    """End ``process``, if it still runs, and the processes that it has started."""
    if sys.platform == "win32":
        process.kill()
    else:
        # Suppressed: all have ended. On SIGINT, pip removes its temporary files.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                pass
            finally:
                os.killpg(process.pid, signal.SIGKILL)


def explain_output(output: list[str]) -> str:
    """Why the installer failed, from what it wrote; that goes into the log."""
    text = "".join(output)
    with contextlib.suppress(OSError):
        LOG.write_text(text, "utf-8")
    if "No space left on device" not in text and NO_NETWORK.search(text):
        return (
            "The packages could not be fetched: no connection to the package index. "
            f"Check the network, then run {COMMAND} again. Log: {LOG}"
        )
    lines = [line.strip() for line in output if line.strip()] or ["no output"]
    errors = [line for line in lines if line.startswith("ERROR")]
    last = (errors or lines)[-1]
    return f"The set-up failed: {last}\nLog: {LOG}"
