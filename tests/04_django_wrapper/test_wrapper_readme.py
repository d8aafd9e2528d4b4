"""What the README shows of the layer: each table and each snippet is run."""

import asyncio
import inspect
import re
import sys
import threading
from contextlib import AsyncExitStack, suppress
from dataclasses import fields
from types import ModuleType

import asgiref
import pytest
from django.conf import settings
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.core.management import call_command
from django.http import Http404
from django.test import override_settings

from tests.support.processes import ROOT
from tests.support.readmes import python_of, table_of, text_of
from tests.support.servers import SERVERS
from tests.support.sites import site_of

STAGE = ROOT / "04_django_wrapper"
README = "04_django_wrapper"


@pytest.fixture(scope="module", autouse=True)
def tables(application):
    """The tables of users, sessions and the admin's log."""
    call_command("migrate", verbosity=0)


@pytest.fixture
async def anna(tables):
    """Somebody who can log in."""
    from django.contrib.auth.models import User

    anna = await User.objects.acreate(username="anna")
    yield anna
    await anna.adelete()


def names_of(heading, word):
    """What the one snippet below ``heading`` that has ``word`` defines."""
    [program] = [block for block in python_of(README, heading) if word in block]
    names = {"__name__": "snippet"}
    exec(program, names)
    return names


# The tables


def test_the_reference_names_every_file_of_the_layer():
    rows = table_of(README, "Which file does what?", "file")
    named = [f"{name}" for row in rows for name in re.findall(r"`([^`]+\.py)`", row[0])]
    files = [
        path.relative_to(STAGE / "sockets").as_posix()
        for path in (STAGE / "sockets").rglob("*.py")
        if path.name != "__init__.py"
    ]
    assert sorted(named) == sorted(files)


def test_the_story_of_the_readme_is_in_the_reference_in_the_same_order():
    story = table_of(README, "Read the layer in this order", "file")
    every = table_of(README, "Which file does what?", "file")
    names = [row[0] for row in story]
    assert [row[0] for row in every if row[0] in names] == names


def test_the_first_step_of_the_readme_sends_without_a_task():
    [program] = python_of(README, "Read the layer in this order")
    names = {}
    exec(program, names)
    assert names["sent"] == ["hello"]
    assert names["yielded"] == "nothing"


def test_the_settings_table_has_every_key_with_its_default_and_a_meaning():
    from sockets.conf import Conf

    rows = {row[0].strip("`"): row[1:] for row in table_of(README, "Settings", "key")}
    assert list(rows) == [field.name for field in fields(Conf)]
    for field in fields(Conf):
        default, meaning = rows[field.name]
        if field.name != "HANDSHAKE":
            assert default == f"`{field.default!r}`"
        assert meaning


def test_the_steps_table_has_every_step_in_its_order():
    from sockets.conf import Conf

    rows = table_of(README, "Who may open it?", "step")
    steps = [f"sockets.steps.handshake.{row[0].strip('`')}" for row in rows]
    assert steps == list(Conf().HANDSHAKE)


CHECKS = {
    "E001": {"SOCKETS": {"URLCONFIG": "x"}},
    "E002": {"SOCKETS": {"URLCONF": "nowhere"}},
    "E003": {"SOCKETS": {"HANDSHAKE": ["mysite.nothing"]}},
    "E004": {"SOCKETS": {"INBOX": 0}},
    "E005": {"ASGI_APPLICATION": "nowhere.application"},
    "E007": {"DEBUG": False, "ALLOWED_HOSTS": []},
    "E008": {},  # what is no setting is changed in the test
    "E009": {"SOCKETS": {"REDIS_URL": "localhost:6379"}},
    "E010": {"SOCKETS": {"URLCONF": "tests.support.limited_routes"}},
    "W001": {"SOCKETS": {"HANDSHAKE": ["sockets.steps.handshake.host"]}},
    "W002": {"DEBUG": False, "ALLOWED_HOSTS": ["*"]},
    "W003": {},
    "W004": {},
    "W005": {"INSTALLED_APPS": ["django.contrib.staticfiles", "sockets"]},
    "W006": {"ASGI_APPLICATION": "django.core.asgi.get_asgi_application"},
    "W007": {},
    "W008": {"SOCKETS": {"REDIS_URL": "redis://localhost:6379/0?protocol=2"}},
    "W009": {"SOCKETS": {"URLCONF": "tests.support.slashed_routes"}},
}


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_says_what_its_row_says(name, monkeypatch):
    from sockets.checks import check

    monkeypatch.setitem(settings.DATABASES["default"], "CONN_MAX_AGE", 60)
    monkeypatch.setitem(settings.DATABASES["default"], "OPTIONS", {})
    monkeypatch.setenv("WEB_CONCURRENCY", "2")
    monkeypatch.setattr(asgiref, "__version__", "3.12.1")
    rows = dict(table_of(README, "`manage.py check`", "id"))
    said = re.compile(re.escape(rows[f"`sockets.{name}`"]).replace("…", ".*"))
    changed = CHECKS[name]
    if "SOCKETS" in changed and name not in ("E001", "E002"):
        own = {"URLCONF": "websocket_app.websocket_urls"}
        changed = {"SOCKETS": own | changed["SOCKETS"]}
    with override_settings(**changed):
        found = {message.id: message for message in check()}
    message = found[f"sockets.{name}"]
    assert said.fullmatch(message.msg)
    assert message.hint


