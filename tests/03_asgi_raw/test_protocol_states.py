"""Stage 03's server: each state of a websocket, against each event that can come.

A websocket has two ends and a server between them, so an event comes from the
application, from the peer, or from the server that is stopped. After the event the
application returns (if it has not), the peer answers a close frame (if it has not), and
all that the server has written since is read to its end.

RFC 6455: 5.5.1 (nothing follows a close frame, a close frame is answered by one), 5.5.2
(a ping is answered until a close frame has come), 7.1.7 (fail the connection).
"""

import asyncio
import contextlib

import pytest
from frames import (
    Frame,
    NotWholeError,
    Opcode,
    close_payload,
    close_reason,
    decode,
    encode,
)

from tests.support.raw_peer import KEY, Peer, raw, served

STATES = {
    "connecting": "the application has not answered the handshake",
    "open": "it has accepted",
    "closing": "it has closed; the peer has not answered yet",
    "stopping": "the server has closed; the peer has not answered yet",
    "closed": "the peer has closed; the server has answered",
    "gone": "the peer has left without a close frame",
}
ACCEPT = {"type": "websocket.accept"}
TEXT = {"type": "websocket.send", "text": "hello"}
CLOSE = {"type": "websocket.close", "code": 4000}
DENY = [
    {"type": "websocket.http.response.start", "status": 404, "headers": []},
    {"type": "websocket.http.response.body", "body": b""},
]
BY_APPLICATION = {
    "the application accepts": [ACCEPT],
    "the application sends": [TEXT],
    "the application closes": [CLOSE],
    "the application denies": DENY,
    "the application returns": ["return"],
    "the application raises": ["raise"],
}
BY_PEER = {
    "the peer sends a text": Frame(Opcode.TEXT, b"hi", key=KEY),
    "the peer pings": Frame(Opcode.PING, b"", key=KEY),
    "the peer closes": Frame(Opcode.CLOSE, close_payload(4001), key=KEY),
    "the peer breaks a rule": b"\x83\x80\1\2\3\4",  # no such opcode
}

# In each cell: what the application's own call gives it (if it made one), the events
# that it hears of, and after the arrow what the peer sees.
TABLE = {
    "the application accepts": {
        "connecting": "→ 101, close 1000",
        "open": "RuntimeError → close 1000",
        "closing": "RuntimeError → nothing",
        "stopping": "PeerLeftError → nothing",
        "closed": "PeerLeftError → nothing",
        "gone": "PeerLeftError → nothing",
    },
    "the application sends": {
        "connecting": "RuntimeError → 500; logged",
        "open": "→ hello, close 1000",
        "closing": "RuntimeError → nothing",
        "stopping": "PeerLeftError → nothing",
        "closed": "PeerLeftError → nothing",
        "gone": "PeerLeftError → nothing",
    },
    "the application closes": {
        "connecting": "→ 403",
        "open": "→ close 4000",
        "closing": "RuntimeError → nothing",
        "stopping": "PeerLeftError → nothing",
        "closed": "PeerLeftError → nothing",
        "gone": "PeerLeftError → nothing",
    },
    "the application denies": {
        "connecting": "→ 404",
        "open": "RuntimeError → close 1000",
        "closing": "RuntimeError → nothing",
        "stopping": "PeerLeftError → nothing",
        "closed": "PeerLeftError → nothing",
        "gone": "PeerLeftError → nothing",
    },
    "the application returns": {
        "connecting": "→ 500; logged",
        "open": "→ close 1000",
        "closing": "→ nothing",
        "stopping": "→ nothing",
        "closed": "→ nothing",
        "gone": "→ nothing",
    },
    "the application raises": {
        "connecting": "→ 500; logged",
        "open": "→ close 1011; logged",
        "closing": "→ nothing; logged",
        "stopping": "→ nothing; logged",
        "closed": "→ nothing; logged",
        "gone": "→ nothing; logged",
    },
    "the peer sends a text": {
        "connecting": "→ 500; logged",
        "open": "receive → close 1000",
        "closing": "→ nothing",
        "stopping": "receive → nothing",
        "closed": "→ nothing",
    },
    "the peer pings": {
        "connecting": "→ 500; logged",
        "open": "→ pong, close 1000",
        "closing": "→ pong",
        "stopping": "→ pong",
        "closed": "→ nothing",
    },
    "the peer closes": {
        "connecting": "→ 500; logged",
        "open": "disconnect 4001 → close 4001",
        "closing": "disconnect 4001 → nothing",
        "stopping": "disconnect 4001 → nothing",
        "closed": "→ nothing",
    },
    "the peer breaks a rule": {
        "connecting": "→ 500; logged",
        "open": "disconnect 1002 → close 1002",
        "closing": "disconnect 4000 → nothing",
        "stopping": "disconnect 1012 → nothing",
        "closed": "→ nothing",
    },
    "the peer leaves": {
        "connecting": "disconnect 1006 → nothing",
        "open": "disconnect 1006 → nothing",
        "closing": "disconnect 4000 → nothing",
        "stopping": "disconnect 1012 → nothing",
        "closed": "→ nothing",
    },
    "the server is stopped": {
        "connecting": "→ 500; logged",
        "open": "→ close 1012",
        "closing": "→ nothing",
        "closed": "→ nothing",
        "gone": "→ nothing",
    },
}
CELLS = [(state, event) for event, row in TABLE.items() for state in row]


