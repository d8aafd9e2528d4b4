"""The handshake: who may open a websocket, and what everybody else is told."""

import asyncio
import logging
import os
import subprocess
import sys
from contextlib import AsyncExitStack

import pytest
from asgiref.testing import ApplicationCommunicator
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404
from django.test import override_settings
from django.utils import translation
from sockets.codes import Refused
from sockets.request import request_of
from sockets.steps import live
from sockets.steps.recheck import look
from sockets.testing import SocketRefused

from tests.support import fake_clock, growth
from tests.support.clients import end_of
from tests.support.processes import ROOT

OURS = "http://testserver"
TRUSTED = ["https://app.example.org", "https://*.example.net"]


async def echo(socket):
    await socket.accept()
    async for message in socket:
        await socket.send(message)


async def refusal(client):
    """The status and the sentence with which a handshake is refused."""
    with pytest.raises(SocketRefused) as refused:
        async with client:
            pass
    return refused.value.status, refused.value.body


def one_line(caplog):
    """The only line in the log, which says no more than path and answer."""
    [record] = caplog.records
    assert record.exc_info is None
    return record.getMessage()


@pytest.mark.parametrize("origin", [OURS, *TRUSTED[:1], "https://a.b.example.net"])
async def test_a_page_of_ours_and_a_trusted_one_are_let_in(talk, origin):
    with override_settings(CSRF_TRUSTED_ORIGINS=TRUSTED):
        async with talk(echo, headers={"Origin": origin}) as client:
            await client.send("hello")
            assert await client.receive() == "hello"


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "https://testserver",
        "http://testserver:8000",
        "http://testserver.evil.example",
        "http://testserver@evil.example",
        "http://testserver/",
        "null",
        "",
        "http://[::1",
        "http://a:99999",
        "https://app.example.org.evil.example",
        "https://app.example.org@evil.example",
        "http://app.example.org",
        "https://evilexample.net",
        "http://a.example.net",
        "https://a.example.net.evil.example",
        "https://a.example.net:8443",
        f"{OURS},{OURS}",  # what a header that comes twice becomes
    ],
)
async def test_a_page_of_any_other_origin_is_refused_with_403(talk, origin, caplog):
    with override_settings(CSRF_TRUSTED_ORIGINS=TRUSTED):
        status, body = await refusal(talk(echo, headers={"Origin": origin}))
    assert (status, body) == (
        403,
        "Pages of that origin may not open websockets here.\n",
    )
    assert not origin or origin not in one_line(caplog)


async def test_two_origin_headers_are_refused(talk):
    client = talk(echo)
    scope = client._scope()
    scope["headers"].append((b"origin", OURS.encode()))
    client._scope = lambda: scope
    assert (await refusal(client))[0] == 403


async def test_a_client_without_an_origin_comes_without_a_session(talk, caplog):
    client = talk(echo)
    del client.headers["origin"]
    async with client:
        await client.send("I am no browser")
        assert await client.receive() == "I am no browser"
    client = talk(echo, headers={"Cookie": "sessionid=abc"})
    del client.headers["origin"]
    assert await refusal(client) == (403, "A session needs an Origin header.\n")
    assert "abc" not in one_line(caplog)


@pytest.mark.parametrize("host", ["evil.example", "a b", "testserver:x", "", "[::1"])
async def test_a_host_that_is_not_ours_is_refused_with_400(talk, host, caplog):
    refused = await refusal(talk(echo, headers={"Host": host}))
    assert refused == (400, "This site does not answer to that host.\n")
    one_line(caplog)


@pytest.mark.parametrize(
    "query", ["token=%ff", "token=a%00b", "token=" + "%" * 50], ids=str
)
async def test_a_strange_query_string_is_no_fault(talk, query, caplog):
    async with talk(echo, f"/?{query}") as client:
        await client.send("hello")
        assert await client.receive() == "hello"
    assert not caplog.records


async def test_a_query_string_that_is_not_utf_8_is_refused_with_400(talk, caplog):
    client = talk(echo)
    scope = client._scope() | {"query_string": b"secret=\xff"}
    client._scope = lambda: scope
    assert await refusal(client) == (400, "The query string is not UTF-8.\n")
    assert "secret" not in one_line(caplog)


async def test_a_path_is_escaped_in_the_log_and_comes_without_its_query(talk, caplog):
    async def handler(socket):
        raise Http404

    await refusal(talk(handler, "/a%0d%0aERROR%1b[31m/?token=secret"))
    line = one_line(caplog)
    assert line.isprintable() and "\\r\\nERROR\\x1b[31m" in line
    assert "secret" not in line


