"""What hangs on a websocket's two hooks, and on the server's life."""

import subprocess
import sys
from contextlib import asynccontextmanager

import pytest
from sockets.codes import Refused
from sockets.testing import SocketRefused

from tests.support.processes import ROOT


async def test_each_callback_at_the_end_is_called_whatever_another_one_raises(
    talk, caplog
):
    seen = []

    def fails(socket):
        seen.append("fails")
        raise ValueError("a callback of somebody's")

    async def handler(socket):
        socket.on_accept.append(fails)
        socket.on_accept.append(lambda _: seen.append("accepted"))
        socket.on_end.append(fails)
        socket.on_end.append(lambda _: seen.append("ended"))
        await socket.accept()
        await socket.send("still here")

    async with talk(handler) as client:
        assert await client.receive() == "still here"
        assert await client.closed() == (1000, "")
    assert seen == ["fails", "accepted", "fails", "ended"]
    assert [record.exc_info[0] for record in caplog.records] == [ValueError] * 2


async def test_a_function_on_connect_refuses_a_websocket(talk, monkeypatch):
    from sockets import handling

    def full(socket):
        raise Refused(503, "No.")

    async def never_called(socket):
        raise AssertionError

    monkeypatch.setattr(handling, "on_connect", [full])
    with pytest.raises(SocketRefused, match="503"):
        await talk(never_called).__aenter__()


WITHOUT_AUTH = """
import django
from django.conf import settings

settings.configure(INSTALLED_APPS={apps}, SOCKETS={{"HANDSHAKE": ()}})
django.setup()
from sockets.dispatch import Dispatch

Dispatch(None)
print("imported")
"""


def python(code):
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT / "04_django_wrapper",
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )


def test_the_layer_is_imported_in_a_project_without_auth():
    done = python(WITHOUT_AUTH.format(apps=["sockets"]))
    assert done.stdout == "imported\n", done.stderr


def test_a_project_without_the_app_is_told_to_install_it():
    done = python(WITHOUT_AUTH.format(apps=[]))
    assert "ImproperlyConfigured: Put 'sockets' into INSTALLED_APPS." in done.stderr
    assert done.returncode == 1


async def test_lifetimes_end_in_the_reverse_of_their_order(application, monkeypatch):
    from sockets import dispatch

    seen = []

    def lifetime(name):
        @asynccontextmanager
        async def block():
            seen.append(f"{name} begins")
            yield
            seen.append(f"{name} ends")

        return block

    monkeypatch.setattr(dispatch, "lifetimes", [lifetime("one"), lifetime("two")])
    events = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive():
        return events.pop(0)

    async def send(event):
        seen.append(event["type"])

    await dispatch.Dispatch(None)({"type": "lifespan"}, receive, send)
    assert seen == [
        "one begins",
        "two begins",
        "lifespan.startup.complete",
        "two ends",
        "one ends",
        "lifespan.shutdown.complete",
    ]
