"""Networks that fail for two seconds, again and again, while a worker and Redis die.

A short form always; with DROPS=long in the environment 100 people, four workers and 60
seconds: ``DROPS=long python -m pytest tests/faults/test_faults_drops.py -s``.
"""

import asyncio
import os
import random
import sys
import time
from typing import NamedTuple

import pytest

from tests.support.cluster import Page, alive, all_have, cluster
from tests.support.redis_server import running_redis

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no redis-server and no SIGKILL"
)


class Form(NamedTuple):
    people: int
    workers: int
    seconds: float
    drop: float  # seconds without a network
    between: float  # seconds with one, at most
    pause: float  # seconds between two messages


FORM = (
    Form(people=100, workers=4, seconds=60, drop=2, between=5, pause=0.1)
    if os.environ.get("DROPS") == "long"
    else Form(people=20, workers=2, seconds=5, drop=1, between=1.5, pause=0.05)
)


async def test_whoever_loses_the_network_gets_every_message_once_and_in_order(
    database, tmp_path
):
    async def be_cut_off(page):
        while time.monotonic() < end:
            await asyncio.sleep(random.uniform(0.2, FORM.between))
            await page.lose(FORM.drop, silently=random.random() < 0.5)

    async def talk():
        while time.monotonic() < end:
            texts.append(f"message {len(texts)}")
            await random.choice(pages).say(texts[-1])
            await asyncio.sleep(FORM.pause)

    async def break_things():
        await asyncio.sleep(FORM.seconds / 4)
        workers.pop().process.kill()
        await asyncio.sleep(FORM.seconds / 4)
        redis.kill()
        await asyncio.sleep(FORM.seconds / 8)
        redis.start()

    texts = []
    with (
        running_redis(tmp_path) as redis,
        cluster(FORM.workers, database, REDIS_URL=redis.url) as workers,
    ):
        pages = [Page(workers, "empty-7") for _ in range(FORM.people)]
        async with alive(pages):
            end = time.monotonic() + FORM.seconds
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(talk())
                tasks.create_task(break_things())
                for page in pages:
                    tasks.create_task(be_cut_off(page))
            try:
                await all_have(pages, texts)
            finally:
                sent = len(texts) * len(pages)
                delivered = sum(len({*page.texts} & {*texts}) for page in pages)
                share = f"{delivered} of {sent}, {delivered / sent:.2%}"
                drops = sum(page.drops for page in pages)
                print(f"{len(pages)} people, {drops} drops: delivered {share}")
        assert all("Traceback" not in worker.log for worker in workers)