@pytest.mark.parametrize(
    ("error", "status", "body", "told"),
    [
        (Http404("the room of Anna"), 404, "Nothing is here.\n", True),
        (PermissionDenied("Anna is banned"), 403, "You may not do this.\n", True),
        (SuspiciousOperation("Anna"), 400, "This looks wrong.\n", False),
        (Refused(418, "I am a teapot."), 418, "I am a teapot.\n", False),
    ],
)
async def test_an_error_before_accept_is_an_http_answer_and_after_it_a_close_code(
    talk, error, status, body, told, caplog
):
    """What our own code says with it is for the log; a suspicion may quote a peer."""

    async def before(socket):
        raise error

    async def after(socket):
        await socket.accept()
        raise error

    assert await refusal(talk(before)) == (status, body)
    assert ("Anna" in one_line(caplog)) == told
    caplog.clear()
    async with talk(after) as client:
        assert await client.closed() == (1008, body.strip())
    assert ("Anna" in one_line(caplog)) == told


async def test_a_refusal_is_whole_under_a_server_whose_send_waits(talk):
    async def handler(socket):
        raise Http404

    client = talk(handler)
    send = client._send

    async def slow_send(event):
        await asyncio.sleep(0)
        await send(event)

    client._send = slow_send
    assert await refusal(client) == (404, "Nothing is here.\n")


async def test_a_server_without_the_extension_makes_a_403_of_every_refusal(talk):
    async def handler(socket):
        raise Http404

    client = talk(handler)
    scope = client._scope() | {"extensions": {}}
    peer = ApplicationCommunicator(client.application, scope)
    await peer.send_input({"type": "websocket.connect"})
    # ASGI: a server that is told to close before it was told to accept answers 403.
    assert await peer.receive_output(timeout=30) == {"type": "websocket.close"}
    await peer.send_input({"type": "websocket.disconnect", "code": 1006})
    await end_of(peer)


async def test_a_handler_that_fails_before_accept_is_a_500_without_details(
    talk, caplog
):
    async def handler(socket):
        raise ValueError("a secret of ours")

    assert await refusal(talk(handler)) == (500, "\n")
    assert len(caplog.records) == 1


async def test_a_handler_that_returns_without_accept_is_told_so(talk, caplog):
    async def handler(socket):
        pass

    assert (await refusal(talk(handler)))[0] == 500
    assert "it returned without: await socket.accept()" in caplog.text


async def test_a_handler_that_is_no_coroutine_function_is_named(talk, caplog):
    def handler(socket):
        pass

    assert (await refusal(talk(handler)))[0] == 500
    assert "a handler is an async def, and" in caplog.text
    assert "handler" in caplog.text


async def test_a_handler_that_never_accepts_is_answered_for_with_503(talk, caplog):
    async def handler(socket):
        await asyncio.Event().wait()

    client = talk(handler, sockets={"HANDSHAKE_SECONDS": 0.01})
    assert await refusal(client) == (503, "no answer in time\n")
    one_line(caplog)


def test_the_deadline_ends_with_accept(talk):
    async def handler(socket):
        await socket.accept()
        await asyncio.sleep(2)  # longer than the deadline, by the fake clock
        await socket.send("still here")

    async def program():
        async with talk(handler, sockets={"HANDSHAKE_SECONDS": 1}) as client:
            assert await client.receive() == "still here"

    fake_clock.run(program())


async def test_a_subprotocol_is_one_that_the_client_has_offered(talk, caplog):
    async def handler(socket):
        await socket.accept("chat")

    async with talk(handler, subprotocols=["soap", "chat"]) as client:
        assert client.subprotocol == "chat"
    assert (await refusal(talk(handler, subprotocols=["soap"])))[0] == 500
    assert "the client offered ['soap'], and not 'chat'" in caplog.text


async def who(socket):
    await socket.accept()
    await socket.send(f"{socket.user.get_username()}, {socket.session.session_key}")
    async for _ in socket:
        pass


def cookies_of(client):
    return [value for name, value in client.accept_headers if name == b"set-cookie"]


@pytest.fixture
async def anna(tables):
    from django.contrib.auth.models import User

    anna = await User.objects.acreate(username="anna")
    yield anna
    await anna.adelete()


