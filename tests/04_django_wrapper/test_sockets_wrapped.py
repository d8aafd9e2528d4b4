"""What middleware wraps around ``send`` and ``receive``, and the way past it.

Sentry and OpenTelemetry wrap like this.
"""

import asyncio
import functools

import pytest
from sockets import servers
from sockets.conf import Conf
from sockets.outbox import Outbox

GOODBYE = {"type": "websocket.close", "code": 1000, "reason": ""}


class Transport:
    def __init__(self):
        self.aborted = 0

    def abort(self):
        self.aborted += 1


class Protocol:
    """As uvicorn's: the server's ``send`` and ``receive`` are its methods."""

    def __init__(self):
        self.transport = Transport()

    async def send(self, event):
        raise NotImplementedError

    async def receive(self):
        raise NotImplementedError


Protocol.__module__ = "uvicorn.protocols.websockets"


def closure(call):
    async def wrapped(*arguments):
        return await call(*arguments)

    return wrapped


def decorated(call):
    return functools.wraps(call)(closure(call))


def test_a_server_s_own_send_is_known_and_a_wrapped_one_is_not():
    protocol = Protocol()
    assert servers.is_servers_own(protocol.send)
    assert servers.is_servers_own(functools.partial(protocol.send))
    assert not servers.is_servers_own(closure(protocol.send))
    assert not servers.is_servers_own(decorated(protocol.send))
    assert not servers.is_servers_own(Stranger().send)


class Stranger:
    async def send(self, event):
        raise NotImplementedError


@pytest.mark.parametrize(
    ("wrap_send", "wrap_receive"),
    [(closure, None), (decorated, decorated), (None, closure), (None, None)],
)
def test_the_transport_is_found_behind_what_is_wrapped(wrap_send, wrap_receive):
    protocol = Protocol()
    send, receive = protocol.send, protocol.receive
    if wrap_send:
        send = wrap_send(send)
    if wrap_receive:
        receive = wrap_receive(receive)
    assert servers.transport_of(send, receive) is protocol.transport


def test_where_nothing_leads_to_the_transport_there_is_none():
    protocol = Protocol()
    wrapped = closure(protocol.send), closure(protocol.receive)
    assert servers.transport_of(*wrapped) is None


async def test_a_stalled_peer_behind_a_wrapped_send_is_cut_off():
    protocol = Protocol()

    async def stalled(event):
        await asyncio.Event().wait()

    stopped = []
    outbox = Outbox(
        stalled,
        Conf(SEND_SECONDS=0.01),
        lambda *answer: stopped.append(answer),
        at_once=False,
        transport=protocol.transport,
    )
    outbox.put({"type": "websocket.send", "text": "x"})
    await outbox.flushed()
    await outbox.writer
    await asyncio.sleep(0)  # the abort's own turn
    assert stopped == [(1013, "you do not read")]
    assert protocol.transport.aborted == 1


async def test_a_peer_that_cannot_be_cut_off_is_told_of_once(caplog, monkeypatch):
    monkeypatch.setattr(servers, "_has_warned", False)
    servers.warn_of_stalled(None)
    servers.warn_of_stalled(None)
    [record] = caplog.records
    assert "wrap the pages only" in record.getMessage()
