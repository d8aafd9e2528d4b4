"""Start a real server as a process of its own, and end it with the test."""

import contextlib
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent.parent
UVICORN = re.compile(r"Uvicorn running on (http://[\d.]+:\d+)")
PATIENCE = 300  # seconds for a start or an end; only a failure takes so long


class ServerProcess:
    """A started server: its address and everything that it has printed so far."""

    def __init__(self, process: "subprocess.Popen[str]", address: re.Pattern[str]):
        self.process = process
        self.command = " ".join(map(str, process.args))  # type: ignore[arg-type]
        self.lines: list[str] = []
        self._address = address
        self._found = threading.Event()
        self.url = ""
        self.has_left = False  # the block of the test that it was for
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            for line in output:
                self.lines.append(line)
                if not self.url and (found := self._address.search(self.log)):
                    self.url = found[1]
                    self._found.set()
        self._found.set()  # the process has ended: nobody waits any longer

    def wait_until_ready(self) -> None:
        assert self._found.wait(PATIENCE) and self.url, "did not start:\n" + self.log

    @property
    def log(self) -> str:
        return "".join(self.lines)

    def wait(self, seconds: float = PATIENCE) -> int:
        """The exit code, once the process has ended and its log is complete."""
        code = self.process.wait(seconds)
        self._reader.join()
        return code


servers: list[ServerProcess] = []  # for the report of a failure: tests/conftest.py


def forget_servers() -> None:
    """Keep only those that the next test may use: a failure shows their logs."""
    servers[:] = [server for server in servers if not server.has_left]


@contextlib.contextmanager
def server_process(
    command: Sequence[str],
    *,
    address: re.Pattern[str] = UVICORN,
    cwd: Path = ROOT,
    python: str = sys.executable,
    stdin: int | None = None,
    **environment: str,
) -> Iterator[ServerProcess]:
    """Run ``python command`` (its arguments) until the block ends.

    The server is ready when ``address`` is found in what it has printed.
    """
    process = subprocess.Popen(
        [python, *command],
        cwd=cwd,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )
    server = ServerProcess(process, address)
    servers.append(server)
    try:
        server.wait_until_ready()
        yield server
    finally:
        if process.poll() is None:
            # A killed parent cannot end its workers, and they hold its output open.
            workers = psutil.Process(process.pid).children(recursive=True)
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
            for worker in workers:
                with contextlib.suppress(psutil.NoSuchProcess):
                    worker.kill()  # psutil knows if the number was given anew
        server.wait()
        server.has_left = True


def alive(processes: Sequence[psutil.Process]) -> list[psutil.Process]:
    """Those of ``processes`` that do not end; ending takes them a moment."""
    _, left = psutil.wait_procs(list(processes), timeout=PATIENCE)
    return [process for process in left if process.status() != psutil.STATUS_ZOMBIE]