async def test_a_session_brings_its_user_and_sets_no_cookie(talk, anna):
    async with talk(who, user=anna) as client:
        name, _, key = (await client.receive()).partition(", ")
    assert name == "anna" and key in client.headers["cookie"]
    assert cookies_of(client) == []


@pytest.mark.parametrize("cookie", ["sessionid=forged", "sessionid=", "sessionid=%00;"])
async def test_a_forged_session_is_nobody_s(talk, tables, cookie):
    async with talk(who, headers={"Cookie": cookie}) as client:
        assert await client.receive() == ", None"


async def test_an_expired_session_is_nobody_s(talk, anna):
    with override_settings(SESSION_COOKIE_AGE=-1):
        client = talk(who, user=anna)
        async with client:
            assert (await client.receive()).startswith(", ")


async def test_a_session_under_an_old_key_is_renewed_and_keeps_its_name(talk, anna):
    with override_settings(SECRET_KEY="the old key"):
        async with talk(who, user=anna) as old:
            await old.receive()
    cookie = {"Cookie": old.headers["cookie"]}
    rotated = {"SECRET_KEY": "new", "SECRET_KEY_FALLBACKS": ["the old key"]}
    with override_settings(**rotated):
        async with talk(who, headers=cookie) as client:
            name, _, key = (await client.receive()).partition(", ")
    assert name == "anna" and key in old.headers["cookie"]
    [set_cookie] = cookies_of(client)
    assert set_cookie.startswith(f"sessionid={key};".encode())
    assert b"HttpOnly" in set_cookie
    with override_settings(SECRET_KEY="new"):  # nobody needs the old key any more
        async with talk(who, headers=cookie) as client:
            assert (await client.receive()).startswith("anna, ")


async def test_websockets_that_come_together_after_a_rotation_all_have_their_user(
    talk, anna
):
    """As the tabs of one browser do, whose server has started again with a new key."""
    with override_settings(SECRET_KEY="the old key"):
        async with talk(who, user=anna) as old:
            await old.receive()
    cookie = {"Cookie": old.headers["cookie"]}
    rotated = {"SECRET_KEY": "new", "SECRET_KEY_FALLBACKS": ["the old key"]}
    with override_settings(**rotated):
        async with AsyncExitStack() as stack:
            for _ in range(3):  # the browser has not got the first one's cookie yet
                client = talk(who, headers=cookie)
                await stack.enter_async_context(client)
                assert (await client.receive()).startswith("anna, ")
            await look()
            assert all(socket.state == "open" for socket in live.connected)


async def test_a_handler_that_logs_in_gives_the_session_another_key(talk, anna):
    async def handler(socket):
        await socket.accept()
        before = socket.session.session_key
        await socket.session.acycle_key()
        await socket.send(f"{before} {socket.session.session_key}")

    async with talk(handler, user=anna) as client:
        before, after = (await client.receive()).split()
    assert before != after


@pytest.mark.parametrize("key", [r'"\000abcdefgh"', '"a\tbcdefgh"', '"ŋŋŋŋŋŋŋŋŋ"'])
async def test_a_session_cookie_that_django_never_made_is_400_and_one_line(
    talk, tables, key, caplog
):
    client = talk(who, headers={"Cookie": f"sessionid={key}"})
    assert await refusal(client) == (400, "That is no session cookie.\n")
    one_line(caplog)


async def test_a_session_that_ends_in_the_handshake_is_400_and_one_line(
    talk, anna, caplog, monkeypatch
):
    """Django raises SessionInterrupted, which is a BadRequest."""
    from sockets.steps import handshake  # now, since the settings are known

    async def interrupted(socket):
        await socket.session.adelete()
        socket.session.modified = True
        await handshake._save(socket, socket.request)

    monkeypatch.setattr(handshake, "interrupted", interrupted, raising=False)
    steps = ["session", "user", "interrupted"]
    names = [f"sockets.steps.handshake.{step}" for step in steps]
    client = talk(who, user=anna, sockets={"HANDSHAKE": names})
    assert (await refusal(client))[0] == 400
    one_line(caplog)


async def test_a_page_of_this_machine_is_told_its_origin_in_development(talk, caplog):
    origin = {"Origin": "http://127.0.0.1:8000"}
    with override_settings(DEBUG=True, CSRF_TRUSTED_ORIGINS=["https://a.example"]):
        status, reason = await refusal(talk(echo, headers=origin))
    assert status == 403
    assert "It is http://127.0.0.1:8000. These may: http://testserver, " in reason
    assert "https://a.example" in one_line(caplog)
    with override_settings(DEBUG=False):
        assert "127.0.0.1" not in (await refusal(talk(echo, headers=origin)))[1]