def test_the_table_of_checks_has_every_check():
    code = "".join(
        p.read_text("utf-8") for p in (STAGE / "sockets/checks").glob("*.py")
    )
    ids = sorted(re.findall(r'id="(sockets\.\w+)"', code))
    rows = [row[0].strip("`") for row in table_of(README, "`manage.py check`", "id")]
    assert ids == rows == [f"sockets.{name}" for name in CHECKS]


def test_every_test_that_the_readme_names_exists():
    readme = re.sub(r"^```python\n.*?^```$", "", text_of(README), flags=re.M | re.S)
    tests = [*ROOT.glob("tests/*/test_*.py")]
    code = "".join(path.read_text("utf-8") for path in tests)
    named = re.findall(r"\btest_\w+\b(?:\.py)?", readme)
    assert named
    for name in named:
        assert name in [path.name for path in tests] or f"def {name}(" in code, name


def test_every_row_of_the_promises_under_faults_names_its_tests():
    for *_, tests in table_of(README, "Promised under faults", "fault"):
        assert re.fullmatch(r"`test_\w+`(, `test_\w+`)*", tests)


def test_the_table_of_servers_has_every_server_that_the_tests_start():
    rows = table_of(README, "The same handlers under seven servers", "server")
    named = sorted(
        name.replace("stage 03's own", "ours")
        .replace("uvicorn, `--ws ", "uvicorn-")
        .replace("websockets-sansio", "sansio")
        .split()[0]
        .strip("`")
        for name, _ in rows
    )
    assert named == sorted(SERVERS)


def test_the_table_of_variables_has_every_one_that_the_project_reads():
    code = "".join(path.read_text("utf-8") for path in STAGE.rglob("*.py"))
    read = set(re.findall(r'\benviron(?:ment)?\.\w+\(\s*"([A-Z_]+)"', code))
    rows = table_of(README, "Environment variables", "variable")
    assert {row[0].strip("`") for row in rows} == read


# How a websocket ends


async def echo(socket):
    await socket.accept()
    async for message in socket:
        await socket.send(message)


async def stays(socket):
    await socket.accept()
    await asyncio.Event().wait()


async def returns(socket):
    pass


async def never_accepts(socket):
    await asyncio.Event().wait()


async def sums(socket):
    await socket.accept()
    await socket.receive_json()


def raises(make, *words, accept=False):
    """A handler that raises ``make(*words)``; ``make`` may be a name of codes.py."""

    async def handler(socket):
        from sockets import codes

        if accept:
            await socket.accept()
        raise (getattr(codes, make) if isinstance(make, str) else make)(*words)

    return handler


# What the row says → handler, settings, and what is special about the handshake.
BEFORE = {
    "no route has the path, or the handler raises `Http404`": [
        (echo, {}, {"path": "/nothing/"}),
        (raises(Http404), {}, {}),
    ],
    "a `Host` that is not ours": [(echo, {}, {"headers": {"host": "evil.example"}})],
    "the handler raises `SuspiciousOperation`": [(raises(SuspiciousOperation), {}, {})],
    "an Origin that is not ours": [
        (echo, {}, {"headers": {"origin": "http://evil.example"}})
    ],
    "a session cookie without an Origin": [
        (echo, {}, {"headers": {"cookie": "sessionid=x", "origin": ""}})
    ],
    "the handler raises `PermissionDenied`": [(raises(PermissionDenied), {}, {})],
    'the handler or a step raises `Refused(409, "The room is full.")`': [
        (raises("Refused", 409, "The room is full."), {}, {})
    ],
    "too many websockets of one address": [(echo, {"CONNECTIONS_PER_ADDRESS": 1}, {})],
    "too many websockets of one user": [
        (echo, {"CONNECTIONS_PER_USER": 1}, {"user": True})
    ],
    "too many websockets in all": [(echo, {"CONNECTIONS": 1}, {})],
    "no `accept()` in time": [(never_accepts, {"HANDSHAKE_SECONDS": 0.01}, {})],
    "any other error, or a handler that returns without `accept()`": [
        (raises(ZeroDivisionError), {}, {}),
        (returns, {}, {}),
    ],
}


