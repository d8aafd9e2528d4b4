"""Real servers for what goes wrong: nothing here runs in the test's own process."""

import json
import os
import subprocess
import sys

import pytest

from tests.support.peers import idle
from tests.support.processes import ROOT
from tests.support.servers import UVICORNS, socket_site

# Anna's sessions: a good one, an expired one, some under the key before the present one
# (one for each server), and one under a key of nobody.
PREPARE = """
import django, json
django.setup()
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command
from django.db import transaction
from django.http import HttpRequest
from django.test import override_settings
from chat.models import Message, Room
call_command("migrate", verbosity=0)
losses = ["log-out", "password", "deactivation"]  # each has a person of that name
anna = User.objects.create(username="anna")
def session(user=anna, **changed):
    with override_settings(**changed):
        request = HttpRequest()
        request.session = SessionStore()
        login(request, user, "django.contrib.auth.backends.ModelBackend")
        request.session.save()
        return request.session.session_key
room = Room.objects.create(name="Private", slug="private", members_only=True)
room.members.add(anna)
Room.objects.create(name="Not private", slug=room.group)
for number in range(20):
    Room.objects.create(name=f"Empty {number}", slug=f"empty-{number}")
full = Room.objects.create(name="Full", slug="full")
other = Room.objects.create(name="Other", slug="other")
def store(room, key):
    return Message.objects.create(room=room, name="Ben", text="hello", key=key).pk
with transaction.atomic():
    ids = [store(full, str(number)) for number in range(100)]
    foreign = store(other, "foreign")
    ids += [store(full, str(number)) for number in range(100, 251)]
print(json.dumps({
    "private": {"slug": room.slug, "group": room.group},
    "stored": {"ids": ids, "foreign": foreign},
    "sessions": {
        "good": session(),
        "expired": session(SESSION_COOKIE_AGE=-1),
        "old keys": [session(SECRET_KEY="the one before") for _ in range(3)],
        "other key": session(SECRET_KEY="of nobody"),
        **{name: session(User.objects.create(username=name)) for name in losses},
    },
}))
"""


@pytest.fixture(scope="session", autouse=True)
def files():
    """500 clients in one process; macOS lets it open 256 files unless it asks."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2_000), hard))


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """A database for the servers' own processes, and what is in it."""
    path = tmp_path_factory.mktemp("faults") / "database.sqlite3"
    environment = {
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "tests.support.socket_settings",
        "DATABASE_URL": f"sqlite:///{path}",
    }
    printed = subprocess.run(
        [sys.executable, "-c", PREPARE],
        cwd=ROOT / "04_django_wrapper",
        env={**os.environ, **environment},
        check=True,
        stdout=subprocess.PIPE,
    ).stdout
    return path, json.loads(printed)


@pytest.fixture(scope="session")
def database(prepared):
    return prepared[0]


@pytest.fixture(scope="session")
def sessions(prepared):
    return prepared[1]["sessions"]


@pytest.fixture(scope="session")
def private(prepared):
    return prepared[1]["private"]


@pytest.fixture(scope="session")
def stored(prepared):
    """The ids of 251 messages in the room "full", and of one of another room."""
    return prepared[1]["stored"]


@pytest.fixture(scope="module", params=UVICORNS)
def server(request, database):
    """The handlers of ``tests/support/socket_handlers.py`` under each uvicorn, with the
    test module's ``SOCKETS``, if it has any."""
    settings = getattr(request.module, "SOCKETS", {})
    with socket_site(request.param, database, **settings) as process:
        process.name = request.param
        process.idle = idle(process)
        yield process
