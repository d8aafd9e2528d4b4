"""A project that has copied the layer checks its types: mypy strict, django-stubs."""

import os
import shutil
import subprocess
import sys

from tests.support.processes import ROOT

PROJECT = {
    "mypy.ini": """
[mypy]
strict = True
plugins = mypy_django_plugin.main
[mypy.plugins.django-stubs]
django_settings_module = mysite.settings
""",
    "mysite/__init__.py": "",
    "mysite/settings.py": """
SECRET_KEY = "of this test"
INSTALLED_APPS = ["sockets", "django.contrib.auth", "django.contrib.contenttypes",
    "django.contrib.sessions"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db"}}
SOCKETS = {"URLCONF": "mysite.websocket_urls"}
""",
    "mysite/handlers.py": """
from django.contrib.auth.models import User
from sockets import events
from sockets.codes import BadMessage, Refused
from sockets.connection import Socket
from sockets.database import database
from sockets.events import Event, Lost
from sockets.groups import groups


async def room(socket: Socket, name: str) -> None:
    if not socket.user.is_authenticated:
        raise Refused(401, "Log in first.")
    await socket.accept()
    async with database():
        count = await User.objects.acount()
    await socket.send_json({"users": count})
    async with groups.join(f"room-{name}", socket):
        async for message in socket:
            if isinstance(message, bytes):
                raise BadMessage("Text, please.")
            await groups.publish(f"room-{name}", message)


async def seats(socket: Socket, name: str) -> None:
    await socket.accept()
    async with events.of(socket, f"seats-{name}") as feed:
        async for item in feed:
            match item:
                case Event(value={"seat": str(seat)}):
                    await socket.send(seat)
                case Lost():
                    await groups.add("all", socket)
                case str():
                    await groups.publish_json(name, {"seat": item}, but=socket)


async def step(socket: Socket) -> None:
    if socket.request.GET.get("key") is None:
        raise Refused(402, "Pay first.")
""",
    "mysite/websocket_urls.py": r"""
from django.urls import include
from sockets.routing import path, re_path

from mysite.handlers import room

urlpatterns = [
    path("ws/<slug:name>/", room, name="room"),
    re_path(r"^ws/old/(?P<name>\w+)/$", room),
    path("ws/nested/", include([path("<slug:name>/", room)])),
]
""",
    "mysite/asgi.py": """
from django.core.asgi import get_asgi_application

django_application = get_asgi_application()

from sockets.dispatch import Dispatch

application = Dispatch(django_application)
""",
    "mysite/tests.py": """
from sockets.testing import SocketClient

from mysite.asgi import application


async def test() -> None:
    async with SocketClient(application, "/ws/lobby/") as client:
        await client.send("hello")
        assert await client.receive() == "hello"
""",
}


def checked(folder):
    """What mypy says of the folder's two packages."""
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "sockets", "mysite"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=900,
    )
    return done.stdout + done.stderr


def test_a_project_with_django_stubs_passes_mypy_strict(tmp_path, monkeypatch):
    monkeypatch.delenv("MYPYPATH", raising=False)
    bytecode = shutil.ignore_patterns("__pycache__")
    copied = tmp_path / "sockets"
    shutil.copytree(ROOT / "04_django_wrapper" / "sockets", copied, ignore=bytecode)
    for name, text in PROJECT.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")
    assert "Success: no issues found" in checked(tmp_path)

    # And mypy does look: a handler that sends a number is found.
    handlers = tmp_path / "mysite" / "handlers.py"
    wrong = handlers.read_text("utf-8").replace(
        'send_json({"users": count})', "send(1)"
    )
    handlers.write_text(wrong, "utf-8")
    assert 'has incompatible type "int"' in checked(tmp_path)