SIGTERM = "the server has got SIGTERM (uvicorn)"  # test_sockets_draining.py has it


def test_the_table_of_statuses_has_these_rows():
    rows = table_of(README, "How a websocket ends", "before `accept()`")
    assert [row[0] for row in rows] == [*BEFORE, SIGTERM]


@pytest.mark.parametrize("row", BEFORE)
async def test_before_accept_the_client_sees_the_status_of_its_row(row, anna):
    from sockets.testing import SocketClient, SocketRefused

    rows = dict(table_of(README, "How a websocket ends", "before `accept()`"))
    for handler, limits, special in BEFORE[row]:
        special = {"path": "/ws/", **special}
        if special.get("user"):
            special["user"] = anna
        with site_of(handler, **limits) as site:
            async with AsyncExitStack() as stack:
                if "too many" in row:  # one is open, and that is the most
                    await stack.enter_async_context(SocketClient(site, **special))
                with pytest.raises(SocketRefused) as refused:
                    await stack.enter_async_context(SocketClient(site, **special))
        assert str(refused.value.status) == rows[row]
        assert bool(refused.value.body.strip()) == (refused.value.status != 500)


async def says_much(socket):
    from sockets.groups import groups

    await socket.accept()
    async with groups.join("room-1", socket):
        for _ in range(3):
            await groups.publish("room-1", "hello")
        await asyncio.Event().wait()


async def says_goodbye(socket):
    await socket.accept()
    await socket.close(4000, "enough")


async def accepts(socket):
    await socket.accept()


async def has_no_session_any_more(socket):
    from django.contrib.sessions.backends.db import SessionStore

    socket.session = SessionStore("a key that is in no database")
    await stays(socket)


async def has_no_user_any_more(socket):
    from django.contrib.auth.models import User

    socket.user = User(pk=0)
    await stays(socket)


async def has_no_time_left(socket):
    from sockets.steps.expiry import expire_at

    await socket.accept()
    expire_at(socket, 0)
    await socket.receive()


async def is_busy(socket):
    from sockets import events
    from sockets.groups import groups

    await socket.accept()
    async with events.of(socket, "room-1"):
        for _ in range(2):
            await groups.publish("room-1", "hello")


async def is_logged_out(socket):
    from sockets.groups import groups

    await socket.accept()
    async with groups.join("room-1", socket):
        await groups.close("room-1", 4401, "logged out")
        await socket.receive()


# What the row says → handler, settings, messages of the client.
AFTER = {
    "the handler returns": (accepts, {}, []),
    'the handler closes with `close(4000, "enough")`': (says_goodbye, {}, []),
    "the handler raises what nobody catches": (
        raises(ZeroDivisionError, accept=True),
        {},
        [],
    ),
    'the handler raises `BadMessage("expected a list")`': (
        raises("BadMessage", "expected a list", accept=True),
        {},
        [],
    ),
    "the handler raises `PermissionDenied`": (
        raises(PermissionDenied, accept=True),
        {},
        [],
    ),
    "the handler raises `Http404`": (raises(Http404, accept=True), {}, []),
    "`receive_json()`: not JSON": (sums, {}, ["{"]),
    "`receive_json()`: bytes": (sums, {}, [b"1"]),
    "a message is longer than `MESSAGE_BYTES`": (
        stays,
        {"MESSAGE_BYTES": 9},
        ["ten bytes!"],
    ),
    "too many messages": (
        stays,
        {"MESSAGES_AT_ONCE": 2, "MESSAGES_PER_SECOND": 0.01},
        ["1", "2", "3"],
    ),
    "the handler takes nothing from a full inbox": (
        stays,
        {"INBOX": 1, "INBOX_SECONDS": 0.01},
        ["1", "2"],
    ),
    "the peer lets too many messages wait": (
        says_much,
        {"OUTBOX": 1, "SEND_SECONDS": 2, "CLEANUP_SECONDS": 0.1},
        [],
    ),
    "the peer takes nothing for too long": (says_much, {"SEND_SECONDS": 0.01}, []),
    "the handler lets too many events wait": (is_busy, {"EVENTS": 1}, []),
    'somebody calls `groups.close("room-1", 4401, "logged out")`': (
        is_logged_out,
        {},
        [],
    ),
    "the session has expired or ended": (
        has_no_session_any_more,
        {"RECHECK_SECONDS": 0.01},
        [],
    ),
    "the user is deactivated or deleted, or has another password": (
        has_no_user_any_more,
        {"RECHECK_SECONDS": 0.01},
        [],
    ),
    "a token ends: `expire_at(socket, when)`": (has_no_time_left, {}, []),
    "the peer says nothing for `IDLE_SECONDS`": (
        stays,
        {"RECHECK_SECONDS": 0.01, "IDLE_SECONDS": 0.01},
        [],
    ),
}
BY_THE_SERVER = "the server gets SIGTERM (uvicorn)"  # test_sockets_draining.py has it