class Puppet:
    """An application that does what it is told, and notes the events that come."""

    def __init__(self):
        self.called = asyncio.Event()
        self.orders = asyncio.Queue()
        self.heard = []
        self.ended = False

    async def __call__(self, scope, receive, send):
        await receive()  # websocket.connect
        self.called.set()
        listening = asyncio.create_task(self.listen(receive))
        try:
            while True:
                order, done = await self.orders.get()
                if order in (("return",), ("raise",)):
                    self.ended = True
                    done.set_result(None)
                    if order == ("raise",):
                        raise ZeroDivisionError
                    return
                try:
                    for event in order:
                        await send(event)
                except (RuntimeError, OSError) as error:
                    done.set_result(type(error).__name__)
                else:
                    done.set_result(None)
        finally:
            listening.cancel()

    async def listen(self, receive):
        event = {"type": ""}
        while event["type"] != "websocket.disconnect":
            event = await receive()
            kind = event["type"].removeprefix("websocket.")
            self.heard.append(f"{kind} {event['code']}" if "code" in event else kind)

    async def do(self, *order):
        """Let the application send some events; the name of its error, or None."""
        done = asyncio.get_running_loop().create_future()
        self.orders.put_nowait((order, done))
        return await done

    async def has_heard_the_end(self):
        while not any(event.startswith("disconnect") for event in self.heard):
            await asyncio.sleep(0)


async def turns():
    """Let every task that can run, run: no time passes, and nothing is waited for."""
    for _ in range(20):
        await asyncio.sleep(0)


