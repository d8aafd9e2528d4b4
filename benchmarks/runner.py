"""A whole run: every subject once, in turn, and that as often as there are rounds.

A note says in a sentence which subject cannot be measured here, and why. The rest is
measured.
"""

import asyncio
import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from benchmarks import measure, peers, processes, switching
from benchmarks.measure import Scale
from benchmarks.results import CURVES, SWITCH, Results
from benchmarks.server import run as run_loop
from benchmarks.subjects import ECHO, FANOUT, GROWTH, IDLE, SUBJECTS, Subject

BENCHMARKS = (ECHO, FANOUT, IDLE, SWITCH)
PACKAGES = (
    "Django",
    "uvicorn",
    "uvloop",
    "websockets",
    "starlette",
    "channels",
    "channels-redis",
    "daphne",
    "picows",
    "redis",
)
SECONDS = 120  # for one measurement, start and end of the server not counted
BUSY = 15  # per cent of all cores, before we begin
Measure = Callable[..., Coroutine[Any, Any, Any]]
MEASURES: dict[str, Measure] = {
    ECHO: measure.echo,
    FANOUT: measure.fanout,
    IDLE: measure.idle,
    "connections": measure.connections,
    "sizes": measure.sizes,
    "members": measure.members,
    "groups": measure.groups,
}


