"""The whole suite again and again: ``.venv/bin/python -m tests.again 10``.

Once on a machine that is quiet, then with processes beside it that compute. Each run
has another order of the test files, and a seed that gives this order again. Of each run
one line says how it ended, where its whole output is, and what it has left behind.
"""

import argparse
import contextlib
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from workshop.site.first_program import first_program_kept

ROOT = Path(__file__).resolve().parent.parent
# In the environment of a run, and so in that of all processes that it starts.
MARK = "WORKSHOP_TEST_RUN"
# Computes until the pipe to its input breaks: also where this program was killed.
COMPUTE = """
import os, sys, threading
def wait():
    sys.stdin.read()
    os._exit(0)
threading.Thread(target=wait, daemon=True).start()
while True:
    pass
"""
# What Python and the tools themselves keep beside the code.
KEPT = ("__pycache__/", ".pytest_cache/", ".mypy_cache/", ".ruff_cache/", ".venv/")


@contextlib.contextmanager
def busy(processes: int) -> Iterator[None]:
    """Keep so many cores at work until the block ends."""
    command = [sys.executable, "-c", COMPUTE]
    with contextlib.ExitStack() as stack:
        for _ in range(processes):
            started = subprocess.Popen(command, stdin=subprocess.PIPE)
            stack.callback(started.wait)
            stack.callback(started.kill)
        yield


def in_some_order(seed: int) -> list[str]:
    """All files of tests, relative to the clone."""
    paths = sorted((ROOT / "tests").rglob("test_*.py"))
    names = [path.relative_to(ROOT).as_posix() for path in paths]
    random.Random(seed).shuffle(names)
    return names


def files() -> set[str]:
    """What git sees in the clone beside the commit, and what it ignores."""
    command = ["git", "status", "--porcelain", "--ignored"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return {line for line in done.stdout.splitlines() if not line.endswith(KEPT)}


def left_behind(before: set[str]) -> set[str]:
    """What git sees and did not see ``before``, but for files of a run beside this."""
    left = files() - before
    if left:
        with first_program_kept(ROOT / "notebooks"):  # nobody else writes there now
            left = files() - before
    return left


def processes(mark: str) -> list[str]:
    """The processes that a run has started and not ended."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(MARK) == mark:
                found.append(f"{process.pid} {' '.join(process.cmdline()[:4])}")
    return found


def run(seed: int, beside: int, arguments: list[str], log: Path) -> bool:
    """Run the suite once.

    Args:
        seed: of the order of the files.
        beside: how many processes compute meanwhile.
        arguments: further ones for pytest.
        log: the file for all that the run prints.

    Returns:
        Whether all tests have passed and nothing is left behind.
    """
    before, began = files(), time.monotonic()
    order = ["-n3", "--dist=loadfile", "--no-loadscope-reorder"]
    command = [sys.executable, "-m", "pytest", "-q", *order, *arguments]
    mark = str(log)
    with busy(beside), log.open("w", encoding="utf-8") as output:
        done = subprocess.run(
            [*command, *in_some_order(seed)],
            cwd=ROOT,
            env={**os.environ, MARK: mark},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    minutes = (time.monotonic() - began) / 60
    last = log.read_text("utf-8").rstrip().rpartition("\n")[2]
    print(f"seed {seed}, {beside} processes beside, {minutes:.1f} min: {last}")
    print(f"    {log}")
    left = [*sorted(left_behind(before)), *processes(mark)]
    for line in left:
        print("    left behind:", line)
    sys.stdout.flush()
    return done.returncode == 0 and not left


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("times", nargs="?", type=int, default=10)
    parser.add_argument(
        "--busy", type=int, default=os.cpu_count(), help="processes that compute"
    )
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options, arguments = parser.parse_known_args()
    logs = Path(tempfile.mkdtemp(prefix="again-"))
    passed = 0
    for number in range(options.times):
        beside = options.busy if number else 0
        log = logs / f"{number + 1}.log"
        passed += run(options.seed + number, beside, arguments, log)
    print(f"{passed} of {options.times} runs without a failure")
    return 0 if passed == options.times else 1


if __name__ == "__main__":
    sys.exit(main())