@pytest.mark.parametrize(
    ("scheme", "origin", "welcome"),
    [
        ("wss", "https://testserver", True),
        ("WSS", "https://testserver", True),
        ("wss, http", "https://testserver", True),
        ("wss", "http://testserver", False),
        ("ws", "http://testserver", True),
        ("ws", "https://testserver", False),
        ("https", "https://testserver", True),
        ("http", "http://testserver", True),
        ("http", "https://testserver", False),
    ],
)
async def test_a_proxy_may_name_the_websocket_s_scheme(talk, scheme, origin, welcome):
    headers = {"Origin": origin, "X-Forwarded-Proto": scheme}
    header = ("HTTP_X_FORWARDED_PROTO", "https")
    with override_settings(SECURE_PROXY_SSL_HEADER=header):
        client = talk(echo, headers=headers)
        if welcome:
            async with client:
                await client.send("hello")
                assert await client.receive() == "hello"
        else:
            assert (await refusal(client))[0] == 403


@pytest.mark.parametrize("scheme", ["wss", "https"])
async def test_a_server_may_name_the_scheme_in_both_ways(talk, scheme):
    client = talk(echo, headers={"Origin": "wss://testserver"})
    scope = client._scope() | {"scheme": scheme}
    client._scope = lambda: scope
    async with client:
        await client.send("hello")
        assert await client.receive() == "hello"


async def test_clients_without_an_address_are_not_counted_as_one(talk, caplog):
    """On a unix socket granian says ('', '0'), and uvicorn None."""
    caplog.set_level(logging.INFO, "sockets.connections")

    def client(address):
        client = talk(echo, sockets={"CONNECTIONS_PER_ADDRESS": 1})
        scope = client._scope() | {"client": address}
        client._scope = lambda: scope
        return client

    async with AsyncExitStack() as stack:
        for address in (("", "0"), ("", "0"), None, None):
            await stack.enter_async_context(client(address))
    assert {record.address for record in caplog.records} == {None}


async def test_the_step_language_is_the_peer_s_for_its_handler(talk):
    async def handler(socket):
        await socket.accept()
        await socket.send(translation.gettext("Yes"))

    steps = {"HANDSHAKE": ["sockets.steps.handshake.language"]}
    said = []
    for name in ("de", "fr", "en"):
        headers = {"Accept-Language": name}
        async with talk(handler, sockets=steps, headers=headers) as client:
            said.append(await client.receive())
    assert said == ["Ja", "Oui", "Yes"]


def test_the_layer_works_in_a_project_without_users(tmp_path):
    """Without django.contrib.auth and sessions there are no such tables, or models."""
    program = """
import asyncio, django
from django.conf import settings
settings.configure(ALLOWED_HOSTS=["testserver"], INSTALLED_APPS=["sockets"],
    SOCKETS={"URLCONF": "__main__", "RECHECK_SECONDS": 0.01, "HANDSHAKE": [
        f"sockets.steps.handshake.{step}" for step in ("host", "origin", "limits")]})
django.setup()
from django.urls import path
from sockets.dispatch import Dispatch
from sockets.steps import live
from sockets.steps.recheck import look
from sockets.testing import SocketClient

async def echo(socket):
    await socket.accept()
    async for message in socket:
        await look()
        await socket.send(message)

urlpatterns = [path("", echo)]

async def main():
    async with SocketClient(Dispatch(None), "/") as client:
        await client.send("hello")
        print(await client.receive())

asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT / "04_django_wrapper",
        env={k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("hello\n", "", 0)


async def test_a_session_under_a_key_of_nobody_is_nobody_s(talk, anna):
    with override_settings(SECRET_KEY="the old key"):
        async with talk(who, user=anna) as old:
            await old.receive()
    async with talk(who, headers={"Cookie": old.headers["cookie"]}) as client:
        assert (await client.receive()).startswith(", ")


async def test_a_session_whose_password_has_changed_is_ended(talk, anna):
    async with talk(who, user=anna) as old:
        await old.receive()
    anna.set_password("new")
    await anna.asave()
    async with talk(who, headers={"Cookie": old.headers["cookie"]}) as client:
        assert (await client.receive()).startswith(", ")
    [cookie] = cookies_of(client)
    assert cookie.startswith(b'sessionid="";') and b"Max-Age=0" in cookie


async def test_a_session_is_saved_each_time_where_the_settings_say_so(talk, anna):
    with override_settings(SESSION_SAVE_EVERY_REQUEST=True):
        async with talk(who, user=anna) as client:
            await client.receive()
    assert len(cookies_of(client)) == 1


async def test_without_the_step_session_the_step_user_says_what_is_missing(
    talk, caplog
):
    steps = ["sockets.steps.handshake.user"]
    assert (await refusal(talk(echo, sockets={"HANDSHAKE": steps})))[0] == 500
    assert "SOCKETS['HANDSHAKE']: the step session comes before user" in caplog.text


async def vip(socket):
    """A step of the project's own."""
    if b"vip" not in socket.scope["query_string"]:
        raise Refused(402, "Pay first.")