def test_the_table_of_close_codes_has_these_rows():
    rows = table_of(README, "How a websocket ends", "after `accept()`")
    assert [row[0] for row in rows] == [*AFTER, BY_THE_SERVER]


@pytest.mark.parametrize("row", AFTER)
async def test_after_accept_the_peer_sees_the_code_and_the_reason_of_its_row(
    row, tables, caplog
):
    from sockets.testing import SocketClient

    class Stalled(SocketClient):
        """A peer that reads the handshake, then no message."""

        async def _send(self, event):
            if event["type"] == "websocket.send":
                await asyncio.Event().wait()
            await super()._send(event)

    handler, limits, messages = AFTER[row]
    rows = table_of(README, "How a websocket ends", "after `accept()`")
    [said] = [answer for first, *answer in rows if first == row]
    with site_of(handler, **limits) as site:
        async with Stalled(site, "/ws/") as client:
            for message in messages:
                await client.send(message)
            if handler is says_much:  # the close frame never comes to such a peer
                await asyncio.wait([client._task])
                code, reason = re.findall(r"with (\d+): (.*)", caplog.text)[0]
            else:
                code, reason = await client.closed()
    assert str(code) == said[0]
    assert re.fullmatch(re.escape(said[1]).replace("…", ".+"), reason)


# The snippets


def test_the_table_of_groups_has_every_call_with_its_arguments():
    from sockets.groups import Groups

    heading = "How do two paths, and a parameter, find their handlers?"
    rows = table_of(README, heading, "for groups")
    shown = [re.search(r"groups\.(\w+)\((.*)\)", row[0]).groups() for row in rows]
    public = [name for name in vars(Groups) if name[0] != "_"]
    for_the_layer = {"leave_all", "hang_up", "lifetime"}
    assert [name for name, _ in shown] == [n for n in public if n not in for_the_layer]
    for name, arguments in shown:
        _, *parameters = inspect.signature(getattr(Groups, name)).parameters
        assert parameters[: arguments.count(",") + 1] == arguments.split(", ")


async def test_the_chat_of_the_readme_is_found_by_its_route():
    from sockets.routing import reverse
    from sockets.testing import SocketClient

    names = names_of("How do two paths, and a parameter, find their handlers?", "chat")
    [route] = names["urlpatterns"]
    with site_of(route.callback, str(route.pattern), route.name) as site:
        assert reverse("room", room="lobby") == "/ws/rooms/lobby/"
        async with (
            SocketClient(site, "/ws/rooms/lobby/") as anna,
            SocketClient(site, "/ws/rooms/lobby/") as ben,
            SocketClient(site, "/ws/rooms/kitchen/") as eve,
        ):
            await anna.send("hello")
            await ben.send(b"hi")
            await eve.send("is anybody here?")
            assert [await anna.receive(), await anna.receive()] == ["hello", b"hi"]
            assert [await ben.receive(), await ben.receive()] == ["hello", b"hi"]
            assert await eve.receive() == "is anybody here?"


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        ("[1, 2, 3]", '{"sum": 6}'),
        ("[]", '{"sum": 0}'),
        ("[true]", 1008),
        ('{"a": 1}', 1008),
        ("one", 1007),
    ],
)
async def test_the_adder_of_the_readme_answers_or_closes(message, answer, caplog):
    from sockets.testing import SocketClient

    heading = "How do two paths, and a parameter, find their handlers?"
    with site_of(names_of(heading, "add")["add"]) as site:
        async with SocketClient(site, "/ws/") as client:
            await client.send(message)
            if isinstance(answer, str):
                assert await client.receive() == answer
            else:
                assert (await client.closed())[0] == answer
    assert "failed" not in caplog.text


