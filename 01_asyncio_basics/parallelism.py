"""Concurrency is not parallelism: four heavy computations in three ways, measured.

``python parallelism.py`` runs all three; it takes some two seconds.

Waiting can be shared by many in one thread; computing needs a processor for each.
Threads of one Python process take turns at the interpreter (its global lock), so they
compute no faster than one; processes have an interpreter each.
"""

import asyncio
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from time import perf_counter

PIECES = 4
ROUNDS = 3_500_000  # of one piece: about 0.2 s


def heavy(rounds: int = ROUNDS) -> int:
    """A computation that never waits. Other processes find it by its module's name."""
    total = 0
    for n in range(rounds):
        total += n & 3
    return total


def processors() -> int:
    """How many processors this process may use."""
    if sys.version_info >= (3, 13):
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


async def compute() -> int:
    return heavy()  # no await in it: it gives control back only by ending


async def one_piece() -> float:
    start = perf_counter()
    heavy()
    return say("one piece alone", start)


async def as_coroutines() -> float:
    start = perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(PIECES):
            group.create_task(compute())
    return say(f"{PIECES} pieces as coroutines", start)


async def in_worker_threads() -> float:
    start = perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(PIECES):
            group.create_task(asyncio.to_thread(heavy))
    return say(f"{PIECES} pieces in threads", start)


async def in_processes() -> float:
    workers = min(PIECES, processors())
    # "spawn" is the way that works alike on Linux, macOS and Windows, and in a process
    # that has threads: a new interpreter, which imports heavy from this module.
    spawn = multiprocessing.get_context("spawn")
    loop = asyncio.get_running_loop()
    start = perf_counter()
    with ProcessPoolExecutor(workers, mp_context=spawn) as pool:
        async with asyncio.TaskGroup() as group:  # one tiny piece each, to start them
            for _ in range(workers):
                group.create_task(in_pool(loop, pool, 1))
        say(f"{workers} processes started", start)
        start = perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(PIECES):
                group.create_task(in_pool(loop, pool, ROUNDS))
        return say(f"{PIECES} pieces in processes", start)


async def in_pool(
    loop: asyncio.AbstractEventLoop, pool: ProcessPoolExecutor, rounds: int
) -> int:
    return await loop.run_in_executor(pool, heavy, rounds)


def say(what: str, start: float) -> float:
    took = perf_counter() - start
    print(f"{what}: {took:.2f} s")
    return took


async def main() -> None:
    await one_piece()
    as_tasks = await as_coroutines()
    threads = await in_worker_threads()
    processes = await in_processes()
    print(f"threads: {as_tasks / threads:.1f} times as fast as coroutines")
    print(f"processes: {as_tasks / processes:.1f} times as fast as coroutines")
    if processors() == 1:
        print("This machine gives us one processor: nothing can be faster here.")
    else:
        print(f"This machine gives us {processors()} processors, if nobody else works.")


if __name__ == "__main__":  # a spawned process imports this file, and must not run it
    asyncio.run(main())
