"""Handshakes of strangers, forgers and too many, against a real uvicorn."""

from contextlib import suppress

import pytest
from websockets.exceptions import InvalidStatus

from tests.support.peers import (
    complaints,
    logged,
    raw,
    status,
    still_answers,
    until,
    until_held,
    websocket,
)
from tests.support.servers import socket_site

FOREIGN = [
    "null",
    "http://[::1",
    "http://a:99999",
    "http://evil.example",
    "http://127.0.0.1.evil.example",
    "http://127.0.0.1@evil.example",
    "https://127.0.0.1",
    "http://127.0.0.1:1",
]
HERE = FOREIGN[-2:]  # pages of this machine: a developer is told which one it was


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_page_of_another_origin_gets_403_and_one_line(server, origin):
    before = logged(server)
    with raw(server, "/echo/", f"Origin: {origin}\r\n") as peer:
        assert status(peer) == 403
    log = complaints(server, before)
    assert log.count("\n") == 1
    assert (origin in log) == (origin in HERE)


@pytest.mark.parametrize(
    ("path", "more", "expected"),
    [
        ("/echo/", "Origin: http://127.0.0.1\r\n" * 2, 403),
        ("/echo/", "Cookie: sessionid=stolen\r\n", 403),
        ("/echo/", "Sec-WebSocket-Protocol: soap\r\n", 101),
        ("/echo/?token=%ff", "", 101),
        ("/echo/", "X-Same: 1\r\n" * 80, 101),
        (
            "/echo/",
            "Cookie: " + "; ".join(f"n{i}={i}" for i in range(500)) + "\r\n",
            101,
        ),
        ("/nothing/", "", 404),
        ("/%0d%0aERROR%1b[31m/", "", 404),
        ("/caf%c3%a9/", "", 404),
        ("/%ff/", "", 404),
        ("/../echo/", "", 404),
        ("//echo/", "", 404),
    ],
)
def test_a_strange_handshake_gets_a_status_and_at_most_one_line(
    server, path, more, expected
):
    before = logged(server)
    with raw(server, path, more) as peer:
        answer = status(peer)
    # Two origins are a bad request to websockets already; the layer never sees it.
    twice = more.count("Origin") == 2 and server.name == "uvicorn-sansio"
    assert answer == (400 if twice else expected)
    log = complaints(server, before)
    assert log.count("\n") <= 1
    assert "Traceback" not in log and "stolen" not in log and "\x1b" not in log


def test_a_subprotocol_that_nobody_offered_is_the_handler_s_fault(server):
    before = logged(server)
    with raw(server, "/chosen/", "Sec-WebSocket-Protocol: soap\r\n") as peer:
        assert status(peer) == 500
    said = "HandlerError: the client offered ['soap'], and not 'chat'"
    assert complaints(server, before).count(said) == 1


@pytest.mark.parametrize("more", ["X-Same: 1\r\n" * 500, "Cookie: a=1\r\n" * 500])
def test_500_headers_of_one_name_are_let_in_or_left_to_the_server(server, more):
    # The library websockets takes 128 lines at most. uvicorn's --ws websockets-sansio
    # then says nothing at all, and waits for the peer to leave.
    answers = {"uvicorn-websockets": 400, "uvicorn-wsproto": 101}
    with raw(server, "/echo/", more) as peer:
        if server.name in answers:
            assert status(peer) == answers[server.name]
        assert still_answers(server)
    until_held(server, server.idle)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "a b", ""])
def test_a_handshake_under_a_foreign_host_is_refused_with_400(server, host):
    with raw(server, "/echo/", host=host) as peer:
        assert status(peer) == 400
    assert still_answers(server)


@pytest.mark.parametrize(
    ("session", "name"),
    [
        ("good", "anna"),
        ("old key", "anna"),
        ("expired", "nobody"),
        ("other key", "nobody"),
        ("forged", "nobody"),
    ],
)
def test_a_session_is_worth_what_its_cookie_can_prove(server, sessions, session, name):
    if session == "old key":  # it is renewed, so each server needs its own
        key = sessions["old keys"].pop()
    else:
        key = sessions.get(session, "forged")
    cookie = {"Cookie": f"sessionid={key}"}
    with websocket(
        server, "/who/", origin=server.url, additional_headers=cookie
    ) as client:
        assert client.recv(timeout=60) == name
        renewed = client.response.headers.get("Set-Cookie", "")
    assert renewed.startswith("sessionid=") == (session == "old key")
    assert sessions["good"] not in renewed


def test_one_connection_over_a_limit_gets_a_status_until_another_ends(
    database, sessions
):
    limits = {"CONNECTIONS": 3, "CONNECTIONS_PER_USER": 2}

    def opened(**headers):
        return websocket(server, "/who/", origin=server.url, additional_headers=headers)

    def refused(**headers):
        with pytest.raises(InvalidStatus) as refused:
            opened(**headers)
        return refused.value.response.status_code

    def let_in(**headers):
        with suppress(InvalidStatus), opened(**headers):
            return True

    anna = {"Cookie": f"sessionid={sessions['good']}"}
    with socket_site("uvicorn-sansio", database, **limits) as server:
        with opened(**anna), opened(**anna):
            assert refused(**anna) == 429
            with opened():
                assert refused() == 503
            until(let_in)  # its end is noticed a moment after the client's
        until(lambda: let_in(**anna))
        assert "Traceback" not in server.log
