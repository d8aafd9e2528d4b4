"""The reference's live server, in a new project: Chromium, pytest, PostgreSQL."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.support import postgres
from tests.support.browsers import QUIET
from tests.support.processes import ROOT
from tests.support.readmes import python_of
from workshop.command.doctor import find_browser

OWN_DATABASE = """
import os
import re

if "DATABASE" in os.environ:
    address = re.fullmatch(r"postgres://(.+)@(.+):(.+)/(.+)", os.environ["DATABASE"])
    user, host, port, name = address.groups()
    DATABASES["default"] = {
        "ENGINE": "django.db.backends.postgresql",
        "USER": user,
        "HOST": host,
        "PORT": port,
        "NAME": name,
    }
"""
OPTIONS = """
[pytest]
DJANGO_SETTINGS_MODULE = mysite.settings
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
"""


MORE = """
from contextlib import asynccontextmanager
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from asgiref.sync import SyncToAsync
from django.contrib.auth.models import User
from django.db import connection, connections, transaction
from sockets import dispatch
from sockets.live_server import live_server
from websockets.sync.client import connect


def test_async_code_shares_a_database_in_memory(sockets_live_server):
    own = connections["default"]
    thread = SyncToAsync.single_thread_executor  # of async code in tests
    used = thread.submit(connections.__getitem__, "default").result()
    assert (own is used) == (own.vendor == "sqlite")


def test_the_server_shares_a_database_in_memory(sockets_live_server, client):
    room = sockets_live_server.replace("http", "ws") + "/ws/rooms/lobby/"
    with transaction.atomic():  # another connection sees nothing of it, or waits for it
        client.force_login(User.objects.create(username="anna"))
        cookie = {"Cookie": f"sessionid={client.cookies['sessionid'].value}"}
        options = {"origin": sockets_live_server, "additional_headers": cookie}
        with connect(room, **options) as anna:
            anna.send("hello")
            who = "anna" if connection.vendor == "sqlite" else "somebody"
            assert anna.recv() == f"{who}: hello"


def test_the_server_is_gone_with_its_block(transactional_db):
    with live_server("127.0.0.1") as url:
        urlopen(url + "/admin/login/").close()
    with pytest.raises(URLError):
        urlopen(url + "/admin/login/")


def test_a_server_that_cannot_start_says_so(monkeypatch, transactional_db):
    @asynccontextmanager
    async def fails():
        raise OSError("no such host: redis")
        yield

    monkeypatch.setattr(dispatch, "lifetimes", [fails])
    with pytest.raises(RuntimeError, match="the server has failed"):
        with live_server():
            pass
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A new project with the reference's files, those of its tests included."""
    folder = tmp_path_factory.mktemp("live")
    command = [sys.executable, "-m", "django", "startproject", "mysite", str(folder)]
    subprocess.run(command, check=True, timeout=300)
    bytecode = shutil.ignore_patterns("__pycache__")
    layer = ROOT / "04_django_wrapper" / "sockets"
    shutil.copytree(layer, folder / "sockets", ignore=bytecode)
    blocks = [
        block
        for heading in ("Copy it into your project", "Tests of your handlers")
        for block in python_of("04_django_wrapper", heading)
    ]
    for block in blocks:
        named = re.match(r"# ((?:mysite/)?\w+\.py)(, at its end)?\n", block)
        if named is None:
            continue
        file = folder / named[1]
        before = file.read_text("utf-8") if named[2] else ""
        file.write_text(before + block, "utf-8")
    settings = folder / "mysite" / "settings.py"
    settings.write_text(settings.read_text("utf-8") + OWN_DATABASE, "utf-8")
    (folder / "pytest.ini").write_text(OPTIONS, "utf-8")
    (folder / "mysite" / "test_more.py").write_text(MORE, "utf-8")
    return folder


def run(project, *command, **environment):
    done = subprocess.run(
        [sys.executable, *command],
        cwd=project,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "mysite.settings", **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_chromium_meets_pages_websockets_and_the_test_s_rows(project):
    path = find_browser()
    if path is None and os.environ.get("CI") != "true":
        pytest.skip("no Chromium or Chrome found")
    arguments = [*QUIET, "--no-sandbox"]  # root may run a browser only without it
    file = project / "mysite" / "test_browser.py"
    code = file.read_text("utf-8")
    own = f"launch(executable_path={str(path)!r}, args={arguments!r})"
    assert code.count("launch()") == 1
    file.write_text(code.replace("launch()", own), "utf-8")
    said = run(project, "manage.py", "test", "mysite.test_browser")
    assert "Ran 1 test" in said and "OK" in said
    assert "Traceback" not in said


FILES = [f"mysite/test_{name}.py" for name in ("live", "more", "rooms")]


def test_the_fixture_serves_tests_of_pytest_django(project):
    assert "7 passed" in run(project, "-m", "pytest", *FILES)


def test_a_live_server_leaves_a_postgresql_that_can_be_dropped(project):
    """The server's threads have connections of their own, and close them."""
    reason = postgres.missing()
    if reason and os.environ.get("CI") != "true":
        pytest.skip(reason)
    assert not reason
    with postgres.running_postgres() as address:
        said = run(project, "-m", "pytest", *FILES, DATABASE=address)
    assert "7 passed" in said
    assert "warning" not in said.lower()
