"""What does a switch cost? From one coroutine to another, and from thread to thread.

``python switch_cost.py`` measures for a second or two and prints a table;
``python switch_cost.py --svg FILE`` writes the picture as well.

1. By hand: ``coro.send(None)``, a function call. No system call, no context switch.
2. On the tiny loop and on asyncio: ``await sleep(0)``, the ready queue in between.
   asyncio asks the selector in every turn, which is a system call, whatever is ready;
   the tiny loop asks only where there are sockets.
3. Between two threads: a semaphore each. The kernel puts one to sleep and wakes the
   other; it counts these as voluntary context switches (``getrusage``, where there is
   such a thing).

So it is true that a switch between coroutines "need not involve any system call". It
does not make asyncio fit for hard realtime: its turns do call the system, and nothing
limits how long another coroutine keeps the processor before it gives control back.
"""

import argparse
import asyncio
import selectors
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from math import log10
from pathlib import Path
from time import perf_counter
from types import coroutine
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))  # for workshop/, where this runs as a script

import tiny_loop  # noqa: E402

from workshop.pictures import svg  # noqa: E402

try:
    import resource
except ImportError:  # Windows does not count them
    resource = None  # type: ignore[assignment]

ROUNDS = 7  # of each way, in turn; the fastest one counts
SWITCHES = {"by hand": 20_000, "tiny loop": 20_000, "asyncio": 10_000, "threads": 3_000}


class Cost(NamedTuple):
    """One way to switch, measured."""

    way: str
    nanoseconds: float  # for one switch
    context_switches: float | None  # voluntary ones for a switch; None: not told here
    selects: float | None  # calls of the selector for a switch; None: it has none


@coroutine
def give_way() -> Generator[None, None, None]:
    yield


async def turns(count: int, way: Callable[[], Any]) -> None:
    for _ in range(count):
        await way()


def by_hand(count: int) -> int:
    coro = turns(count, give_way)
    for _ in range(count):
        coro.send(None)
    coro.close()
    return 0


def on_tiny_loop(count: int) -> int:
    selector = _Counting()
    loop = tiny_loop.Loop()
    loop.selector.close()
    loop.selector = selector
    loop.run(turns(count, lambda: tiny_loop.sleep(0)))
    return selector.calls


def on_asyncio(count: int) -> int:
    selector = _Counting()
    with asyncio.Runner(
        loop_factory=lambda: asyncio.SelectorEventLoop(selector)
    ) as runner:
        runner.run(turns(count, lambda: asyncio.sleep(0)))
    return selector.calls


def between_threads(count: int) -> int:
    mine = threading.Semaphore(0)
    yours = threading.Semaphore(0)

    def other() -> None:
        for _ in range(count // 2):
            yours.acquire()
            mine.release()

    thread = threading.Thread(target=other)
    thread.start()
    for _ in range(count // 2):
        yours.release()
        mine.acquire()
    thread.join()
    return 0


WAYS = {
    "by hand": by_hand,
    "tiny loop": on_tiny_loop,
    "asyncio": on_asyncio,
    "threads": between_threads,
}


class _Counting(selectors.DefaultSelector):
    calls = 0

    def select(self, timeout: float | None = None) -> list[Any]:
        self.calls += 1
        return super().select(timeout)


def measure(rounds: int = ROUNDS) -> "Costs":
    """Measure every way, interleaved, so that a busy moment does not hit only one."""
    found: dict[str, list[Cost]] = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way, run in WAYS.items():
            found[way].append(_measured(way, run))
    fastest = [
        min(costs, key=lambda cost: cost.nanoseconds) for costs in found.values()
    ]
    return Costs(fastest)


def _measured(way: str, run: Callable[[int], int]) -> Cost:
    """The cost of one way, once."""
    count = SWITCHES[way]
    before = _context_switches()
    start = perf_counter()
    selects = run(count)
    seconds = perf_counter() - start
    after = _context_switches()

    context_switches = None
    if before is not None and after is not None:
        context_switches = (after - before) / count
    selects_each = None
    if way in ("tiny loop", "asyncio"):  # the other two have no selector
        selects_each = selects / count
    return Cost(way, seconds / count * 1e9, context_switches, selects_each)


def _context_switches() -> int | None:
    if resource is None:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw


class Costs(svg.Picture):
    """The measured ways, as a table and as bars on a logarithmic scale."""

    def __init__(self, costs: Sequence[Cost]) -> None:
        self.costs = list(costs)

    def text(self) -> str:
        rows = ["one switch      ns  voluntary context switches  calls of the selector"]
        for cost in self.costs:
            told = cost.context_switches
            switches = "not told here" if told is None else f"{told:.2f}"
            selects = "none" if cost.selects is None else f"{cost.selects:.2f}"
            rows.append(
                f"{cost.way:10} {cost.nanoseconds:7,.0f} {switches:>27} {selects:>22}"
            )
        return "\n".join(rows)

    def svg(self) -> str:
        left = 110.0
        right = 700.0
        top = 60.0
        lowest = 10 ** int(log10(min(cost.nanoseconds for cost in self.costs)))
        decades = log10(max(cost.nanoseconds for cost in self.costs) / lowest) + 0.05
        bottom = top + 40 * len(self.costs)

        def x(nanoseconds: float) -> float:
            return left + (right - left) * log10(nanoseconds / lowest) / decades

        shapes = [
            svg.text(16, 28, "What a switch costs", "b"),
            svg.text(svg.WIDTH - 16, 28, "ns, logarithmic scale", "soft", "end"),
        ]
        for power in range(int(decades) + 1):
            mark = lowest * 10**power
            shapes.append(svg.line(x(mark), top - 8, x(mark), bottom))
            shapes.append(
                svg.text(x(mark), bottom + 16, f"{mark:,}", "small soft", "middle")
            )
        for n, cost in enumerate(self.costs):
            y = top + 40 * n
            factor = cost.nanoseconds / self.costs[0].nanoseconds
            width = max(x(cost.nanoseconds) - left, 2)
            words = f"{cost.nanoseconds:,.0f} ns" + f", {factor:.0f} times" * (n > 0)
            color = "note" if cost.way == "threads" else "run"
            shapes += [
                svg.text(left - 12, y + 19, cost.way, "mono b", "end"),
                svg.rect(left, y + 2, width, 26, color),
                svg.text(left + width + 8, y + 19, words, "small"),
            ]
        return svg.document("What a switch costs", bottom + 32, shapes)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what a switch costs.")
    parser.add_argument("--svg", type=Path, help="write the picture to this file, too")
    options = parser.parse_args()
    costs = measure()
    print(costs)
    if options.svg:
        try:
            options.svg.write_text(costs.svg(), encoding="utf-8")
        except OSError as error:
            parser.error(f"{options.svg} cannot be written: {error.strerror}")


if __name__ == "__main__":
    main()
