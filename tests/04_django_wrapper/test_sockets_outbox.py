"""The outbox: what a server's ``send`` does when a peer does not read, and what we do.

A server is played by a coroutine here, the only thing of it that an outbox knows.
"""

import asyncio
import contextvars

import pytest
from sockets import servers, waiting
from sockets.conf import Conf
from sockets.outbox import Outbox

from tests.support import fake_clock

variable = contextvars.ContextVar("variable", default="nobody's")


def message(text):
    return {"type": "websocket.send", "text": str(text)}


GOODBYE = {"type": "websocket.close", "code": 1000, "reason": "goodbye"}


class Peer:
    """A server's ``send``, for a peer that takes events while its gate is open."""

    def __init__(self, send=None, at_once=True, transport=None, **conf):
        self.gate = asyncio.Event()
        self.gate.set()
        self.got = []
        self.stopped = []
        self.outbox = Outbox(
            send or self.send,
            Conf(**conf),
            lambda *answer: self.stopped.append(answer),
            at_once=at_once,
            transport=transport,
        )

    async def send(self, event):
        while not self.gate.is_set():
            await self.gate.wait()
        self.got.append(event.get("text") or event.get("reason"))

    def put(self, *texts):
        for text in texts:
            self.outbox.put(message(text))


async def test_a_peer_that_reads_has_its_event_before_put_returns():
    peer = Peer()
    peer.put(1)
    assert peer.got == ["1"]
    assert not peer.outbox.behind
    assert peer.outbox.writer is None


async def test_events_for_a_peer_that_is_behind_wait_in_line():
    peer = Peer()
    peer.gate.clear()
    peer.put(0, 1, 2, 3, 4)
    assert peer.got == []
    assert peer.outbox.behind
    peer.gate.set()
    await peer.outbox.flushed()
    assert peer.got == ["0", "1", "2", "3", "4"]
    await peer.outbox.writer
    assert not peer.outbox.behind
    peer.put(5)
    assert peer.got[-1] == "5"


async def test_a_send_that_waits_several_times_goes_on_where_it_stands():
    steps = []
    gates = [asyncio.Event() for _ in range(3)]

    async def send(event):
        for number, gate in enumerate(gates):
            steps.append(number)
            assert await gate.wait() is True  # what it waits for comes back to it
            await asyncio.sleep(0)
        steps.append(event["text"])

    peer = Peer(send)
    peer.put("sent")
    assert steps == [0]
    for gate in gates:
        gate.set()
    await peer.outbox.flushed()
    assert steps == [0, 1, 2, "sent"]


async def test_a_send_that_only_gives_way_is_finished_too():
    sent = []

    async def send(event):
        await asyncio.sleep(0)
        sent.append(event["text"])

    peer = Peer(send)
    peer.put(1, 2)
    await peer.outbox.flushed()
    assert sent == ["1", "2"]


async def test_an_error_in_what_a_send_waits_for_reaches_the_send():
    failed = asyncio.get_running_loop().create_future()
    caught = []

    async def send(event):
        try:
            await failed
        except ValueError as error:
            caught.append(error)

    peer = Peer(send)
    peer.put("event")
    failed.set_exception(ValueError())
    await peer.outbox.flushed()
    assert len(caught) == 1


async def test_a_cancellation_reaches_the_send_where_it_waits():
    ended = []

    async def send(event):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append(event["text"])
            raise

    peer = Peer(send)
    peer.put("event")
    await asyncio.sleep(0)  # the writer takes over
    peer.outbox.drop()
    await asyncio.wait([peer.outbox.writer])
    assert ended == ["event"]


@pytest.mark.parametrize("error", [ConnectionResetError, RuntimeError])
@pytest.mark.parametrize("at_once", [True, False])
async def test_a_server_that_refuses_an_event_disturbs_nobody(error, at_once):
    async def send(event):
        raise error("the websocket is closed")

    peer = Peer(send, at_once)
    peer.put("event")
    await peer.outbox.flushed()
    peer.outbox.say_goodbye([GOODBYE])
    await peer.outbox.flushed()
    assert peer.stopped == []


async def test_the_event_over_the_limit_ends_the_websocket_with_1013():
    peer = Peer(OUTBOX=3)
    peer.gate.clear()
    peer.put(0, 1, 2, 3)  # one on its way, three in line
    assert peer.stopped == []
    peer.put(4)
    assert peer.stopped == [(1013, "too many messages wait for you")]