async def tenant(socket):
    """Another one, which looks something up for the handler."""
    socket.data["tenant"] = socket.request.GET["tenant"]


async def test_a_step_hands_data_to_the_handler_of_its_own_websocket(talk, monkeypatch):
    async def handler(socket):
        await socket.accept()
        await socket.send_json(socket.data)

    monkeypatch.setattr("sockets.steps.handshake.tenant", tenant, raising=False)
    steps = {"HANDSHAKE": ["sockets.steps.handshake.tenant"]}
    async with (
        talk(handler, "/?tenant=a", steps) as one,
        talk(handler, "/?tenant=b", steps) as other,
    ):
        assert await one.receive_json() == {"tenant": "a"}
        assert await other.receive_json() == {"tenant": "b"}


async def test_a_step_of_one_s_own_refuses_with_any_status(talk, monkeypatch):
    monkeypatch.setattr("sockets.steps.handshake.vip", vip, raising=False)
    steps = {"HANDSHAKE": ["sockets.steps.handshake.vip"]}
    assert await refusal(talk(echo, sockets=steps)) == (402, "Pay first.\n")
    async with talk(echo, "/?vip", sockets=steps) as client:
        await client.send("hello")
        assert await client.receive() == "hello"


@pytest.mark.parametrize(
    ("limit", "status"), [("CONNECTIONS", 503), ("CONNECTIONS_PER_ADDRESS", 429)]
)
async def test_one_connection_over_a_limit_is_refused_until_another_ends(
    talk, limit, status, caplog
):
    sockets = {limit: 2}
    async with talk(echo, sockets=sockets):
        async with talk(echo, sockets=sockets):
            refused = await refusal(talk(echo, sockets=sockets))
            assert refused == (status, "Too many websockets are open.\n")
            one_line(caplog)
        async with talk(echo, sockets=sockets):
            pass
    nobody_is_counted()


async def test_one_connection_of_a_user_over_the_limit_is_refused(talk, anna, caplog):
    sockets = {"CONNECTIONS_PER_USER": 1}
    async with talk(echo, sockets=sockets, user=anna):
        assert (await refusal(talk(echo, sockets=sockets, user=anna)))[0] == 429
        assert "anna" not in one_line(caplog)
        async with talk(echo, sockets=sockets):  # somebody else
            pass
    nobody_is_counted()


async def test_a_refused_and_a_failed_handshake_are_counted_no_longer(talk):
    async def refuses(socket):
        raise PermissionDenied

    async def fails(socket):
        await socket.accept()
        raise ValueError

    await refusal(talk(refuses))
    async with talk(fails) as client:
        await client.closed()
    nobody_is_counted()


def nobody_is_counted():
    from sockets.steps.handshake import _open

    assert not _open


def headers_of_one_name(count):
    return [(b"x-same", b"1" * 100)] * count


def cookies(count):
    return [(b"cookie", b"; ".join(b"%d=%0100d" % (i, i) for i in range(count)))]


@pytest.mark.parametrize("make", [headers_of_one_name, cookies])
async def test_ten_times_the_headers_take_ten_times_as_long_to_read(application, make):
    def read(count):
        scope = {"path": "/", "scheme": "ws", "query_string": b""}
        scope["headers"] = make(count)
        assert len(request_of(scope).COOKIES) in (0, count)

    assert growth.linear(read, 500)


async def test_500_cookies_and_500_headers_of_one_name_are_let_in(talk):
    client = talk(echo)
    scope = client._scope()
    scope["headers"] += headers_of_one_name(500) + cookies(500)
    client._scope = lambda: scope
    async with client:
        await client.send("hello")
        assert await client.receive() == "hello"
