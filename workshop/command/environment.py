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
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from workshop.command.errors import COMMAND, UserError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements.lock"
# The same packages, and those that the benchmarks measure beside our own code.
BENCH_LOCK = ROOT / "requirements-bench.lock"
# The same packages, and those that build the site.
SITE_LOCK = ROOT / "requirements-site.lock"
# The packages that only stage 04's recipes use.
RECIPES_LOCK = ROOT / "requirements-recipes.lock"
# By their group in pyproject.toml.
OPTIONAL = {"bench": BENCH_LOCK, "site": SITE_LOCK, "recipes": RECIPES_LOCK}
VENV = ROOT / ".venv"
if os.name == "nt":
    PYTHON = VENV / "Scripts" / "python.exe"
else:
    PYTHON = VENV / "bin" / "python"
STAMP = VENV / "workshop-stamp"
LOG = VENV / "workshop-setup.log"

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


def packages_in(lock: str) -> dict[str, str]:
    """Name and version of each package that every platform needs.

    A line with a marker (``; sys_platform == "win32"``) is for the installer to judge.
    """
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)\s*\\?$", lock, re.MULTILINE))


def missing(lock: Path = LOCK) -> list[str]:
    """The packages that the running Python lacks, of those that it should have.

    Those are the lock's, in its versions; but uv chooses versions itself, within
    ``pyproject.toml``, so that where uv has installed only the names there count.

    Read from the folder names of the "Recording installed projects" specification
    (NAME-VERSION.dist-info). Pip writes RECORD last: without it the package is half
    there. A package whose folder was deleted counts as missing, too.
    """
    installed: dict[str, str] = {}
    for folder in sys.path:
        broken = damaged(Path(folder))
        for record in Path(folder).glob("*.dist-info/RECORD"):
            name, version = _name_and_version(record.parent)
            if record.parent not in broken:
                # Of two versions on the path, Python imports the first one.
                installed.setdefault(name, version)
    if made_by_uv(Path(sys.prefix)):
        return [name for name in _direct(lock) if _canonical(name) not in installed]
    wanted = packages_in(lock.read_text("utf-8")).items()
    return [f"{n}=={v}" for n, v in wanted if installed.get(_canonical(n)) != v]


def _name_and_version(metadata: Path) -> tuple[str, str]:
    name, _, version = metadata.name.removesuffix(".dist-info").partition("-")
    return _canonical(name), version


def damaged(folder: Path) -> list[Path]:
    """Packages whose files were deleted while their metadata was left.

    Pip takes such a package for an installed one, and would not repair it.

    Args:
        folder: where packages are: ``.venv/lib/python3.11/site-packages``.

    Returns:
        Their metadata folders. Only what lies at the top of ``folder`` is looked at:
        that takes less than 0.1 s.
    """
    if not folder.is_dir():
        return []
    there = {path.name for path in folder.iterdir()}
    found = []
    for record in folder.glob("*.dist-info/RECORD"):
        text = record.read_text("utf-8", errors="replace")
        tops = set(re.findall(r'^"?([^/,\n"]+)', text, re.MULTILINE))
        # Scripts lie outside of the folder, and Python makes __pycache__ when it likes.
        if not tops - {"..", "__pycache__"} <= there:
            found.append(record.parent)
    return found


def _packages_of_venv() -> list[Path]:
    """The folders in which the packages of ``.venv`` are."""
    posix = VENV.glob("lib/python*/site-packages")
    return [*posix, VENV / "Lib" / "site-packages"]


def _direct(lock: Path) -> list[str]:
    """The names in ``pyproject.toml`` of the packages that are meant by ``lock``."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    groups = dict(project.get("dependency-groups", {}))
    for group, own_lock in OPTIONAL.items():
        if lock != own_lock:
            groups.pop(group, None)
    lines = list(project["project"]["dependencies"])
    for group in groups.values():
        lines += group
    return [re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in lines]


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def inside() -> bool:
    """Whether the running Python is the one of ``.venv``."""
    return Path(sys.prefix).resolve() == VENV


def made_by_uv(prefix: Path = VENV) -> bool:
    """Whether an environment is uv's work, which uv also repairs."""
    return "\nuv = " in _configuration(prefix)


