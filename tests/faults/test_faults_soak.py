"""Hours of coming and going, and nothing grows.

Three seconds of it always; with SOAK in the environment, so many seconds:
``SOAK=3600 python -m pytest tests/faults/test_faults_soak.py -s``.
"""

import asyncio
import json
import os
import random
import time
from collections import Counter
from contextlib import suppress
from statistics import linear_regression

import psutil
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.support.cluster import Page, cluster
from tests.support.peers import idle, until_held
from tests.support.redis_server import running_redis

SECONDS = float(os.environ.get("SOAK", "3"))
PAGES = 20  # that stay, but for a second now and then
SAMPLES = 60
# By how much what all workers hold together may have grown in the second half.
GROWTH = {
    "tasks": 10,
    "members": 10,
    "connections to the database": 4,
    "open files": 12,
    "open sockets": 10,
    "threads": 4,
    "MB": 4,
}


def address(worker, path):
    return worker.url.replace("http", "ws", 1) + path


async def come_and_go(workers):
    """One visitor after the other: with the ORM, in a group, or just gone."""
    while True:
        path = random.choice(["/users/", "/room/lobby/", "/echo/"])
        worker = random.choice(workers)
        with suppress(ConnectionClosed, InvalidHandshake, OSError):
            async with connect(address(worker, path)) as client:
                await client.send("hello")
                await client.recv()
                if random.random() < 1 / 3:
                    client.transport.abort()
        await asyncio.sleep(0.2)


async def be_cut_off(page):
    while True:
        await asyncio.sleep(random.uniform(1, 10))
        await page.lose(0.5, silently=random.random() < 0.5)


async def talk(pages, said):
    while True:
        said.append(f"message {len(said)}")
        await random.choice(pages).say(said[-1])
        await asyncio.sleep(0.2)


async def sample(workers):
    """What the workers hold now, together."""
    total = Counter()
    for worker in workers:
        async with connect(address(worker, "/numbers/")) as client:
            await client.send("?")
            numbers = json.loads(await client.recv())
        process = psutil.Process(numbers.pop("process"))
        total.update(numbers)
        total["threads"] += process.num_threads()
        total["MB"] += process.memory_info().rss / 1e6
    return total


def growth_of(samples, seconds):
    """By how much each number has grown in the second half, by its slope."""
    half = samples[len(samples) // 2 :]
    times = [at for at, _ in half]
    return {
        name: linear_regression(times, [n[name] for _, n in half]).slope * seconds / 2
        for name in GROWTH
    }


def check_growth(samples):
    """Print what was held in the second half; no slope may be too steep."""
    growth = growth_of(samples, SECONDS)
    for name in GROWTH:
        values = [numbers[name] for _, numbers in samples[len(samples) // 2 :]]
        ends = f"{values[0]:.1f} … {values[-1]:.1f}, most {max(values):.1f}"
        print(f"{name}: {ends}, by its slope {growth[name]:+.2f}")
    assert all(growth[name] <= most for name, most in GROWTH.items())


@pytest.fixture
def workers(database, tmp_path):
    with running_redis(tmp_path) as redis:
        with cluster(2, database, REDIS_URL=redis.url) as workers:
            yield workers


async def test_nothing_grows_while_connections_come_and_go(workers):
    before = [idle(worker) for worker in workers]
    pages, said = [Page(workers, "lobby") for _ in range(PAGES)], []
    samples = []
    end = time.monotonic() + SECONDS
    jobs = [
        *(page.live() for page in pages),
        *(be_cut_off(page) for page in pages),
        *(come_and_go(workers) for _ in range(4)),
        talk(pages, said),
    ]
    jobs = [asyncio.create_task(job) for job in jobs]
    while (now := time.monotonic()) < end:
        samples.append((now, await sample(workers)))
        await asyncio.sleep(SECONDS / SAMPLES)
    for job in jobs:
        job.cancel()
    ended = await asyncio.gather(*jobs, return_exceptions=True)
    assert all(isinstance(error, asyncio.CancelledError) for error in ended), ended
    print(f"\n{SECONDS:.0f} s, {len(said)} messages, {len(samples)} samples")
    if SECONDS >= 60:  # in a shorter time, chance weighs more than a slope
        check_growth(samples)
    for worker, then in zip(workers, before, strict=True):
        until_held(worker, then)
        assert "Traceback" not in worker.log
