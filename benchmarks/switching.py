"""The cost of a switch from one coroutine to another, in four ways; no network.

Two take turns, so each step is a switch. By hand it is a function call; stage 02's
loop and asyncio have a queue of what is ready between them, and asyncio asks the
operating system for news in every turn; threads need the operating system's scheduler.
"""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1] / "02_coroutines"))

import tiny_loop
from switch_cost import between_threads, give_way

try:
    import uvloop
except ImportError:  # Windows has none
    uvloop = None  # type: ignore[assignment]


async def by_turns(switches: int, way: Callable[[], Any]) -> None:
    for _ in range(switches // 2):
        await way()


def by_hand(switches: int) -> None:
    one = by_turns(switches, give_way)
    other = by_turns(switches, give_way)
    for _ in range(switches // 2):
        one.send(None)
        other.send(None)
    one.close()
    other.close()


def on_tiny_loop(switches: int) -> None:
    async def main() -> None:
        other = tiny_loop.create_task(by_turns(switches, lambda: tiny_loop.sleep(0)))
        await by_turns(switches, lambda: tiny_loop.sleep(0))
        await other

    tiny_loop.run(main())


async def _on_asyncio(switches: int) -> None:
    other = asyncio.create_task(by_turns(switches, lambda: asyncio.sleep(0)))
    await by_turns(switches, lambda: asyncio.sleep(0))
    await other


def on_asyncio(switches: int) -> None:
    asyncio.run(_on_asyncio(switches))


def on_uvloop(switches: int) -> None:
    uvloop.run(_on_asyncio(switches))


WAYS: dict[str, Callable[[int], object]] = {
    "asyncio": on_asyncio,
    "coroutine.send by hand": by_hand,
    "stage 02's loop": on_tiny_loop,
}
if uvloop is not None:
    WAYS["uvloop"] = on_uvloop
WAYS["threads"] = between_threads


def measure(way: str, switches: int) -> dict[str, float]:
    """Nanoseconds for one switch."""
    start = perf_counter()
    WAYS[way](switches)
    return {"ns": (perf_counter() - start) / switches * 1e9, "messages": switches}
