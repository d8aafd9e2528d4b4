"""When rights end, so do the websockets that were opened with them."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
from asgiref.sync import sync_to_async
from django.core.cache import cache
from django.core.cache.backends.locmem import LocMemCache
from django.http import HttpResponse
from django.test import AsyncClient, Client, RequestFactory, override_settings
from sockets.groups import groups
from sockets.steps import live, recheck
from sockets.steps.recheck import look
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.support.peers import until
from tests.support.processes import ROOT
from tests.support.redis_server import running_redis
from tests.support.servers import socket_site

UVICORN = "uvicorn-sansio"
ENGINES = "django.contrib.sessions.backends."
SESSION, CHANGED = (4401, "logged out"), (4401, "your account has changed")


async def echo(socket):
    await socket.accept()
    async for message in socket:
        await socket.send(message)


async def is_open(client):
    await client.send("still here")
    return await client.receive() == "still here"


@pytest.fixture
def talk(talk):
    """As ever, but a round comes only when the test makes one."""

    def talk_by_hand(handler, sockets=(), **options):
        conf = {"RECHECK_SECONDS": 60, **dict(sockets)}
        return talk(handler, sockets=conf, **options)

    return talk_by_hand


@pytest.fixture
def anna(tables):
    from django.contrib.auth.models import User  # now, since the apps are loaded

    yield User.objects.create(username="anna", password="a hash")
    User.objects.filter(username="anna").delete()


@pytest.fixture
def psql(database):
    """``psql(statement)``: somebody changes the database, and Django hears nothing."""

    def psql(statement, *values):
        with closing(sqlite3.connect(database)) as connection, connection:
            assert connection.execute(statement, values).rowcount != 0

    return psql


# Rights end


@pytest.mark.parametrize(
    ("statement", "end"),
    [
        ("update auth_user set is_active = 0", CHANGED),
        ("update auth_user set password = 'another'", CHANGED),
        ("delete from auth_user", CHANGED),
        ("delete from django_session", SESSION),
        ("update django_session set expire_date = '2000-01-01 00:00:00'", SESSION),
    ],
)
async def test_what_another_program_ends_is_closed_in_the_next_round(
    talk, anna, psql, statement, end
):
    async with talk(echo, user=anna) as client:
        await look()
        assert await is_open(client)
        psql(statement)
        await look()
        assert await client.closed() == end


def test_two_workers_close_whom_another_program_has_deactivated(anna, psql, workers):
    workers(RECHECK_SECONDS=0.1)
    clients = workers.open(log_in(anna))
    psql("update auth_user set is_active = 0")
    assert [end_of(client) for client in clients] == [CHANGED] * 2


def test_who_logs_out_is_closed_at_once_by_all_workers_over_redis(
    anna, workers, tmp_path
):
    with running_redis(tmp_path) as redis:
        workers(RECHECK_SECONDS=60, REDIS_URL=redis.url)
        here, elsewhere = log_in(anna), log_in(anna)
        clients, [other, _] = workers.open(here), workers.open(elsewhere)
        group = f"sockets:0:{recheck.LOGGED_OUT}"
        until(lambda: redis.command("PUBSUB", "NUMSUB", group) == [group, 2])
        with override_settings(SOCKETS={"REDIS_URL": redis.url}):
            here.logout()  # as a view would, in a process that has no websockets
        assert [end_of(client) for client in clients] == [SESSION] * 2
        other.send("still here")
        assert other.recv(timeout=30) == "still here"


class Workers(ExitStack):
    """Two servers, each a process of its own; they have the database in common."""

    def __init__(self, database):
        super().__init__()
        self.database = database

    def __call__(self, **sockets):
        self.urls = [
            self.enter_context(socket_site(UVICORN, self.database, **sockets)).url
            for _ in range(2)
        ]

    def open(self, browser):
        """A websocket of this browser to each."""
        cookie = {"Cookie": f"sessionid={browser.cookies['sessionid'].value}"}
        return [
            self.enter_context(
                connect(
                    url.replace("http", "ws", 1) + "/echo/",
                    origin=url,
                    additional_headers=cookie,
                )
            )
            for url in self.urls
        ]


@pytest.fixture
def workers(database):
    with Workers(database) as workers:
        yield workers


def log_in(user):
    """A browser, with a session that those processes can read."""
    from tests.support import socket_settings  # now, since it reads the environment

    browser = Client()
    with override_settings(SECRET_KEY=socket_settings.SECRET_KEY):
        browser.force_login(user)
    return browser


def end_of(client):
    with pytest.raises(ConnectionClosed) as closed:
        client.recv(timeout=30)
    return closed.value.rcvd.code, closed.value.rcvd.reason


async def test_what_says_nothing_of_rights_is_no_end(talk, anna, psql):
    async with talk(echo, user=anna) as client, talk(echo) as stranger:
        psql("update auth_user set last_login = '2026-01-01', first_name = 'Anna'")
        psql("update django_session set expire_date = '2099-01-01 00:00:00'")
        await look()
        assert await is_open(client) and await is_open(stranger)


async def test_the_rounds_go_on_by_themselves_while_there_are_websockets(
    talk, anna, psql
):
    sockets = {"RECHECK_SECONDS": 0.01}
    before = asyncio.all_tasks()
    async with talk(echo, sockets=sockets, user=anna) as client:
        async with talk(echo, sockets=sockets) as other:
            [rounds] = {t for t in asyncio.all_tasks() - before if is_rounds(t)}
            psql("update auth_user set is_active = 0")
            assert await client.closed() == CHANGED
            assert await is_open(other)
            assert not rounds.done()
    done, _ = await asyncio.wait([rounds], timeout=30)
    assert done and recheck.rounds is None
    assert not any(is_rounds(task) for task in asyncio.all_tasks())
    async with talk(echo):
        assert recheck.rounds is not None


def is_rounds(task):
    return task.get_coro().__name__ == "_rounds"


def test_the_default_closes_within_five_seconds():
    from sockets.conf import Conf
    from sockets.deadline import PATIENCE

    assert Conf.RECHECK_SECONDS + PATIENCE < 5  # a stubborn handler has PATIENCE


async def test_a_round_neither_writes_nor_prolongs_a_session(talk, anna, psql):
    from django.contrib.sessions.models import Session

    with override_settings(SESSION_SAVE_EVERY_REQUEST=True):
        async with talk(echo, user=anna):
            psql("update django_session set expire_date = '2098-01-01 00:00:00'")
            before = [row async for row in Session.objects.values()]
            await look()
            assert [row async for row in Session.objects.values()] == before


# How much it asks


async def test_a_round_asks_for_hundreds_of_websockets_in_two_queries(
    talk, anna, monkeypatch
):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from sockets.steps.rights import lost

    def asked(sockets):
        with CaptureQueriesContext(connection) as queries:
            assert lost(sockets) == []
        return len(queries)

    async with talk(echo, user=anna) as first:
        same = {"headers": {"cookie": first.headers["cookie"]}}
        async with talk(echo, **same), talk(echo, user=anna), talk(echo):
            assert await sync_to_async(asked)(list(live.connected)) == 2
    async with talk(echo):  # a stranger without a session
        assert await sync_to_async(asked)(list(live.connected)) == 0
    assert recheck.BATCH * 20 == 10_000


async def test_more_websockets_than_a_batch_are_all_looked_at(
    talk, anna, psql, monkeypatch
):
    monkeypatch.setattr(recheck, "BATCH", 2)
    async with (
        talk(echo, user=anna) as one,
        talk(echo, user=anna) as two,
        talk(echo, user=anna) as three,
    ):
        psql("delete from django_session")
        await look()
        for client in (one, two, three):
            assert await client.closed() == SESSION


async def test_a_database_that_fails_costs_one_line_and_nobody_s_websocket(
    talk, anna, psql, caplog
):
    sockets = {"RECHECK_SECONDS": 0.001, "MESSAGES_AT_ONCE": 1_000_000}
    async with talk(echo, sockets=sockets, user=anna) as client:
        psql("alter table auth_user rename to away")
        try:
            while not caplog.records:
                assert await is_open(client)
            for _ in range(50):  # some more rounds
                assert await is_open(client)
        finally:
            psql("alter table away rename to auth_user")
        assert await is_open(client)
        psql("update auth_user set is_active = 0")
        assert await client.closed() == CHANGED
    failed, closed = caplog.records
    assert failed.getMessage() == "sessions and users cannot be read"
    assert closed.getMessage().startswith("closed '/' with 4401")


# Logging out


async def test_a_handler_that_logs_its_own_user_out_ends_the_session(talk, anna):
    from django.contrib.auth import alogout
    from django.contrib.sessions.models import Session

    left = []

    async def handler(socket):
        await socket.accept()
        await socket.receive()
        await alogout(socket.request)
        left.append(await Session.objects.acount())

    async with talk(handler, user=anna) as client:
        before = await Session.objects.acount()
        await client.send("log me out")
        assert await client.closed() == SESSION
    assert left == [before - 1]


async def test_who_logs_out_is_closed_at_once_and_on_this_device_only(
    talk, anna, application
):
    async with talk(echo, user=anna) as here, talk(echo, user=anna) as elsewhere:
        same = {"headers": {"cookie": here.headers["cookie"]}}
        async with talk(echo, **same) as other_window, talk(echo) as stranger:
            await log_out(here)
            assert await here.closed() == SESSION
            assert await other_window.closed() == SESSION
            assert await is_open(elsewhere) and await is_open(stranger)
            await look()
            assert await is_open(elsewhere) and await is_open(stranger)


async def log_out(client):
    """The browser of this websocket asks for the page that logs it out."""
    name, _, key = client.headers["cookie"].partition("=")
    browser = AsyncClient()
    browser.cookies[name] = key
    await browser.alogout()


async def test_a_log_out_tells_no_session_s_key(talk, anna):
    told = []
    async with talk(echo, user=anna) as client:
        async with groups.listen(recheck.LOGGED_OUT, told.append):
            await log_out(client)
            assert await client.closed() == SESSION
    [event] = told
    assert client.headers["cookie"].partition("=")[2] not in event["text"]


async def test_a_log_out_without_a_session_closes_nobody(talk):
    from django.contrib.auth.signals import user_logged_out

    async with talk(echo) as client:
        for request in (None, RequestFactory().get("/")):
            await user_logged_out.asend(None, request=request, user=None)
        assert await is_open(client)


async def test_a_handler_s_groups_are_all_its_own(talk):
    async def handler(socket):
        await socket.accept()
        async with groups.join("one", socket):
            await socket.send(await socket.receive())
            async with groups.join("two", socket):
                pass

    async with talk(handler, sockets={"GROUPS": 1}) as client:
        assert await is_open(client)
        assert await client.closed() == (1008, "too many groups")


# Other engines, backends and users


def forgotten(folder):
    cache.clear()
    for file in folder.iterdir():
        file.unlink()


def aged(folder):
    for file in folder.iterdir():
        os.utime(file, (0, 0))


def too_old(folder):
    return override_settings(SESSION_COOKIE_AGE=-1)


@pytest.fixture(scope="module")
def sessions(tmp_path_factory):
    return tmp_path_factory.mktemp("sessions")  # Django asks once where they are


@pytest.mark.parametrize(
    ("engine", "how"),
    [
        ("cached_db", "delete from django_session"),
        ("cached_db", "update django_session set expire_date = '2000-01-01 00:00:00'"),
        ("cache", forgotten),
        ("file", forgotten),
        ("file", aged),
        ("signed_cookies", too_old),
    ],
)
async def test_a_session_ends_wherever_it_is_kept(
    talk, anna, psql, sessions, keep_in, engine, how
):
    with ExitStack() as stack:
        stack.enter_context(keep_in(engine))
        async with talk(echo, user=anna) as client:
            await look()
            assert await is_open(client)
            if isinstance(how, str):
                psql(how)
            elif setting := how(sessions):
                stack.enter_context(setting)
            await look()
            assert await client.closed() == SESSION


@pytest.fixture
def keep_in(sessions, monkeypatch):
    """``with keep_in("cache"):`` sessions are kept there."""
    from sockets.steps import handshake  # now, since the apps are loaded

    @contextmanager
    def keep_in(engine):
        kept = {"SESSION_ENGINE": ENGINES + engine, "SESSION_FILE_PATH": str(sessions)}
        with override_settings(**kept):
            middleware = handshake.SessionMiddleware(HttpResponse)
            monkeypatch.setattr(handshake, "_sessions", middleware)
            yield

    forgotten(sessions)
    return keep_in


async def test_a_cache_that_is_away_logs_nobody_out(talk, anna, keep_in, monkeypatch):
    def away(*_):
        raise ConnectionError("the cache is away")

    with keep_in("cache"):
        async with talk(echo, user=anna) as client:
            with monkeypatch.context() as patch:
                patch.setattr(LocMemCache, "get", away)
                with pytest.raises(ConnectionError):
                    await look()
            await look()
            assert await is_open(client)


async def test_a_file_that_cannot_be_read_logs_nobody_out(
    talk, anna, keep_in, sessions, tmp_path
):
    with keep_in("file"):
        async with talk(echo, user=anna) as client:
            [file] = sessions.iterdir()
            file.rename(tmp_path / "kept")
            file.mkdir()  # root may read every file, but no folder as a file
            with pytest.raises(OSError, match=file.name):
                await look()
            file.rmdir()
            (tmp_path / "kept").rename(file)
            await look()
            assert await is_open(client)


async def test_a_round_leaves_the_folder_of_sessions_as_it_is(
    talk, anna, keep_in, sessions
):
    with keep_in("file"):
        async with talk(echo, user=anna) as client:
            aged(sessions)
            before = list(sessions.iterdir())
            await look()
            assert await client.closed() == SESSION
            assert list(sessions.iterdir()) == before != []


async def test_the_backend_says_who_may_log_in(talk, anna, psql):
    backends = "django.contrib.auth.backends."
    with override_settings(
        AUTHENTICATION_BACKENDS=[backends + "AllowAllUsersModelBackend"]
    ):
        async with talk(echo, user=anna) as client:
            psql("update auth_user set is_active = 0")
            await look()
            assert await is_open(client)
            psql("update auth_user set password = 'another'")
            await look()
            assert await client.closed() == CHANGED


async def test_a_user_found_by_a_step_of_one_s_own_needs_no_session(talk, anna, psql):
    async def handler(socket):
        socket.user = anna
        await socket.accept()
        await socket.receive()

    async with talk(handler) as client:
        await look()
        psql("update auth_user set is_active = 0")
        await look()
        assert await client.closed() == CHANGED


async def test_a_user_by_token_beside_somebody_else_s_session_stays(talk, anna, psql):
    """A member of the staff tries the app as somebody else, in the same browser."""
    from django.contrib.auth.models import User

    other = await User.objects.acreate(username="other", password="another hash")

    async def by_token(socket):
        socket.user = other
        await socket.accept()
        async for message in socket:
            await socket.send(message)

    try:
        async with talk(by_token, user=anna) as client:
            await look()
            assert await is_open(client)
            await log_out(client)  # Anna's session has nothing to do with it
            await look()
            assert await is_open(client)
            psql("update auth_user set is_active = 0 where username = 'other'")
            await look()
            assert await client.closed() == CHANGED
    finally:
        await other.adelete()


async def test_a_user_without_a_table_stays(talk):
    class Device:
        pk = 7
        is_authenticated = True

    async def handler(socket):
        socket.user = Device()
        await socket.accept()
        async for message in socket:
            await socket.send(message)

    async with talk(handler) as client:
        await look()
        assert await is_open(client)


async def test_rounds_that_cannot_begin_say_so(talk, caplog, monkeypatch):
    def fail(*_):
        raise RuntimeError("no groups")

    monkeypatch.setattr(groups, "listen", fail)
    async with talk(echo) as client:
        assert await is_open(client)
    assert "the rounds have ended" in caplog.text


def test_a_project_may_have_users_of_its_own(tmp_path):
    """Without a password, with ``is_active`` in other words, with another key."""
    for name, text in PROJECT.items():
        Path(tmp_path, name).parent.mkdir(exist_ok=True)
        Path(tmp_path, name).write_text(text, "utf-8")
    done = subprocess.run(
        [sys.executable, "program.py"],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT / "04_django_wrapper"), "."]),
            "DJANGO_SETTINGS_MODULE": "settings",
        },
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.returncode) == ("4401\n4401\n", 0), done.stderr


PROJECT = {
    "settings.py": """
