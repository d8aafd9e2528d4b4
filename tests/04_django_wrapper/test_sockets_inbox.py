"""The inbox: bounds in messages, in bytes and in time, of one peer and of all."""

import asyncio

from sockets import waiting
from sockets.conf import Conf
from sockets.inbox import Inbox, Rate


class Clock:
    """Its time passes when a test says so."""

    now = 100.0

    def __call__(self):
        return self.now


def made(**conf):
    stopped = []
    return Inbox(Conf(**conf), lambda *answer: stopped.append(answer)), stopped


async def test_an_inbox_is_full_at_its_limit_of_bytes():
    inbox, _ = made(INBOX_BYTES=100_000)
    before = waiting.total
    inbox.put("x" * 60_000)  # the first one is not counted
    inbox.put("x" * 60_000)
    assert not inbox.is_full()
    inbox.put("x" * 60_000)
    assert inbox.is_full()
    inbox.take()
    assert not inbox.is_full()
    inbox.clear()
    assert waiting.total == before


async def test_all_inboxes_together_have_a_limit_and_each_has_one_message():
    before = waiting.total
    limit = before + 100_000
    inboxes = [made(WAITING_BYTES=limit)[0] for _ in range(10)]
    for inbox in inboxes:
        assert not inbox.is_full()  # however many wait elsewhere
        inbox.put("x" * 30_000)
        if not inbox.is_full():
            inbox.put("x" * 30_000)
    assert sum(len(inbox.messages) for inbox in inboxes) == 14
    assert waiting.total - before < 130_000
    for inbox in inboxes:
        inbox.clear()
    assert waiting.total == before


async def test_what_is_taken_one_by_one_leaves_nothing_counted():
    before = waiting.total
    inbox, _ = made()
    for size in (1, 1000, 10, 5000):
        inbox.put("é" * size)
    while inbox.messages:
        inbox.take()
    assert waiting.total == before


def test_silence_saves_up_one_burst_and_not_two():
    clock = Clock()
    rate = Rate(100, 10, clock)
    clock.now += 3600
    assert [rate.allows_one_more() for _ in range(202)].count(True) == 100


def test_a_rate_lets_its_messages_a_second_through_for_ever():
    clock = Clock()
    rate = Rate(5, 10, clock)
    for _ in range(1000):
        clock.now += 0.1
        assert rate.allows_one_more()


async def test_a_runner_waits_for_a_place_until_the_end_at_most():
    inbox, stopped = made(INBOX=1)
    inbox.put("x")
    waits = asyncio.create_task(inbox.place())
    await asyncio.sleep(0)
    inbox.no_more()
    await waits
    assert stopped == []


async def test_messages_that_wait_stay_under_their_bytes_after_many_tiny_ones(talk):
    go_on = asyncio.Semaphore(0)
    most = []

    async def handler(socket):
        await socket.accept()
        for _ in range(40):
            await go_on.acquire()
            most.append(sum(map(len, socket.inbox.messages)))
            await socket.receive()

    sockets = {"INBOX": 32, "INBOX_BYTES": 100_000}
    async with talk(handler, sockets=sockets) as client:
        for _ in range(32):
            await client.send("x")
        for _ in range(31):
            await client.send("x" * 20_000)
        for _ in range(40):
            for _ in range(10):
                await asyncio.sleep(0)  # the reader puts all that it can
            go_on.release()
        await client.closed()
    # One message may pass the limit, and the first one in line is not counted.
    assert max(most) <= 100_000 + 2 * 20_000