async def test_a_step_of_one_s_own_lets_only_members_in(anna, monkeypatch):
    """With the README's settings, as they stand."""
    from sockets.testing import SocketClient, SocketRefused

    heading = "Who may open it?"
    steps = ModuleType("mysite.steps")
    steps.members_only = names_of(heading, "members_only(")["members_only"]
    monkeypatch.setitem(sys.modules, "mysite", ModuleType("mysite"))
    monkeypatch.setitem(sys.modules, "mysite.steps", steps)
    handshake = names_of(heading, "SOCKETS = ")["SOCKETS"]["HANDSHAKE"]
    with site_of(echo, HANDSHAKE=handshake) as site:
        with pytest.raises(SocketRefused, match="401: 'Log in first"):
            async with SocketClient(site, "/ws/"):
                pass
        async with SocketClient(site, "/ws/", user=anna) as client:
            await client.send("hello")
            assert await client.receive() == "hello"


async def test_a_session_that_a_handler_saves_is_there_the_next_time(anna):
    from sockets.testing import SocketClient

    with site_of(names_of("Who is `user`?", "visits")["visits"]) as site:
        async with SocketClient(site, "/ws/", user=anna) as client:
            assert await client.receive() == "anna: 1"
        again = SocketClient(site, "/ws/", headers={"cookie": client.headers["cookie"]})
        async with again:
            assert await again.receive() == "anna: 2"


async def test_a_change_in_the_admin_is_told_when_it_is_committed(anna):
    from django.contrib.admin.models import LogEntry
    from django.db import transaction
    from django.db.models.signals import post_save
    from sockets.groups import groups
    from sockets.testing import SocketClient

    async def staff(socket):
        await socket.accept()
        async with groups.join("staff", socket):
            await socket.send("you are in")
            await socket.receive()

    def change():
        for name, works in [("a try", False), ("a door", True)]:
            with suppress(KeyError), transaction.atomic():
                LogEntry.objects.create(user=anna, action_flag=1, object_repr=name)
                if not works:
                    raise KeyError

    names = names_of("One peer stops reading: who waits?", "tell")
    try:
        with site_of(staff) as site:
            async with SocketClient(site, "/ws/") as client:
                assert await client.receive() == "you are in"
                await asyncio.to_thread(in_thread, change)
                assert await client.receive() == "Added “a door”."
    finally:
        post_save.disconnect(names["tell"], sender=LogEntry)


def in_thread(change):
    """Call it, and close what it has opened."""
    from django.db import connection

    try:
        change()
    finally:
        connection.close()


async def test_the_newest_users_come_as_json(anna):
    from sockets.testing import SocketClient

    with site_of(names_of("The ORM from a coroutine", "newest")["newest"]) as site:
        async with SocketClient(site, "/ws/") as client:
            await client.send("who?")
            assert "anna" in await client.receive_json()


async def test_the_three_ways_cost_the_threads_that_the_readme_says(anna):
    from asgiref.sync import sync_to_async
    from django.contrib.auth.models import User
    from django.db import connection
    from sockets.database import database

    used = {}

    def count():
        User.objects.count()
        used[threading.get_ident()] = connection.connection

    async def in_a_block():
        async with database():
            await sync_to_async(count)()

    ways = {
        "just so": sync_to_async(count),
        "any thread": sync_to_async(count, thread_sensitive=False),
        "database": in_a_block,
    }
    threads, connected = {}, {}
    for name, way in ways.items():
        used.clear()
        await asyncio.gather(*(way() for _ in range(20)))
        threads[name] = len(used)
        connected[name] = len(set(map(id, used.values())))
    assert threads["just so"] == 1
    assert threads["database"] <= 4
    assert connected == threads  # one for each


def test_the_reference_names_all_arguments_and_methods_of_the_client():
    from sockets.testing import SocketClient

    rows = table_of(README, "Tests of your handlers", "argument")
    parameters = list(inspect.signature(SocketClient).parameters)
    assert [row[0].strip("`") for row in rows] == parameters[2:]
    rows = table_of(README, "Tests of your handlers", "method")
    shown = [name for row in rows for name in re.findall(r"\.(\w+)\(", row[0])]
    assert shown == [name for name in vars(SocketClient) if name[0] != "_"]


async def test_the_reference_s_test_needs_no_waiting():
    async def handler(socket):
        await socket.accept()
        async for message in socket:
            if message == "/who":
                await socket.send("1 person is here")

    names = names_of("Tests of your handlers", "check_that")
    with site_of(handler, "ws/rooms/lobby/") as site:
        await names["check_that_a_sender_does_not_hear_itself"](site)


async def test_the_reference_s_upload_takes_larger_messages_than_the_site():
    from sockets.testing import SocketClient

    with site_of(names_of("Settings", "upload")["upload"]) as site:
        async with SocketClient(site, "/ws/") as client:
            for received in (70_000, 140_000):
                await client.send(bytes(70_000))
                assert await client.receive_json() == {"received": received}
