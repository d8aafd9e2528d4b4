"""The outbox: what a server's ``send`` does when a peer does not read, and what we do.

A server is played by a coroutine here, the only thing of it that an outbox knows.
"""

import asyncio

import pytest
from sockets.conf import Conf
from sockets.outbox import Outbox

from tests.support import fake_clock


class Peer:
    """A server's ``send``, for a peer that takes events while its gate is open."""

    def __init__(self, **conf):
        self.gate = asyncio.Event()
        self.gate.set()
        self.got = []
        self.stopped = []
        self.outbox = Outbox(
            self.send, Conf(**conf), lambda *answer: self.stopped.append(answer)
        )

    async def send(self, event):
        while not self.gate.is_set():
            await self.gate.wait()
        self.got.append(event)


async def test_a_peer_that_reads_has_its_event_before_put_returns():
    peer = Peer()
    peer.outbox.put(1)
    assert peer.got == [1]
    assert peer.outbox.writer is None


async def test_events_for_a_peer_that_is_behind_wait_in_line():
    peer = Peer()
    peer.gate.clear()
    for event in range(5):
        peer.outbox.put(event)
    assert peer.got == []
    peer.gate.set()
    await peer.outbox.flushed()
    assert peer.got == [0, 1, 2, 3, 4]
    assert peer.outbox.writer is None
    peer.outbox.put(5)
    assert peer.got[-1] == 5


async def test_a_send_that_waits_several_times_goes_on_where_it_stands():
    outbox, steps, gates = None, [], [asyncio.Event() for _ in range(3)]

    async def send(event):
        for number, gate in enumerate(gates):
            steps.append(number)
            assert await gate.wait() is True  # what it waits for comes back to it
            await asyncio.sleep(0)
        steps.append(event)

    outbox = Outbox(send, Conf(), None)
    outbox.put("sent")
    assert steps == [0]
    for gate in gates:
        gate.set()
    await outbox.flushed()
    assert steps == [0, 1, 2, "sent"]


async def test_a_send_that_only_gives_way_is_finished_too():
    sent = []

    async def send(event):
        await asyncio.sleep(0)
        sent.append(event)

    outbox = Outbox(send, Conf(), None)
    outbox.put(1)
    outbox.put(2)
    await outbox.flushed()
    assert sent == [1, 2]


async def test_an_error_in_what_a_send_waits_for_reaches_the_send():
    failed = asyncio.get_running_loop().create_future()
    caught = []

    async def send(event):
        try:
            await failed
        except ValueError as error:
            caught.append(error)

    outbox = Outbox(send, Conf(), None)
    outbox.put("event")
    failed.set_exception(ValueError())
    await outbox.flushed()
    assert len(caught) == 1


async def test_a_cancellation_reaches_the_send_where_it_waits():
    ended = []

    async def send(event):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append(event)
            raise

    outbox = Outbox(send, Conf(), None)
    outbox.put("event")
    await asyncio.sleep(0)  # the writer takes over
    await outbox.end(None)
    assert ended == ["event"]


@pytest.mark.parametrize("error", [ConnectionResetError, RuntimeError])
async def test_a_server_that_refuses_an_event_disturbs_nobody(error):
    async def send(event):
        raise error("the websocket is closed")

    outbox = Outbox(send, Conf(), None)
    outbox.put("event")
    await outbox.flushed()
    await outbox.end("close")


async def test_the_event_over_the_limit_ends_the_websocket_with_1013():
    peer = Peer(OUTBOX=3)
    peer.gate.clear()
    for event in range(4):  # one on its way, three in line
        peer.outbox.put(event)
    assert peer.stopped == []
    peer.outbox.put(4)
    assert peer.stopped == [(1013, "you read too slowly")]


async def test_an_event_that_takes_too_long_ends_the_websocket_with_1013():
    peer = Peer(SEND_SECONDS=0.01)
    peer.gate.clear()
    peer.outbox.put(1)
    await peer.outbox.flushed()
    assert peer.stopped == [(1013, "you do not read")]
    peer.gate.set()
    peer.outbox.put(2)  # and nobody tries again
    await asyncio.sleep(0)
    assert peer.got == []


def test_each_event_has_its_own_time():
    async def program():
        peer = Peer(SEND_SECONDS=3)
        slow = peer.send

        async def send(event):
            await asyncio.sleep(1)
            await slow(event)

        peer.outbox.send = send
        for event in range(4):  # together longer than the time that one may take
            peer.outbox.put(event)
        await peer.outbox.flushed()
        assert peer.got == [0, 1, 2, 3]
        assert peer.stopped == []

    fake_clock.run(program())


async def test_the_end_drops_what_waits_and_sends_the_last_event():
    peer = Peer()
    peer.gate.clear()
    for event in range(3):
        peer.outbox.put(event)
    ending = asyncio.create_task(peer.outbox.end("goodbye"))
    await asyncio.sleep(0)
    peer.gate.set()
    await ending
    assert peer.got == ["goodbye"]
    peer.outbox.put("after the end")
    await peer.outbox.end("a second end")
    assert peer.got == ["goodbye"]


def test_the_end_waits_no_longer_than_the_time_that_is_left():
    async def program():
        peer = Peer(SEND_SECONDS=5)
        peer.gate.clear()
        peer.outbox.put("never read")
        await asyncio.sleep(2)
        await peer.outbox.end("goodbye")
        assert peer.got == []
        return asyncio.get_running_loop().time()

    assert fake_clock.run(program()) <= 5


async def test_the_end_has_its_time_even_where_the_writer_has_not_begun():
    peer = Peer()
    gate = asyncio.Event()

    async def send(event):
        await gate.wait()
        peer.got.append(event)

    peer.outbox.send = send
    peer.outbox.put("dropped")
    asyncio.get_running_loop().call_later(0.01, gate.set)
    await peer.outbox.end("goodbye")
    assert peer.got == ["goodbye"]


async def test_a_close_code_that_the_server_does_not_know_goes_out_3000_higher():
    """daphne lets applications send 1000 and 3000 to 4999 only."""
    sent = []

    async def send(event):
        if event["code"] == 1011:
            raise Exception("invalid close code 1011")
        sent.append(event)

    outbox = Outbox(send, Conf(), None)
    await outbox.end({"type": "websocket.close", "code": 1011, "reason": ""})
    assert sent == [{"type": "websocket.close", "code": 4011, "reason": ""}]


async def test_nothing_goes_out_after_the_end():
    peer = Peer()
    await peer.outbox.end("goodbye")
    peer.outbox.put("too late")
    assert peer.got == ["goodbye"]


def test_the_end_counts_the_time_of_the_present_event_only():
    async def program():
        peer = Peer(SEND_SECONDS=3)
        take = asyncio.Queue()

        async def send(event):
            await take.get()
            peer.got.append(event)

        peer.outbox.send = send
        peer.outbox.put("slow")
        peer.outbox.put("dropped")
        loop = asyncio.get_running_loop()
        loop.call_later(2, take.put_nowait, None)
        while not peer.got:
            await asyncio.sleep(0.001)
        loop.call_later(2, take.put_nowait, None)  # 4 s after the first began
        await peer.outbox.end("goodbye")
        assert peer.got == ["slow", "goodbye"]

    fake_clock.run(program())
