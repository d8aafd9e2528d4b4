"""The files of ``deployment/`` in use: the real nginx before the unit's own uvicorn."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from contextlib import suppress

import pytest
from uvicorn import Config
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.support.nginx import (
    HOST,
    SITE,
    ask,
    cookies_of,
    missing,
    opened_at,
    origin_of,
    replaced,
    running_nginx,
)
from tests.support.peers import until
from tests.support.processes import ROOT, server_process

STAGE = ROOT / "04_django_wrapper"
UNIT = (STAGE / "deployment" / "chat.service").read_text("utf-8")
ENVIRONMENT = (STAGE / "deployment" / "chat.env").read_text("utf-8")
PREPARE = """
import django, sys
django.setup()
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
call_command("migrate", verbosity=0)
User.objects.create_user("anna", password="a password of this test")
settings.STATIC_ROOT = sys.argv[1]
call_command("collectstatic", verbosity=0)
"""
# Small enough for a test; a machine that stands still for a second is not cut off.
IMPATIENT = ("proxy_read_timeout 60s;", "proxy_read_timeout 2s;")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    if reason := missing():
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return tmp_path_factory.mktemp("deployment")


@pytest.fixture(scope="module")
def environment(folder):
    """What ``chat.env`` sets, with a key and a database, and its tables, of ours."""
    text = replaced(
        ENVIRONMENT,
        ("SECRET_KEY=\n", "SECRET_KEY=of this test only\n"),
        ("sqlite:////var/lib/chat/db.sqlite3", f"sqlite:///{folder}/db.sqlite3"),
    )
    lines = [line for line in text.splitlines() if line and line[0] != "#"]
    environment = dict(line.split("=", 1) for line in lines)
    environment["DJANGO_SETTINGS_MODULE"] = "websocket_app.settings"
    subprocess.run(
        [sys.executable, "-c", PREPARE, folder / "static"],
        cwd=STAGE,
        env={**os.environ, **environment},
        check=True,
    )
    return environment


@pytest.fixture(scope="module")
def uvicorn(environment):
    """``uvicorn(*more arguments)``: as the unit starts it, on a free port."""

    def uvicorn(*arguments, **changes):
        started = re.search(r"^ExecStart=\S+/uvicorn (.*?[^\\])$", UNIT, re.M | re.S)
        command = shlex.split(started[1].replace("\\\n", ""))
        command[command.index("8000")] = "0"
        return server_process(
            ["-m", "uvicorn", *command, *arguments],
            cwd=STAGE,
            **{**environment, **changes},
        )

    return uvicorn


@pytest.fixture(scope="module")
def uvicorn_url(uvicorn):
    with uvicorn() as server:
        yield server.url


@pytest.fixture(scope="module")
def site(folder, uvicorn_url):
    with running_nginx(folder, uvicorn_url) as nginx:
        yield nginx


@pytest.fixture(params=["ws", "wss"])
def opened(request, site):
    """``opened(path)``: a websocket through nginx, in the clear and by TLS."""
    return lambda path, **options: opened_at(site, request.param, path, **options)


def refusal(open_it, *arguments, **options):
    with pytest.raises(InvalidStatus) as refused:
        open_it(*arguments, **options)
    return refused.value.response.status_code


def test_a_page_comes_by_https(site):
    status, headers, body = ask(site, "/rooms/")
    assert (status, "Lobby" in body) == (200, True)
    assert headers["Strict-Transport-Security"]


def test_a_page_asked_for_by_http_is_sent_on_to_https(site):
    status, headers, _ = ask(site, "/rooms/", tls=False)
    assert (status, headers["Location"]) == (301, f"https://{HOST}/rooms/")


def test_nginx_serves_the_static_files(site):
    status, headers, body = ask(site, "/static/chat/chat.css")
    assert (status, headers["Content-Type"]) == (200, "text/css")
    assert body == (STAGE / "chat/static/chat/chat.css").read_text("utf-8")


def test_the_article_s_websocket_and_the_page_share_a_path(opened, site):
    with opened("/") as client:
        client.send("ping")
        assert client.recv(timeout=30) == "pong!"
    assert ask(site, "/")[0] == 200


def test_a_guest_enters_the_lobby(opened):
    with opened("/ws/rooms/lobby/") as client:
        welcome = json.loads(client.recv(timeout=30))
        assert (welcome["type"], welcome["room"]) == ("welcome", "lobby")


def test_a_page_of_another_origin_is_refused(opened):
    for origin in ("https://evil.example", "null", f"https://{HOST}:8443"):
        assert refusal(opened, "/ws/ping/", origin=origin) == 403


def test_the_scheme_is_a_part_of_the_origin(site):
    """It is nginx that knows the scheme: uvicorn is spoken to without TLS."""
    for scheme, other in (("ws", "wss"), ("wss", "ws")):
        origin = origin_of(other)
        assert refusal(opened_at, site, scheme, "/ws/ping/", origin=origin) == 403


def test_nobody_can_claim_a_scheme(site):
    claim = {"X-Forwarded-Proto": "https"}
    options = {"origin": origin_of("wss"), "additional_headers": claim}
    assert refusal(opened_at, site, "ws", "/ws/ping/", **options) == 403


def test_another_host_is_refused(opened):
    assert refusal(opened, "/ws/ping/", host="evil.example") == 400


def test_a_log_in_by_https_gets_secure_cookies_and_enters_by_name(site):
    status, headers, _ = ask(site, "/accounts/login/")
    csrf = cookies_of(headers)["csrftoken"]
    assert (status, csrf["secure"]) == (200, True)
    status, headers, _ = ask(
        site,
        "/accounts/login/",
        "POST",
        "username=anna&password=a+password+of+this+test",
        **{
            "Content-Type": "application/x-www-form-urlencoded",
            "Cookie": f"csrftoken={csrf.value}",
            "Origin": origin_of("wss"),
            "X-CSRFToken": csrf.value,
        },
    )
    session = cookies_of(headers)["sessionid"]
    assert (status, session["secure"]) == (302, True)
    cookie = {"Cookie": f"sessionid={session.value}"}
    with opened_at(
        site, "wss", "/ws/rooms/lobby/", additional_headers=cookie
    ) as client:
        assert json.loads(client.recv(timeout=30))["user"] == "anna"


@pytest.mark.parametrize(
    ("edit", "status"),
    [
        (("proxy_set_header Upgrade", "#"), 404),  # uvicorn sees a request for a page
        (("proxy_set_header Connection", "#"), 404),
        (("proxy_set_header Host", "#"), 400),
        (("Host $http_host;", "Host $host;"), 403),  # the Origin has a port
        (("proxy_set_header X-Forwarded-Proto", "#"), 403),  # the Origin has https
    ],
)
def test_without_its_header_a_websocket_is_refused(folder, uvicorn_url, edit, status):
    with running_nginx(folder, uvicorn_url, edit) as nginx:
        host = f"{HOST}:{nginx.https}"
        assert refusal(opened_at, nginx, "wss", "/ws/ping/", host) == status


def test_a_site_on_another_port_has_the_port_in_its_origin(site):
    with opened_at(site, "ws", "/ws/ping/", host=f"{HOST}:{site.http}"):
        pass


@pytest.fixture(scope="module")
def limited(folder, uvicorn):
    """One websocket for each address."""
    settings = {
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "tests.support.socket_settings",
        "SOCKETS": json.dumps({"CONNECTIONS_PER_ADDRESS": 1}),
    }
    with uvicorn("--ws-ping-interval=0.1", **settings) as server:
        with running_nginx(folder, server.url, IMPATIENT) as nginx:
            yield nginx


def the_only_one(nginx):
    """A websocket, as soon as that of the test before is not counted any more."""
    found = []

    def let_in():
        with suppress(InvalidStatus):
            found.append(opened_at(nginx, "wss", "/echo/"))
        return found

    until(let_in)
    return found[0]


def test_nobody_can_claim_an_address(limited):
    with the_only_one(limited):
        for claim in ("6.6.6.6", "127.0.0.1, 6.6.6.6", "6.6.6.6, 127.0.0.1", ""):
            options = {"additional_headers": {"X-Forwarded-For": claim}}
            assert refusal(opened_at, limited, "wss", "/echo/", **options) == 429


@pytest.mark.skipif(sys.platform != "linux", reason="127.0.0.2 is ours on Linux only")
def test_the_limit_counts_the_client_s_address_and_not_nginx_s(limited):
    with the_only_one(limited):
        other = {"source_address": ("127.0.0.2", 0)}
        with opened_at(limited, "wss", "/echo/", **other) as client:
            client.send("from another address")
            assert client.recv(timeout=30) == "from another address"


def test_pings_keep_an_idle_websocket_open(limited):
    with the_only_one(limited) as client:
        with pytest.raises(TimeoutError):
            client.recv(timeout=3)  # longer than nginx waits
        client.send("still here")
        assert client.recv(timeout=30) == "still here"


def test_without_pings_nginx_cuts_an_idle_websocket_off(folder, uvicorn_url):
    with running_nginx(folder, uvicorn_url, IMPATIENT) as nginx:
        with opened_at(nginx, "wss", "/ws/ping/") as client:
            with pytest.raises(ConnectionClosed) as closed:
                client.recv(timeout=30)
    assert (closed.value.rcvd, closed.value.sent) == (None, None)


def test_nginx_waits_longer_than_uvicorn_s_pings_are_apart():
    waits = int(re.search(r"proxy_read_timeout (\d+)s;", SITE.read_text("utf-8"))[1])
    assert waits > Config("").ws_ping_interval


def test_sigterm_closes_with_1012(folder, uvicorn):
    with uvicorn() as server, running_nginx(folder, server.url) as nginx:
        with opened_at(nginx, "wss", "/ws/rooms/lobby/") as client:
            client.recv(timeout=30)
            server.process.send_signal(signal.SIGTERM)
            with pytest.raises(ConnectionClosed) as closed:
                while True:
                    client.recv(timeout=30)
            assert closed.value.rcvd.code == 1012
        assert server.wait() == -signal.SIGTERM
        assert refusal(opened_at, nginx, "wss", "/ws/rooms/lobby/") == 502


def test_the_environment_file_names_every_variable_that_the_project_reads():
    source = (STAGE / "websocket_app" / "settings.py").read_text("utf-8")
    read = re.findall(r"environ(?:ment\.\w+|\.get)\(\s*\"(\w+)\"", source)
    named = re.findall(r"^(\w+)=", ENVIRONMENT, re.M)
    assert sorted(named) == sorted([*read, "WEB_CONCURRENCY"])


def test_the_unit_s_numbers_go_with_the_layer_s():
    from sockets.conf import Conf  # now, since Django's settings are a test's
    from sockets.deadline import PATIENCE

    def number(pattern):
        return int(re.search(pattern + r"(\d+)", UNIT)[1])

    assert number("LimitNOFILE=") > Conf.CONNECTIONS
    assert number("--ws-max-size ") == Conf.MESSAGE_BYTES
    graceful = number("--timeout-graceful-shutdown ")
    assert number("TimeoutStopSec=") > Conf.DRAIN_SECONDS + PATIENCE + graceful


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path):
    programs = ("/srv/chat/.venv/bin/uvicorn", "/srv/chat/.venv/bin/python")
    unit = replaced(UNIT, *((program, sys.executable) for program in programs))
    path = tmp_path / "chat.service"
    path.write_text(unit, "utf-8")
    checked = subprocess.run(
        ["systemd-analyze", "verify", path], capture_output=True, text=True
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