async def test_bytes_over_the_limit_end_the_websocket_with_1013():
    peer = Peer(OUTBOX_BYTES=300_000)
    peer.gate.clear()
    peer.put("x" * 1_000_000)  # the one that is on its way counts for nothing
    peer.put("x" * 100_000, "x" * 100_000)
    assert peer.stopped == []
    peer.put("x" * 100_000)
    assert peer.stopped == [(1013, "too many messages wait for you")]


async def test_bytes_of_all_peers_together_have_a_limit_too():
    before = waiting.total
    peers = [Peer(WAITING_BYTES=before + 500_000) for _ in range(10)]
    for peer in peers:
        peer.gate.clear()
        peer.put("on its way", "x" * 100_000, "x" * 100_000)
    stopped = [peer for peer in peers if peer.stopped]
    assert 6 <= len(stopped) <= 8
    for peer in peers:
        peer.outbox.drop()
    assert waiting.total == before


async def test_an_event_that_takes_too_long_ends_the_websocket_with_1013():
    peer = Peer(SEND_SECONDS=0.01)
    peer.gate.clear()
    peer.put(1)
    await peer.outbox.flushed()
    await peer.outbox.writer
    assert peer.stopped == [(1013, "you do not read")]
    peer.gate.set()
    peer.put(2)  # and nobody tries again
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
        peer.put(0, 1, 2, 3)  # together longer than the time that one may take
        await peer.outbox.flushed()
        assert peer.got == ["0", "1", "2", "3"]
        assert peer.stopped == []

    fake_clock.run(program())


async def test_a_sender_waits_for_its_own_event_and_not_for_later_ones():
    peer = Peer()
    turns = asyncio.Semaphore(0)

    async def send(event):
        await turns.acquire()
        peer.got.append(event["text"])

    peer.outbox.send = send
    peer.put("before", "mine")
    mine = asyncio.create_task(peer.outbox.flushed())
    await asyncio.sleep(0)  # it waits now
    peer.put("a busy group", "a busy group")
    turns.release()
    turns.release()
    await mine
    assert peer.got == ["before", "mine"]
    assert peer.outbox.behind
    peer.outbox.drop()


# The goodbye


async def test_the_goodbye_comes_after_all_that_waits():
    peer = Peer()
    peer.gate.clear()
    peer.put(0, 1, 2)
    peer.outbox.say_goodbye([GOODBYE])
    peer.put("after the end")
    peer.outbox.say_goodbye([GOODBYE])
    peer.gate.set()
    await peer.outbox.flushed()
    assert peer.got == ["0", "1", "2", "goodbye"]
    assert peer.outbox.sent == 3  # a goodbye is no message


async def test_the_goodbye_of_a_peer_that_reads_is_sent_by_the_writer():
    """So a server may wait for the peer's half of it, with a time-out of its own."""
    peer = Peer()

    async def send(event):
        async with asyncio.timeout(1):
            peer.got.append(event["reason"])

    peer.outbox.send = send
    loop = asyncio.get_running_loop()
    loop.call_soon(peer.outbox.say_goodbye, [GOODBYE])  # where there is no task
    await asyncio.sleep(0)
    peer.put("too late")
    await peer.outbox.flushed()
    assert peer.got == ["goodbye"]


async def test_the_goodbye_waits_no_longer_than_the_time_that_is_left():
    peer = Peer(SEND_SECONDS=0.02)
    peer.gate.clear()
    peer.put("never read", "nor this")
    peer.outbox.say_goodbye([GOODBYE])
    async with asyncio.timeout(5):
        await peer.outbox.flushed()
    assert peer.got == []
    assert peer.outbox.dead


def test_the_goodbye_has_the_time_of_the_event_that_is_on_its_way():
    async def program():
        peer = Peer(SEND_SECONDS=5)
        take = asyncio.Queue()

        async def send(event):
            await take.get()
            peer.got.append(event.get("text") or event.get("reason"))

        peer.outbox.send = send
        peer.put("slow", "next")
        await asyncio.sleep(3)
        take.put_nowait(None)
        await asyncio.sleep(1)
        peer.outbox.say_goodbye([GOODBYE])
        take.put_nowait(None)
        await peer.outbox.flushed()
        assert peer.got == ["slow", "next"]
        return asyncio.get_running_loop().time()

    # "next" began at 3, and what follows it has no more time than it has.
    assert fake_clock.run(program()) == 8


async def test_a_peer_that_has_left_gets_nothing_more():
    peer = Peer()
    peer.gate.clear()
    peer.put("on its way", "in line")
    peer.outbox.drop()
    peer.gate.set()
    await asyncio.wait([peer.outbox.writer])
    assert peer.got == []
    assert peer.outbox.line == []


