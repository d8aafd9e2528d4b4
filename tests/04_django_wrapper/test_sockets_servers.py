"""The same handlers under every server, and driven by other projects' test clients."""

import pytest
from channels.testing import WebsocketCommunicator
from django.test import override_settings
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Opcode
from websockets.sync.client import connect

from tests.support.peers import (
    accepted,
    complaints,
    frame,
    logged,
    raw,
    reset,
    until,
)
from tests.support.servers import SERVERS, socket_site


@pytest.fixture(scope="module", params=SERVERS)
def server(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("no_database")
    with socket_site(request.param, folder / "none.sqlite3") as process:
        process.name = request.param
        yield process
    assert list(folder.iterdir()) == []  # without a session nothing asks for it


@pytest.fixture
def opened(server):
    def opened(path, **options):
        return connect(server.url.replace("http", "ws", 1) + path, **options)

    return opened


@pytest.fixture
def end_of(opened, server):
    """The code and the reason with which a path closes; what comes before, too."""

    def end_of(path, *messages):
        answers = []
        with opened(path) as client, pytest.raises(ConnectionClosed) as closed:
            for message in messages:
                client.send(message)
            while True:
                try:
                    answers.append(client.recv(timeout=patience))
                except TimeoutError:
                    assert server.name == "granian"
                    client.send("are you there?")
        return closed.value.rcvd.code, closed.value.rcvd.reason, answers

    # While the application waits in receive(), granian keeps a close frame back until
    # the client's next message.
    patience = 0.3 if server.name == "granian" else 30
    return end_of


@pytest.mark.parametrize("publisher", ["handler", "thread"])
def test_a_burst_ends_no_member_that_reads(opened, server, publisher):
    if server.name == "granian":
        pytest.skip("granian takes a turn or more of the event loop for each message")
    with opened("/burst/") as client:
        client.send(publisher)
        numbers = [int(client.recv(timeout=10)) for _ in range(1000)]
    assert numbers == list(range(1000))


@pytest.mark.parametrize("message", ["ping", "€" * 1000, b"\xff\0", ""])
def test_a_message_comes_back_as_it_was(opened, server, message):
    if message == "" and server.name == "daphne":
        pytest.skip("daphne sends no empty messages")
    with opened("/echo/") as client:
        client.send(message)
        assert client.recv(timeout=30) == message


def test_two_members_of_a_group_hear_each_other(opened):
    with opened("/room/lobby/") as anna, opened("/room/lobby/") as ben:
        assert anna.recv(timeout=30) == ben.recv(timeout=30) == "you are in"
        for sender, message in ((anna, "hello"), (ben, b"bytes")):
            sender.send(message)
            assert anna.recv(timeout=30) == ben.recv(timeout=30) == message


def test_a_page_of_this_server_is_let_in_and_any_other_is_not(opened, server):
    with opened("/echo/", origin=server.url):
        pass
    with pytest.raises(InvalidStatus, match="HTTP 403"):
        opened("/echo/", origin="http://evil.example")


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/forbidden/", 403, b"You may not do this.\n"),
        ("/missing/", 404, b"Nothing is here.\n"),
        ("/nothing/", 404, b"Nothing is here.\n"),
        ("/chosen/", 500, b"\n"),
    ],
)
def test_a_refusal_is_an_http_answer(opened, server, path, status, body):
    with pytest.raises(InvalidStatus) as refused:
        opened(path)
    if server.name == "daphne":  # it has not the extension "websocket.http.response"
        status, body = 403, b""
    assert refused.value.response.status_code == status
    assert refused.value.response.body == body


def test_a_subprotocol_is_agreed_on(opened):
    with opened("/chosen/", subprotocols=["soap", "chat"]) as client:
        assert client.subprotocol == "chat"


def test_a_handler_closes_with_a_code_and_a_reason(end_of, server):
    code, reason, messages = end_of("/goodbye/")
    assert (code, messages) == (4001, ["the last message"])
    assert reason == ("" if server.name == "daphne" else "that was all")


def test_a_handler_that_fails_closes_with_1011(end_of, server):
    # daphne lets applications send 1000 and 3000 to 4999 only.
    code = 4011 if server.name == "daphne" else 1011
    assert end_of("/broken/") == (code, "", [])
    logged(server)
    assert server.log.count("ValueError: a secret of ours") == 1


