"""Who comes back, or comes in the middle, gets all that was said, once and in order."""

import asyncio
import json
import time

import pytest

from tests.support.cluster import Page, alive, all_have, cluster
from tests.support.peers import websocket
from tests.support.redis_server import running_redis


@pytest.fixture(scope="module")
def workers(database, tmp_path_factory):
    with running_redis(tmp_path_factory.mktemp("redis")) as redis:
        with cluster(2, database, REDIS_URL=redis.url) as workers:
            yield workers
            assert all("Traceback" not in worker.log for worker in workers)


def history(worker, room, query):
    """What one is told who comes in: the welcome, and the messages' ids."""
    with websocket(worker, f"/ws/rooms/{room}/{query}") as client:
        welcome = json.loads(client.recv(timeout=60))
        ids = []
        while not ids or ids[-1] < welcome["last"]:
            said = json.loads(client.recv(timeout=60))
            if said["type"] == "message":
                ids.append(said["id"])
            elif said["type"] == "presence":
                break  # it comes after the history
        return welcome, ids


@pytest.mark.parametrize(
    "after",
    [
        *(None, "", "x", "-1", "1.5", "%00", "9" * 400),
        *("the first", "the last but 200", "the last", "the next", "another room's"),
    ],
)
def test_an_offset_gives_all_that_came_after_it_or_the_last_page(
    workers, stored, after
):
    ids = stored["ids"]
    places = {
        "the first": ids[0],
        "the last but 200": ids[-201],
        "the last": ids[-1],
        "the next": ids[-1] + 1,
        "another room's": stored["foreign"],
    }
    after = places.get(after, after)
    query = "" if after is None else f"?after={after}"
    welcome, given = history(workers[0], "full", query)
    assert welcome["last"] == ids[-1]
    if welcome["recovered"]:
        assert given == [number for number in ids if number > after]
    else:
        assert given == ids[-50:]
    assert welcome["recovered"] == (after in (ids[-201], ids[-1]))


async def test_who_comes_in_the_middle_hears_all_once_and_in_order(workers):
    pages = [Page(workers, "empty-1") for _ in range(40)]
    texts = [f"message {number}" for number in range(80)]
    async with alive(pages[:2]) as begin:
        for number, text in enumerate(texts):
            await pages[number % 2].say(text)
            if number % 2 and number < 77:
                begin(pages[(number + 3) // 2])
        await all_have(pages, texts)


async def test_500_who_come_back_at_once_have_missed_nothing(workers):
    """In ten rooms: a room tells each who is there whenever somebody comes."""
    rooms = [
        [Page(workers, f"empty-{number}") for _ in range(50)]
        for number in range(10, 20)
    ]
    texts = [f"message {number}" for number in range(5)]
    async with alive([page for room in rooms for page in room]):
        async with asyncio.TaskGroup() as tasks:
            for first, *others in rooms:
                for page in others:
                    tasks.create_task(page.lose(1, silently=False))
                for text in texts:
                    await first.say(text)
        began = time.monotonic()
        for room in rooms:
            await all_have(room, texts)
        print(f"500 are back, and have all, after {time.monotonic() - began:.1f} s")