class Run:
    """One run, and what it has found so far.

    Args:
        rounds: how often each figure is measured.
        scale: how much is measured each time.
        subjects: the rows of the tables.
        say: is told how far the run is.

    Attributes:
        out: benchmark and subject of what failed, and is left out from then on.
        server_core: the core that the servers run on; None: any.
        variables: of the servers' environment.
        results: the figures so far.
    """

    def __init__(
        self,
        rounds: int,
        scale: Scale,
        subjects: Sequence[Subject] = SUBJECTS,
        say: Callable[[str], None] = print,
    ) -> None:
        self.rounds = rounds
        self.scale = scale
        self.say = say
        self.subjects = list(subjects)
        self.out: set[tuple[str, str]] = set()
        self.server_core: int | None = None
        self.variables: dict[str, str] = {}
        self.results = Results(
            datetime.now(UTC).strftime("%Y-%m-%d %H:%M"), machine(), versions(), {}
        )

    def note(self, sentence: str) -> None:
        self.results.notes.append(sentence)
        self.say(sentence)

    def measure(self, benchmarks: Sequence[str]) -> Results:
        """Run the benchmarks, a subset of ``BENCHMARKS``."""
        with ExitStack() as stack:
            self.folder = Path(
                stack.enter_context(
                    tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
                )
            )
            self._look_around()
            stack.enter_context(processes.pinned(self._choose_cores()))
            self._allow_connections()
            self._start_redis(stack)
            self.results.scale = {"rounds": self.rounds, **asdict(self.scale)}
            for benchmark in benchmarks:
                if benchmark == SWITCH:
                    self._switches()
                else:
                    self._table(benchmark)
                    if self.scale.growth_rounds:
                        self._curves(benchmark)
        return self.results

    def _look_around(self) -> None:
        busy = psutil.cpu_percent(interval=0.5)
        if busy > BUSY:
            self.note(
                f"The machine is at work already ({busy:.0f} % of its CPU time): "
                "the figures will vary."
            )
        if not peers.FAST:
            self.note(
                "picows is not installed here: the client is written in Python, so "
                "messages per second and latencies may be the client's, not the "
                "server's."
            )

    def _choose_cores(self) -> int | None:
        """Choose the servers' core.

        Returns:
            The client's core; None: any.
        """
        cores = processes.allowed_cores()
        if cores is None:
            self.note("This system does not pin a process to a core: nothing is.")
        elif len(cores) < 2:
            self.note("There is only one core: server and client share it.")
        else:
            self.server_core = cores[0]
            return cores[-1]
        return None

    def _allow_connections(self) -> None:
        wanted = self.scale.descriptors()
        allowed = processes.descriptors(wanted)
        if allowed == wanted:
            return
        most = max(allowed - measure.SPARE, 8)
        first, more = self.scale.idle
        self.scale = replace(
            self.scale,
            clients=min(self.scale.clients, most),
            members=min(self.scale.members, most),
            idle=(min(first, most // 5), min(more, most // 5 * 2)),
            connections=_up_to(most, self.scale.connections),
            group=_up_to(most, self.scale.group),
        )
        self.note(
            f"This process may open {allowed} files and not {wanted} (ulimit -n): "
            f"there are at most {most} connections."
        )

    def _start_redis(self, stack: ExitStack) -> None:
        address = stack.enter_context(processes.redis())
        if address is not None:
            self.variables["BENCH_REDIS"] = address
            return
        needing = [subject.name for subject in self.subjects if subject.redis]
        if needing:
            self.note(f"There is no redis-server here: without {', '.join(needing)}.")
            self.subjects = [s for s in self.subjects if not s.redis]

    def _of(self, name: str, *benchmarks: str) -> list[Subject]:
        """The subjects of all these benchmarks that are not left out of ``name``."""
        return [
            subject
            for subject in self.subjects
            if (name, subject.name) not in self.out
            and all(benchmark in subject.benchmarks for benchmark in benchmarks)
        ]

    def _table(self, benchmark: str) -> None:
        table = self.results.tables.setdefault(benchmark, {})
        for number in range(1, self.rounds + 1):
            self.say(f"{benchmark}, round {number} of {self.rounds}")
            for subject in self._of(benchmark, benchmark):
                figures = self._measured(benchmark, subject, self.scale)
                if figures is None:
                    table.pop(subject.name, None)
                    continue
                rows = table.setdefault(subject.name, {})
                for key, value in figures.items():
                    rows.setdefault(key, []).append(value)

    def _curves(self, benchmark: str) -> None:
        for name, curve in CURVES.items():
            if curve.benchmark != benchmark:
                continue
            xs = getattr(self.scale, curve.scale)
            table = self.results.curves.setdefault(name, {})
            for number in range(1, self.scale.growth_rounds + 1):
                self.say(f"{benchmark}, {curve.x}, round {number}")
                for subject in self._of(name, benchmark, GROWTH):
                    ys = self._measured(name, subject, self.scale, xs)
                    if ys is None:
                        table.pop(subject.name, None)
                        continue
                    start = {"x": list(xs), "y": [[] for _ in xs]}
                    points = table.setdefault(subject.name, start)
                    for figures, y in zip(points["y"], ys, strict=True):
                        figures.append(y)

    def _measured(self, name: str, subject: Subject, *arguments: Any) -> Any:
        """The figures of a measurement; None: it failed, and a note says why."""
        try:
            with processes.serving(
                subject, self.folder, self.server_core, **self.variables
            ) as server:
                return run_loop(_in_time(MEASURES[name](server, *arguments)))
        except Exception as error:
            # Any failure of one subject: the others are still measured.
            while isinstance(error, ExceptionGroup):
                error = error.exceptions[0]
            if isinstance(error, processes.StartError):
                why = f"it did not start: {error}"
            else:
                why = f"{type(error).__name__}: {error}"
            self.out.add((name, subject.name))
            self.note(f"{name} without {subject.name}: {why}")
            return None

    def _switches(self) -> None:
        table = self.results.tables.setdefault(SWITCH, {})
        for number in range(1, self.rounds + 1):
            self.say(f"switch, round {number} of {self.rounds}")
            for way in switching.WAYS:
                rows = table.setdefault(way, {})
                for key, value in switching.measure(way, self.scale.switches).items():
                    rows.setdefault(key, []).append(value)


def _up_to(most: int, counts: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(count for count in counts if count <= most)


async def _in_time(measurement: Coroutine[Any, Any, Any]) -> Any:
    async with asyncio.timeout(SECONDS):
        return await measurement


def machine() -> dict[str, Any]:
    """The machine and the Python that it ran on."""
    return {
        "cpu": _cpu_name(),
        "cores": len(processes.allowed_cores() or [*range(os.cpu_count() or 1)]),
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "loop": "uvloop" if "uvloop" in switching.WAYS else "asyncio",
    }


def _cpu_name() -> str:
    # Linux tells it here, and elsewhere Python knows it.
    path = Path("/proc/cpuinfo")
    if path.exists():
        for line in path.read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """Of everything that is measured, where it is installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    program = shutil.which("redis-server")
    if program:
        told = subprocess.run([program, "--version"], capture_output=True, text=True)
        number = re.search(r"v=([\d.]+)", told.stdout)
        if number:
            found["redis-server"] = number[1]
    return found
