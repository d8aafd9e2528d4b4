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


# The server's life


async def live(application, events=("startup", "shutdown")):
    """What an application tells a server at its start and its end."""
    to_come = [{"type": f"lifespan.{event}"} for event in events]
    said = []

    async def receive():
        return to_come.pop(0)

    async def send(event):
        said.append(event)

    await application({"type": "lifespan", "state": {}}, receive, send)
    return [event["type"] for event in said], said


async def test_the_lifespan_of_the_http_application_is_called(application):
    from sockets.dispatch import Dispatch

    seen = []

    async def pages(scope, receive, send):
        seen.append((await receive())["type"])
        scope["state"]["ready"] = True
        await send({"type": "lifespan.startup.complete"})
        seen.append((await receive())["type"])
        await send({"type": "lifespan.shutdown.complete"})

    types, _ = await live(Dispatch(pages))
    assert types == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert seen == ["lifespan.startup", "lifespan.shutdown"]


async def test_an_http_application_without_a_lifespan_starts(application, caplog):
    from django.core.asgi import get_asgi_application
    from sockets.dispatch import Dispatch

    types, _ = await live(Dispatch(get_asgi_application()))
    assert types == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert caplog.records == []


async def test_a_start_that_fails_ends_the_server_s_start_in_words(application, caplog):
    from sockets.dispatch import Dispatch

    async def pages(scope, receive, send):
        await receive()
        message = "the table of prices is empty"
        await send({"type": "lifespan.startup.failed", "message": message})

    types, [event] = await live(Dispatch(pages))
    assert types == ["lifespan.startup.failed"]
    assert event["message"] == "the table of prices is empty"
    assert "the startup of the site has failed" in caplog.text


async def test_a_lifetime_that_fails_ends_the_server_s_start_in_words(
    application, monkeypatch, caplog
):
    from sockets import dispatch

    @asynccontextmanager
    async def fails():
        raise OSError("no such host: redis")
        yield

    monkeypatch.setattr(dispatch, "lifetimes", [fails])
    types, [event] = await live(dispatch.Dispatch(None))
    assert types == ["lifespan.startup.failed"]
    assert event["message"] == "no such host: redis"


async def test_an_end_that_fails_is_told_to_the_server(
    application, monkeypatch, caplog
):
    from sockets import dispatch

    @asynccontextmanager
    async def fails():
        yield
        raise OSError("the disk is full")

    monkeypatch.setattr(dispatch, "lifetimes", [fails])
    types, _ = await live(dispatch.Dispatch(None))
    assert types == ["lifespan.startup.complete", "lifespan.shutdown.failed"]


async def test_an_application_that_mounts_the_layer_enters_its_lifetimes(
    application, monkeypatch
):
    from sockets import dispatch

    seen = []

    @asynccontextmanager
    async def drains():
        seen.append("begins")
        yield
        seen.append("ends")

    monkeypatch.setattr(dispatch, "lifetimes", [drains])
    async with dispatch.lifetime():
        assert seen == ["begins"]
    assert seen == ["begins", "ends"]


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
