"""WIRETAP=1: staff watch the conversations of others, while they happen."""

import asyncio
import json
import subprocess
import sys

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.support.clients import fetch
from tests.support.processes import ROOT, server_process

STAGE = ROOT / "04_django_wrapper"
UVICORN = ["-m", "uvicorn", "websocket_app.asgi:application", "--port=0"]
SESSIONS = """
from django.contrib.auth import get_user_model
from django.test import Client
for staff in (True, False):
    user = get_user_model().objects.create(username=f"staff-{staff}", is_staff=staff)
    client = Client()
    client.force_login(user)
    print(client.cookies["sessionid"].value)
"""


def manage(*command):
    """Run manage.py; the environment is the test's."""
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=STAGE,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    ).stdout


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wiretap")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", f"sqlite:///{folder}/db.sqlite3")
        patch.setenv("SECRET_KEY", "the same one in manage.py and in the server")
        manage("migrate", "-v0")
        with server_process(UVICORN, cwd=STAGE, WIRETAP="1") as process:
            process.sessions = manage("shell", "-v0", "-c", SESSIONS).split()
            yield process
    assert "Traceback" not in process.log


def open_websocket(server, path, session=None):
    headers = {"Cookie": f"sessionid={session}"} if session else {}
    address = server.url.replace("http", "ws", 1) + path
    return connect(address, additional_headers=headers, origin=server.url)


async def picture(watcher, *words):
    """The pieces of the page, once the picture has all these words."""
    async with asyncio.timeout(30):
        async for text in watcher:
            pieces = json.loads(text)
            if all(word in pieces["picture"] for word in words):
                return pieces
    raise AssertionError(f"closed before {words} came")


async def test_staff_see_a_conversation_while_it_happens(server):
    async with open_websocket(server, "/wiretap/", server.sessions[0]) as watcher:
        async with open_websocket(server, "/ws/ping/") as guest:
            await guest.send("<b>one</b>")
            pieces = await picture(watcher, "/ws/ping/", "&lt;b&gt;one", "waits in")
            assert "/ws/ping/ from port" in pieces["choices"]
        await picture(watcher, "/ws/ping/", "has returned")


async def test_staff_choose_which_conversation_they_see(server):
    async with (
        open_websocket(server, "/wiretap/", server.sessions[0]) as watcher,
        open_websocket(server, "/ws/ping/"),
    ):
        pieces = await picture(watcher, "/ws/ping/")
        async with open_websocket(server, "/"):
            await picture(watcher, "websocket /:")
            first = pieces["choices"].partition('value="')[2].partition('"')[0]
            await watcher.send(json.dumps({"press": "choose", "program": first}))
            await picture(watcher, "/ws/ping/")


@pytest.mark.parametrize("who", ["a guest", "a user"])
async def test_nobody_else_watches(server, who):
    session = server.sessions[1] if who == "a user" else None
    with pytest.raises(InvalidStatus, match="403"):
        await open_websocket(server, "/wiretap/", session)
    page = fetch(f"{server.url}/wiretap/")
    assert page.headers["location"] == "/admin/login/?next=/wiretap/"


def test_without_the_setting_there_is_no_wiretap(application):
    from django.urls import Resolver404, resolve

    for urls in ("websocket_app.urls", "websocket_app.websocket_urls"):
        with pytest.raises(Resolver404):
            resolve("/wiretap/", urls)


def test_in_production_the_setting_stops_the_start():
    with pytest.raises(subprocess.CalledProcessError) as ended:
        subprocess.run(
            [sys.executable, "manage.py", "check"],
            cwd=STAGE,
            env={
                **{"DEBUG": "0", "SECRET_KEY": "x" * 50, "ALLOWED_HOSTS": "a.example"},
                "WIRETAP": "1",
            },
            capture_output=True,
            text=True,
            check=True,
        )
    assert "WIRETAP=1 shows everybody's messages to staff" in ended.value.stderr
