"""The processes of a run: a server on a core of its own, Redis beside the client."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from benchmarks.subjects import Subject

try:
    import resource
except ImportError:  # Windows has no such limits
    resource = None  # type: ignore[assignment]

ROOT = Path(__file__).resolve().parent.parent
STAGES = ("03_asgi_raw", "04_django_wrapper")  # what the subjects import from
SECONDS = 30  # for a server to listen


class StartError(Exception):
    """A server did not start; the message is the last thing that it said."""


class Server:
    """A subject that listens.

    Args:
        process: its main process.
        port: of 127.0.0.1.
        cookie: of a logged-in user, or "".

    Attributes:
        address: ``127.0.0.1:8000``.
    """

    def __init__(self, process: psutil.Process, port: int, cookie: str) -> None:
        self.process = process
        self.cookie = cookie
        self.address = f"127.0.0.1:{port}"

    def cpu(self) -> float:
        """Seconds of CPU time so far, in user and kernel mode, children included."""
        return sum(_cpu(process) for process in self._family())

    def memory(self) -> float:
        """Bytes of memory that are this process's alone (USS), children included.

        A system that does not tell it gives the resident memory (RSS).
        """
        return float(sum(_memory(process) for process in self._family()))

    def _family(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]


def _cpu(process: psutil.Process) -> float:
    if sys.platform == "linux":
        # The clock of another process counts nanoseconds: clock_getcpuclockid(3).
        # psutil looks in /proc, which counts in steps of 10 ms.
        return time.clock_gettime(~process.pid << 3 | 2)
    times = process.cpu_times()
    return float(times.user + times.system)


def _memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().uss)
    except psutil.AccessDenied:
        return int(process.memory_info().rss)


@contextlib.contextmanager
def serving(
    subject: Subject, folder: Path, core: int | None = None, **variables: str
) -> Iterator[Server]:
    """Run a subject's server until the block ends.

    Args:
        subject: the row of the table.
        folder: for its files.
        core: the only core that it may use.
        variables: more of its environment.

    Raises:
        StartError: it ended, or did not listen in time.
    """
    command = [sys.executable, "-m", "benchmarks.server"]
    paths = os.pathsep.join(str(ROOT / stage) for stage in STAGES)
    environment = {**os.environ, "BENCH_FOLDER": str(folder), "PYTHONPATH": paths}
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors,
        subprocess.Popen(
            [*command, subject.server, subject.application],
            cwd=ROOT,
            env=environment | subject.variables | variables,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as popen,
    ):
        process = psutil.Process(popen.pid)
        patience = threading.Timer(SECONDS, popen.kill)
        patience.start()
        try:
            if core is not None:
                process.cpu_affinity([core])
            assert popen.stdout is not None
            line = popen.stdout.readline()
            patience.cancel()
            if not line:
                errors.seek(0)
                said = errors.read().strip().splitlines() or [f"silent for {SECONDS} s"]
                raise StartError(said[-1])
            yield Server(process, **json.loads(line))
        finally:
            patience.cancel()
            for one in [*_children(process), process]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    # Killed, since a goodbye to each of 5,000 peers would take a while.
                    one.kill()


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.NoSuchProcess:
        return []


@contextlib.contextmanager
def redis() -> Iterator[str | None]:
    """A Redis of our own, that writes no file; None where none is installed.

    Yields:
        Its address, ``redis://127.0.0.1:PORT``.
    """
    program = shutil.which("redis-server")
    if program is None:
        yield None
        return
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with subprocess.Popen([program, *options], stdout=subprocess.DEVNULL) as process:
        try:
            if _answers(port):
                yield f"redis://127.0.0.1:{port}"
            else:
                yield None
        finally:
            process.terminate()


def _answers(port: int) -> bool:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return True
        time.sleep(0.02)
    return False


def allowed_cores() -> list[int] | None:
    """The cores that this process may use; None: the system does not pin (macOS)."""
    if not hasattr(psutil.Process, "cpu_affinity"):
        return None
    return list(psutil.Process().cpu_affinity())


@contextlib.contextmanager
def pinned(core: int | None) -> Iterator[None]:
    """Run the block, and what it starts, on one core only; None: wherever."""
    if core is None:
        yield
        return
    process: Any = psutil.Process()
    before = process.cpu_affinity()
    process.cpu_affinity([core])
    try:
        yield
    finally:
        process.cpu_affinity(before)


def descriptors(wanted: int) -> int:
    """Raise the limit of open files as far as the system lets us.

    Args:
        wanted: the number of files and sockets that the run would have open at once.

    Returns:
        The number that it may have; at most ``wanted``.
    """
    if resource is None:
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    if soft != unlimited and soft < wanted:
        most = wanted
        if hard != unlimited:
            most = min(wanted, hard)
        # macOS has one more limit, which is not told beforehand.
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == unlimited:
        return wanted
    return min(wanted, soft)