async def test_a_goodbye_that_is_on_its_way_has_a_moment_after_the_peer_has_left():
    peer = Peer(SEND_SECONDS=60, LEAVE_SECONDS=0.01)
    peer.gate.clear()
    peer.put("stalled")
    peer.outbox.say_goodbye([GOODBYE])
    peer.outbox.drop()
    assert not peer.outbox.dead
    async with asyncio.timeout(5):
        await peer.outbox.flushed()
    assert peer.outbox.dead


async def test_a_close_code_that_daphne_does_not_know_goes_out_3000_higher():
    """daphne lets applications send 1000 and 3000 to 4999 only."""
    sent = []

    async def send(event):
        if event["code"] == 1011:
            raise Exception("invalid close code 1011")
        sent.append(event)

    peer = Peer(send)
    event = {"type": "websocket.close", "code": 1011, "reason": ""}
    peer.outbox.say_goodbye([event])
    await peer.outbox.flushed()
    assert sent == [{"type": "websocket.close", "code": 4011, "reason": ""}]


async def test_an_error_of_a_server_at_the_goodbye_is_logged_and_hurts_nobody(caplog):
    async def send(event):
        raise ValueError("no")

    peer = Peer(send)
    peer.outbox.say_goodbye([GOODBYE])
    await peer.outbox.flushed()
    [record] = caplog.records
    assert record.exc_info[0] is ValueError


@pytest.mark.parametrize("error", [ConnectionResetError, ValueError])
def test_a_goodbye_that_fails_is_not_called_stalled_later(error, caplog, monkeypatch):
    monkeypatch.setattr(servers, "_has_warned", False)

    async def program():
        async def send(event):
            raise error

        peer = Peer(send, SEND_SECONDS=10)
        peer.outbox.say_goodbye([GOODBYE])
        await peer.outbox.flushed()
        await asyncio.sleep(20)

    fake_clock.run(program())
    assert "does not read" not in caplog.text


async def test_a_goodbye_that_the_server_cannot_send_cuts_off_the_connection():
    aborted = asyncio.Event()

    class Transport:
        def abort(self):
            aborted.set()

    async def send(event):
        raise ValueError

    peer = Peer(send, SEND_SECONDS=0.01, transport=Transport())
    peer.outbox.say_goodbye([GOODBYE])
    await asyncio.wait_for(aborted.wait(), 30)


async def test_an_outbox_whose_writer_was_cancelled_leaves_nothing_counted():
    before = waiting.total
    peer = Peer()
    peer.gate.clear()
    peer.put("on its way", "in line")
    peer.outbox.writer.cancel()
    await asyncio.wait([peer.outbox.writer])
    assert waiting.total > before
    peer.outbox.end()
    assert waiting.total == before
    await peer.outbox.flushed()


# A ``send`` that middleware has wrapped


async def test_a_wrapped_send_runs_in_one_task_and_in_its_own_context():
    seen = []
    variable.set("the receiver's")

    async def send(event):
        before = asyncio.current_task()
        token = variable.set("the middleware's")
        await asyncio.sleep(0)
        variable.reset(token)  # ValueError in any other context
        seen.append((variable.get(), asyncio.current_task() is before))

    peer = Peer(send, at_once=False)

    async def publish():
        variable.set("the publisher's")
        peer.put("news")
        await peer.outbox.flushed()
        return variable.get()

    assert await asyncio.create_task(publish()) == "the publisher's"
    assert seen == [("the receiver's", True)]
    assert peer.stopped == []


async def test_a_time_out_of_a_wrapped_send_ends_the_slow_peer_only():
    async def send(event):
        async with asyncio.timeout(0.01):
            await asyncio.Event().wait()

    peer = Peer(send, at_once=False)

    async def publish():
        peer.put("news")
        await asyncio.sleep(0.05)
        return "goes on"

    assert await asyncio.create_task(publish()) == "goes on"
    assert peer.stopped == [(1013, "you do not read")]


async def test_an_event_that_cannot_be_sent_ends_its_own_websocket(caplog):
    async def send(event):
        event["text"].encode()

    peer = Peer(send, at_once=False)
    peer.put("\ud800")
    await peer.outbox.flushed()
    await peer.outbox.writer
    assert peer.stopped == [(1011, "")]
    [record] = caplog.records
    assert record.exc_info[0] is UnicodeEncodeError