class Cell:
    """One websocket, brought into a state."""

    def __init__(self, server, puppet: Puppet, peer: Peer):
        self.server = server
        self.puppet = puppet
        self.peer = peer
        self.bytes_in = asyncio.Queue()  # an item for each time that the server reads
        self.peer_has_ended = False  # it has sent its close frame, or has left

    async def bring_into(self, state):
        await self.puppet.called.wait()
        if state == "connecting":
            return
        await self.puppet.do(ACCEPT)
        await self.peer.head()
        if state == "closing":
            await self.puppet.do(CLOSE)
            assert await self.peer.close_code() == 4000
        elif state == "stopping":
            self.server.stop.set()
            assert await self.peer.close_code() == 1012
        elif state == "closed":
            self.peer_says(Frame(Opcode.CLOSE, close_payload(4001), key=KEY))
            assert await self.peer.close_code() == 4001
            await self.puppet.has_heard_the_end()
        elif state == "gone":
            self.peer_leaves()
            await self.puppet.has_heard_the_end()

    async def happen(self, state, event):
        """Let an event come; the name of the application's error, if it gets one."""
        if event in BY_APPLICATION:
            return await self.puppet.do(*BY_APPLICATION[event])
        if event == "the server is stopped":
            self.server.stop.set()
        elif event == "the peer leaves":
            self.peer_leaves()
            if state != "closed":  # then the application has heard of its end before
                await self.puppet.has_heard_the_end()
        else:
            while not self.bytes_in.empty():
                self.bytes_in.get_nowait()
            self.peer_says(BY_PEER[event])
            if state != "closed":  # after the peer's close frame the server is silent
                await self.bytes_in.get()
        return None

    def peer_says(self, frame):
        self.peer.writer.write(frame if isinstance(frame, bytes) else encode(frame))
        if isinstance(frame, Frame) and frame.opcode is Opcode.CLOSE:
            self.peer_has_ended = True

    def peer_leaves(self):
        self.peer.writer.write_eof()
        self.peer_has_ended = True

    async def rest(self):
        """What the server still writes, as words; the peer answers a close frame."""
        words = []
        data = self.peer.rest
        while True:
            head, end, after = data.partition(b"\r\n\r\n")
            if data.startswith(b"HTTP") and end:
                words.append(head.split()[1].decode())
                if words[-1] != "101":
                    await self.peer.end()  # what follows is the answer's body
                    return words
                data = after
                continue
            with contextlib.suppress(NotWholeError):
                frame, data = decode(data)
                words.append(in_words(frame))
                if frame.opcode is Opcode.CLOSE and not self.peer_has_ended:
                    self.peer_says(Frame(Opcode.CLOSE, frame.payload, key=KEY))
                continue
            more = await self.peer.reader.read(65_536)
            if not more:
                return words
            data += more


def in_words(frame):
    if frame.opcode is Opcode.CLOSE:
        return f"close {close_reason(frame.payload)[0]}"
    if frame.opcode is Opcode.TEXT:
        return frame.payload.decode()
    return frame.opcode.name.lower()


@pytest.mark.parametrize(("state", "event"), CELLS)
async def test_a_server_in_each_state_does_what_the_protocol_asks_at_each_event(
    state, event, caplog
):
    puppet = Puppet()

    def tap(client, direction, kind, data):
        if (direction, kind) == ("in", "bytes"):
            cell.bytes_in.put_nowait(len(data))

    async with served(puppet, tap=tap) as server, raw(server) as peer:
        cell = Cell(server, puppet, peer)
        await cell.bring_into(state)
        before = len(puppet.heard)

        error = await cell.happen(state, event)
        await turns()
        told = [error, *puppet.heard[before:]] if error else puppet.heard[before:]

        if not puppet.ended:
            await puppet.do("return")
        await turns()
        if state in ("closing", "stopping") and not cell.peer_has_ended:
            cell.peer_says(Frame(Opcode.CLOSE, close_payload(1000), key=KEY))
        seen = await cell.rest()

    result = f"{' '.join(told)} → {', '.join(seen) or 'nothing'}".strip()
    if caplog.records:
        result += "; logged"
    assert result == TABLE[event][state]


def test_the_table_has_a_cell_for_every_event_that_a_state_can_meet():
    assert all(set(row) <= set(STATES) for row in TABLE.values())
    by_peer = {event for event in TABLE if event.startswith("the peer ")}
    for state in STATES:
        met = {event for event, row in TABLE.items() if state in row}
        if state == "gone":  # it says nothing more
            assert met == set(TABLE) - by_peer
        elif state == "stopping":  # a second stop is no event
            assert met == set(TABLE) - {"the server is stopped"}
        else:
            assert met == set(TABLE)
