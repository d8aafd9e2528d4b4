"""Peers that vanish, stall or leave at the worst moment, and what is left of them."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed

from tests.support.peers import (
    accepted,
    all_of,
    complaints,
    frame,
    held,
    logged,
    raw,
    reset,
    still_answers,
    until,
    until_held,
    websocket,
)

SOCKETS = {"SEND_SECONDS": 2}  # for the server
CLIENT = """
import socket, sys
from websockets.sync.client import connect
peer = socket.socket()
peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
peer.connect(("127.0.0.1", int(sys.argv[1])))
with connect(f"ws://127.0.0.1{sys.argv[2]}", sock=peer) as client:
    for message in client:
        print(message[:10], flush=True)
"""


@contextmanager
def client_process(server, path):
    """Somebody in a group, who is a process of their own."""
    port = str(urlsplit(server.url).port)
    command = [sys.executable, "-c", CLIENT, port, path]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as client:
        try:
            assert client.stdout.readline() == b"you are in\n"
            yield client
        finally:
            client.kill()


@pytest.mark.parametrize("leave", [reset, socket.socket.close])
@pytest.mark.parametrize("path", ["/silent/", "/room/lobby/", "/users/"])
def test_a_peer_that_resets_or_drops_the_connection_ends_its_handler(
    server, path, leave
):
    until_held(server, server.idle)  # of what other tests have left behind
    with raw(server, path) as peer:
        accepted(peer)
        if path == "/users/":  # it leaves while the handler waits for the database
            peer.sendall(frame("how many?") * 5)
        leave(peer)
    until_held(server, server.idle)


def test_a_peer_that_only_closes_its_half_has_left(server):
    with raw(server, "/silent/") as peer:
        accepted(peer)
        peer.shutdown(socket.SHUT_WR)
        all_of(peer)
    until_held(server, server.idle)


def test_a_peer_that_leaves_in_the_middle_of_its_handshake_has_left(server):
    for more in ("X-Half: ", "Content-Length: 5\r\n"):
        with raw(server, "/silent/", more) as peer:
            reset(peer)
    until_held(server, server.idle)


def test_a_client_that_is_killed_has_left(server):
    with client_process(server, "/room/lobby/") as client:
        assert held(server) != server.idle
        client.kill()
        until_held(server, server.idle)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGSTOP")
def test_a_client_that_is_stopped_is_cut_off_and_delays_nobody(server):
    before = logged(server)
    with client_process(server, "/room/attic/") as client:
        with websocket(server, "/room/attic/") as other:
            assert other.recv(timeout=60) == "you are in"
            client.send_signal(signal.SIGSTOP)
            for _ in range(90):  # 5.8 MB that cannot be compressed
                message = os.urandom(65_000)
                other.send(message)
                assert other.recv(timeout=60) == message
            said = "closed '/room/attic/' with 1013: you do not read"
            until(lambda: said in "".join(server.lines[before:]))
        until_held(server, server.idle)
        client.send_signal(signal.SIGCONT)
        assert client.wait(60) != 0  # its connection is no more


def test_a_member_that_stalls_delays_nobody(server):
    with raw(server, "/room/hall/", size=4096) as stalled:
        accepted(stalled)
        with websocket(server, "/room/hall/") as other:
            assert other.recv(timeout=60) == "you are in"
            for number in range(90):  # 5.8 MB, and the kernel takes 2 or 3
                message = f"{number:065000}"
                other.send(message)
                assert other.recv(timeout=60) == message


def test_peers_that_leave_while_their_messages_wait_for_a_locked_database(
    server, database
):
    until_held(server, server.idle)
    with closing(sqlite3.connect(database, isolation_level=None)) as lock:
        lock.execute("BEGIN IMMEDIATE")  # the one who may write is we
        for number in range(6):
            with raw(server, "/ws/rooms/lobby/") as peer:
                accepted(peer)
                text = f"locked out {number}"
                said = {"type": "message", "text": text, "key": server.name + text}
                peer.sendall(frame(json.dumps(said)))
                reset(peer)
        until(lambda: held(server)["members"] == server.idle["members"])
        assert still_answers(server)
        lock.execute("ROLLBACK")
    until_held(server, server.idle)
    assert "Traceback" not in server.log


def test_a_handler_that_fails_leaves_nothing_but_its_line(server):
    before = logged(server)
    for _ in range(20):
        with websocket(server, "/broken/") as client:
            with pytest.raises(ConnectionClosed) as end:
                client.recv(timeout=60)
            assert (end.value.rcvd.code, end.value.rcvd.reason) == (1011, "")
    until_held(server, server.idle)
    said = "the handler at '/broken/' failed"
    assert complaints(server, before).count(said) == 20


def test_500_connections_with_the_database_leave_nothing_behind(server):
    for number in range(500):
        with raw(server, "/users/") as peer:
            accepted(peer)
            peer.sendall(frame("how many?"))
            assert peer.recv(10) == b"\x81\x014"  # a frame with the text 4
            if number % 3 == 0:
                reset(peer)
    until_held(server, server.idle)
