"""Several workers and a Redis: one of them dies, stalls or loses its connection, and
nobody in the chat loses a message."""

import asyncio
import random
import sys
import time

import pytest

from tests.support.cluster import Page, alive, all_have, cluster
from tests.support.redis_server import running_redis

AHEAD = 100  # messages that have been said, and that somebody has not heard yet
posix = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no redis-server and no SIGKILL"
)


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def workers(database, redis):
    with cluster(2, database, REDIS_URL=redis.url) as workers:
        yield workers
        assert all("Traceback" not in worker.log for worker in workers)


def people(workers, room):
    """Ten at each worker."""
    return [Page([worker], room) for worker in workers for _ in range(10)]


class Talk:
    """People who talk for the length of a block: ``texts`` is what they have said.

    At its end all of it is stored.
    """

    def __init__(self, pages):
        self.pages, self.texts, self.ended = pages, [], False

    async def __aenter__(self):
        self.task = asyncio.create_task(self._talk())
        return self

    async def __aexit__(self, *_):
        self.ended = True
        await self.task
        for page in self.pages:
            await page.until(lambda page=page: not page.unsent)

    async def _talk(self):
        """On a slow machine more slowly: nobody writes what the others cannot read."""
        while not self.ended:
            unread = len(self.texts) - min(len(page.ids) for page in self.pages)
            if unread < AHEAD:
                await self._say(random.choice(self.pages))
            await asyncio.sleep(0.02)

    async def _say(self, page):
        self.texts.append(f"message {len(self.texts)}")
        await page.say(self.texts[-1])

    async def last_word(self):
        """One message each of the last and of the first page.

        Then the first worker has all, and the other one lacks the last message only,
        with none after it that would show the gap.
        """
        for page in (self.pages[-1], self.pages[0]):
            await self._say(page)
            await page.until(lambda page=page: len(page.ids) == len(self.texts))

    async def goes_on(self, count):
        """Wait until everybody has heard so many more."""
        most = len(self.texts) + count
        for page in self.pages:
            await page.until(lambda page=page: len(page.ids) >= most)


async def all_tell(workers, *, away):
    """Wait until each worker's last word of Redis is that it is away, or back."""

    def is_away(worker):
        return worker.log.rfind("Redis is away") > worker.log.rfind("Redis is back")

    async with asyncio.timeout(300):
        while any(is_away(worker) != away for worker in workers):
            await asyncio.sleep(0.05)  # nothing tells it but the log


@posix
@pytest.mark.parametrize(
    ("end", "room"), [("kill", "empty-2"), ("terminate", "empty-3")]
)
async def test_a_worker_that_ends_in_mid_broadcast_takes_no_message_with_it(
    database, redis, end, room
):
    with cluster(2, database, REDIS_URL=redis.url) as workers:
        pages = [Page(workers, room) for _ in range(20)]
        async with alive(pages):
            async with Talk(pages) as talk:
                await talk.goes_on(20)
                getattr(workers.pop().process, end)()
                began = time.monotonic()
                await talk.goes_on(50)
            await all_have(pages, talk.texts)
        print(f"all are back after {time.monotonic() - began:.1f} s")


@posix
async def test_a_redis_that_is_killed_and_begins_empty_costs_no_message(workers, redis):
    pages = people(workers, "empty-4")
    async with alive(pages):
        async with Talk(pages) as talk:
            await talk.goes_on(20)
            redis.kill()
            heard = len(pages[0].ids)
            await pages[0].until(lambda: len(pages[0].ids) > heard + 10)
        await talk.last_word()
        redis.start()
        await all_have(pages, talk.texts)


@posix
async def test_a_redis_that_is_stopped_until_all_notice_costs_no_message(
    workers, redis
):
    pages = people(workers, "empty-5")
    async with alive(pages):
        async with Talk(pages) as talk:
            await talk.goes_on(20)
            await all_tell(workers, away=False)  # of the test before this one
            redis.pause()
            await all_tell(workers, away=True)
        await talk.last_word()
        assert talk.texts[-1] not in pages[-1].texts
        redis.resume()
        await all_have(pages, talk.texts)


@posix
async def test_a_redis_that_cuts_the_subscribers_off_costs_no_message(workers, redis):
    pages = people(workers, "empty-6")
    async with alive(pages):
        async with Talk(pages) as talk:
            killed = 0  # a worker may not be back yet
            while killed < 10:
                await talk.goes_on(10)
                killed += redis.command("CLIENT", "KILL", "TYPE", "pubsub")
        await talk.last_word()
        await all_have(pages, talk.texts)