def test_a_message_that_is_no_json_closes_with_1007(end_of, server):
    code, reason, answers = end_of("/json/", '{"a": [1, 2.5]}', "a token")
    assert answers == ['{"a": [1, 2.5]}']
    if server.name == "daphne":
        assert code == 4007
    else:
        assert code == 1007 and reason.startswith("expected JSON")
    logged(server)
    assert "a token" not in server.log


def test_a_message_that_is_too_long_closes_with_1009(end_of, server):
    assert end_of("/echo/", "x" * 65_537)[0] == (
        4009 if server.name == "daphne" else 1009
    )


def test_a_close_frame_without_a_code_is_1005_and_no_error(server):
    """As a browser sends it after ``socket.close()``. Daphne's event says None."""
    before = logged(server)
    with raw(server, "/code/") as peer:
        accepted(peer)
        peer.sendall(frame(b"", Opcode.CLOSE))
        until(lambda: "INFO: the code is" in "".join(server.lines[before:]))
    code = 1006 if server.name == "hypercorn" else 1005
    assert f"INFO: the code is {code}\n" in server.lines[before:]
    logged(server)
    assert "Traceback" not in complaints(server, before)


def test_a_peer_that_leaves_before_accept_is_no_fault_of_the_site(server):
    if server.name == "granian":
        pytest.skip("granian tells it to nobody: the handshake ends after its time")
    before = logged(server)
    with raw(server, "/undecided/") as peer:
        until(lambda: "INFO: undecided\n" in server.lines[before:])
        reset(peer)
        until(lambda: "INFO: given up\n" in server.lines[before:])
    said = complaints(server, before)
    assert "ERROR" not in said and "Traceback" not in said


def test_no_server_has_anything_else_to_complain_of(server):
    """The last test of each server: only handlers that fail left tracebacks."""
    logged(server)
    failed = server.log.count("ERROR sockets: the handler at ")
    assert server.log.count("Traceback") == failed
    assert "never retrieved" not in server.log


@pytest.fixture
def handlers(application):
    """An application with the handlers that the servers' own processes have."""
    from sockets.dispatch import Dispatch  # now, since the apps are loaded

    sockets = {"URLCONF": "tests.support.socket_handlers"}
    with override_settings(SOCKETS=sockets, ALLOWED_HOSTS=["testserver"]):
        yield Dispatch(application)


async def test_channels_communicator_gets_the_same_answers(handlers):
    def peer(path, **options):
        return WebsocketCommunicator(
            handlers, path, headers=[(b"host", b"testserver")], **options
        )

    client = peer("/chosen/", subprotocols=["chat"])
    assert await client.connect(timeout=30) == (True, "chat")
    await client.disconnect()

    client = peer("/json/")
    assert await client.connect(timeout=30) == (True, None)
    await client.send_json_to({"a": 1})
    assert await client.receive_json_from(timeout=30) == {"a": 1}
    await client.send_to(bytes_data=b"1")
    end = await client.receive_output(timeout=30)
    assert (end["type"], end["code"]) == ("websocket.close", 1003)
    await client.disconnect()

    assert (await peer("/forbidden/").connect(timeout=30))[0] is False


def test_starlette_s_client_gets_the_same_answers(handlers):
    browser = TestClient(handlers, base_url="http://testserver")
    with browser.websocket_connect("/chosen/", subprotocols=["chat"]) as client:
        assert client.accepted_subprotocol == "chat"
    with browser.websocket_connect("/json/") as client:
        client.send_json({"a": 1})
        assert client.receive_json() == {"a": 1}
    with browser.websocket_connect("/goodbye/") as client:
        assert client.receive_text() == "the last message"
        with pytest.raises(WebSocketDisconnect) as closed:
            client.receive_text()
        assert (closed.value.code, closed.value.reason) == (4001, "that was all")
    with pytest.raises(WebSocketDenialResponse) as refused:
        with browser.websocket_connect("/missing/"):
            pass
    assert (refused.value.status_code, refused.value.text) == (
        404,
        "Nothing is here.\n",
    )