SECRET_KEY = "of this test"
ALLOWED_HOSTS = ["testserver"]
INSTALLED_APPS = ["sockets", "people", "django.contrib.auth",
    "django.contrib.contenttypes", "django.contrib.sessions"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db"}}
AUTH_USER_MODEL = "people.Person"
AUTHENTICATION_BACKENDS = ["people.backends.Backend"]
SOCKETS = {"URLCONF": "program"}
""",
    "people/__init__.py": "",
    "people/models.py": """
from django.db import models

class Person(models.Model):
    badge = models.CharField(max_length=9, primary_key=True)
    left = models.BooleanField(default=False)
    last_login = models.DateTimeField(null=True)
    USERNAME_FIELD, REQUIRED_FIELDS = "badge", []
    is_authenticated, is_anonymous = True, False

    @property
    def is_active(self):
        return not self.left

    def get_session_auth_hash(self):  # Django 6.1 wants one, without a password, too
        return "the same for ever"
""",
    "people/backends.py": """
from django.contrib.auth.backends import BaseBackend
from people.models import Person

class Backend(BaseBackend):
    def get_user(self, badge):
        return Person.objects.filter(pk=badge, left=False).first()
""",
    "program.py": """
import asyncio
import django
django.setup()
from asgiref.sync import sync_to_async
from django.core.management import call_command
from django.urls import path
from people.models import Person
from sockets.dispatch import Dispatch
from sockets.steps.recheck import look
from sockets.testing import SocketClient

async def echo(socket):
    await socket.accept()
    async for message in socket:
        await socket.send(message)

urlpatterns = [path("", echo)]

async def main():
    await sync_to_async(call_command)("migrate", run_syncdb=True, verbosity=0)
    anna = await Person.objects.acreate(badge="A 1")
    ben = await Person.objects.acreate(badge="B 2")
    async with (
        SocketClient(Dispatch(None), "/", user=anna) as one,
        SocketClient(Dispatch(None), "/", user=ben) as two,
    ):
        await look()
        await one.send("hello")
        await one.receive()
        await Person.objects.filter(pk="A 1").aupdate(left=True)
        await look()
        print((await one.closed())[0])
        await two.send("hello")
        await two.receive()
        await Person.objects.all().adelete()
        await look()
        print((await two.closed())[0])

if __name__ == "__main__":
    asyncio.run(main())
""",
}


# Silence


async def test_who_is_silent_for_too_long_is_closed_with_1001(talk):
    sockets = {"IDLE_SECONDS": 1e-9}  # less than two rounds are apart
    async with talk(echo, sockets=sockets) as client:
        await look()
        assert await is_open(client)  # it has spoken between two rounds
        await look()
        assert await is_open(client)
        await look()
        await look()
        assert await client.closed() == (1001, "silent for too long")


async def test_silence_is_no_fault_by_default(talk):
    async with talk(echo) as client:
        for _ in range(3):
            await look()
        assert await is_open(client)