def ready() -> bool:
    """Whether ``.venv`` can be entered as it is."""
    try:
        if any(damaged(folder) for folder in _packages_of_venv()):
            return False
        stamped = STAMP.is_file() and STAMP.read_text("utf-8") == _fingerprint()
        return PYTHON.exists() and (stamped or made_by_uv())
    except OSError:
        # It cannot be read. The set-up will say why.
        return False


def _configuration(prefix: Path = VENV) -> str:
    path = prefix / "pyvenv.cfg"
    if not path.is_file():
        return ""
    return path.read_text("utf-8")


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
    found = re.search(r"^version(?:_info)? = (\d+\.\d+)", _configuration(), re.M)
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
        with _one_at_a_time() as lock:
            if ready() and not inside():
                # Another terminal has made it while this one waited.
                return
            usable = STAMP.exists() and _pip_works()
            STAMP.unlink(missing_ok=True)
            broken = [one for part in _packages_of_venv() for one in damaged(part)]
            if usable and broken:
                names = ", ".join(_name_and_version(one)[0] for one in broken)
                print(f"Files are missing in {VENV}. Repairing: {names}.", flush=True)
            print(f"Installing {_count()} packages into {VENV} (once).", flush=True)
            if usable:
                # Without its metadata pip installs a package again.
                for one in broken:
                    shutil.rmtree(one)
            else:
                _create(lock)
            _install(lock, LOCK, _Progress())
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
        with _one_at_a_time() as lock:
            print(f"Installing into {VENV} (once): {', '.join(lacking)}.", flush=True)
            # Without a stamp, a set-up that is cut off here is made anew: it may have
            # left half a package.
            STAMP.unlink(missing_ok=True)
            failure = ""
            try:
                _install(lock, OPTIONAL[group])
            except UserError as error:
                # pip has put back the packages that were there.
                failure = f"{sentence} {error}"
            STAMP.write_text(_fingerprint(), "utf-8")
            return failure
    except OSError as error:
        return f"{sentence} {explain_error(error)}"


def _pip_works() -> bool:
    try:
        command = [str(PYTHON), "-m", "pip", "--version"]
        return subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        return False


def _create(lock: BinaryIO) -> None:
    """Make ``.venv`` anew, with pip."""
    if inside():
        raise UserError(
            ".venv is unfinished and cannot be repaired from inside: type `deactivate` "
            f"if it is active, then run {COMMAND} again."
        )
    if importlib.util.find_spec("ensurepip") is None:
        raise UserError(f"{NO_ENSUREPIP}, then run {COMMAND} again.")
    import venv  # only here: a browser's Python, which never comes here, lacks it

    venv.EnvBuilder(clear=True, symlinks=os.name != "nt").create(VENV)
    _run([str(PYTHON), "-m", "ensurepip", "--default-pip"], lock)


def _install(
    lock: BinaryIO, requirements: Path, show: Callable[[str], None] = lambda line: None
) -> None:
    """Install the packages of a lock file, each checked against its hash."""
    # --no-deps: the lock names them all. --no-compile: Python compiles what it imports.
    # --retries 2: without a network pip gives up after seconds; the default is 5.
    install = "install --require-hashes --no-deps --no-compile --retries 2 --no-input"
    quiet = "--disable-pip-version-check --progress-bar off"
    command = [str(PYTHON), "-m", "pip", *install.split(), *quiet.split()]
    _run([*command, "-r", str(requirements)], lock, show)


class _Progress:
    """Counts pip's lines: in one that rewrites itself on a terminal, else in a few."""

    def __init__(self) -> None:
        self.total = _count()
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


def _count() -> int:
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


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[BinaryIO]:
    """Hold the lock file; wait for it first if another set-up holds it."""
    with LOCK.open("rb") as lock:
        if not try_lock(lock):
            print("Another set-up of this folder runs: waiting for it.", flush=True)
            while not try_lock(lock):
                time.sleep(0.2)
        yield lock


def try_lock(lock: BinaryIO) -> bool:
    """Take the lock of the operating system on an open file, unless it is taken."""
    if sys.platform == "win32":
        # Behind the content, which stays readable.
        lock.seek(2**30)
        try:
            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
    else:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            # The file system has no locks: there is nothing to wait for.
            return True
    return True


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
