"""``manage.py check``: each mistake is found, named, and comes with what to do."""

import sys
import traceback
from asyncio import timeout
from types import ModuleType

import pytest
from django.conf import settings
from django.core.checks import run_checks
from django.core.management import call_command
from django.test import override_settings
from django.urls import path

SQLITE = "django.db.backends.sqlite3"
URLCONF = "websocket_app.websocket_urls"
STEPS = ["sockets.steps.handshake.host", "sockets.steps.handshake.origin"]


def found():
    """The ids of this app's messages; all of them have a hint."""
    messages = [m for m in run_checks() if m.id and m.id.startswith("sockets.")]
    assert all(message.hint for message in messages)
    return [message.id for message in messages]


@pytest.fixture(autouse=True)
def ready(application, monkeypatch):
    monkeypatch.delenv("WEB_CONCURRENCY", raising=False)
    monkeypatch.delenv("GUNICORN_CMD_ARGS", raising=False)


def test_the_project_itself_has_nothing_to_correct():
    assert found() == []


@pytest.mark.parametrize(
    ("sockets", "ids"),
    [
        ({"URLCONF": URLCONF, "MESAGE_BYTES": 1}, ["sockets.E001"]),
        ({}, ["sockets.E002"]),
        ({"URLCONF": "nothing.here"}, ["sockets.E002"]),
        ({"URLCONF": "websocket_app.handlers"}, ["sockets.E002"]),
        ({"URLCONF": URLCONF, "HANDSHAKE": [*STEPS, "a.b"]}, ["sockets.E003"]),
        (
            {"URLCONF": URLCONF, "HANDSHAKE": [*STEPS, "sockets.steps.handshake.hots"]},
            ["sockets.E003"],
        ),
        ({"URLCONF": URLCONF, "HANDSHAKE": STEPS[:1]}, ["sockets.W001"]),
        ({"URLCONF": URLCONF, "HANDSHAKE": STEPS}, []),
        ({"URLCONF": URLCONF, "OUTBOX": 0}, ["sockets.E004"]),
        ({"URLCONF": URLCONF, "SEND_SECONDS": "10"}, ["sockets.E004"]),
        ({"URLCONF": URLCONF, "SEND_SECONDS": None, "INBOX": -1}, ["sockets.E004"] * 2),
        ({"URLCONF": URLCONF, "SEND_SECONDS": 0.5}, []),
        ({"URLCONF": URLCONF, "REDIS_URL": "redis://:a%40b@localhost:6379/0"}, []),
        ({"URLCONF": URLCONF, "REDIS_URL": "localhost:6379"}, ["sockets.E009"]),
        ({"URLCONF": URLCONF, "REDIS_URL": "redis://host:pass/w"}, ["sockets.E009"]),
        ({"URLCONF": URLCONF, "REDIS_URL": "redis://host?no=1"}, ["sockets.E009"]),
        ({"URLCONF": URLCONF, "REDIS_URL": 6379}, ["sockets.E009"]),
        ({"URLCONF": URLCONF, "REDIS_URL": "redis://h?protocol=2"}, ["sockets.W008"]),
        (
            {"URLCONF": URLCONF, "REDIS_URL": "redis://h?decode_responses=True"},
            ["sockets.W008"],
        ),
        (
            {"URLCONF": URLCONF, "REDIS_URL": "redis://h?health_check_interval=3"},
            ["sockets.W008"],
        ),
        ({"URLCONF": URLCONF, "REDIS_URL": "redis://h?protocol=3"}, []),
        ({"URLCONF": "tests.support.slashed_routes"}, ["sockets.W009"] * 2),
    ],
)
def test_a_mistake_in_the_setting_sockets_is_named(sockets, ids):
    with override_settings(SOCKETS=sockets):
        assert found() == ids


@pytest.mark.filterwarnings("ignore:Overriding setting DATABASES")
@pytest.mark.parametrize(
    ("name", "value", "ids"),
    [
        ("ASGI_APPLICATION", "websocket_app.asgi.nothing", ["sockets.E005"]),
        ("ASGI_APPLICATION", "nothing.asgi.application", ["sockets.E005"]),
        ("ASGI_APPLICATION", None, []),  # found beside the ROOT_URLCONF
        (
            "ASGI_APPLICATION",
            "websocket_app.websocket.websocket_application",
            ["sockets.W006"],
        ),
        ("ALLOWED_HOSTS", [], ["sockets.E007"]),
        ("ALLOWED_HOSTS", ["*"], ["sockets.W002"]),
        ("ALLOWED_HOSTS", ["example.org"], []),
        ("DATABASES", {"default": {"CONN_MAX_AGE": 60}}, ["sockets.W003"]),
        ("DATABASES", {"default": {"CONN_MAX_AGE": None}}, ["sockets.W003"]),
        ("DATABASES", {"default": {"CONN_MAX_AGE": 0}, "other": {}}, []),
        ("DATABASES", {"default": {"ENGINE": SQLITE}}, ["sockets.W007"]),
        (
            "DATABASES",
            {"default": {"ENGINE": SQLITE, "OPTIONS": {"transaction_mode": None}}},
            ["sockets.W007"],
        ),
        (
            "DATABASES",
            {
                "default": {
                    "ENGINE": SQLITE,
                    "OPTIONS": {"transaction_mode": "immediate"},
                }
            },
            [],
        ),
    ],
)
def test_a_mistake_in_the_other_settings_is_named(name, value, ids):
    from sockets.checks import check

    hosts = {"DEBUG": False, "ALLOWED_HOSTS": ["example.org"]}
    with override_settings(**{**hosts, name: value}):
        assert [message.id for message in check()] == ids
        assert all(message.hint for message in check())


def test_an_application_of_django_alone_brings_no_websocket(monkeypatch):
    from django.core.asgi import get_asgi_application

    monkeypatch.setattr("websocket_app.asgi.application", get_asgi_application())
    assert found() == ["sockets.W006"]


def test_an_application_that_never_answers_is_not_waited_for(monkeypatch):
    async def silent(scope, receive, send):
        while True:
            await receive()

    monkeypatch.setattr("websocket_app.asgi.application", silent)
    monkeypatch.setattr("asyncio.timeout", lambda seconds, real=timeout: real(0))
    assert found() == ["sockets.W006"]


@pytest.mark.parametrize(
    ("apps", "ids"),
    [
        (["django.contrib.staticfiles", "sockets"], ["sockets.W005"]),
        (
            ["django.contrib.staticfiles", "sockets.apps.SocketsConfig"],
            ["sockets.W005"],
        ),
        (["sockets", "django.contrib.staticfiles"], []),
        (["sockets"], []),
    ],
)
def test_the_order_of_the_apps_decides_whose_runserver_it_is(apps, ids):
    others = [a for a in settings.INSTALLED_APPS if a not in ("sockets", apps[0])]
    from sockets.checks import check

    with override_settings(INSTALLED_APPS=[*apps, *others[:-1]]):
        assert [message.id for message in check()] == ids


@pytest.mark.parametrize(
    ("variable", "value", "ids"),
    [
        ("WEB_CONCURRENCY", "4", ["sockets.W004"]),
        ("WEB_CONCURRENCY", "1", []),
        ("GUNICORN_CMD_ARGS", "--bind=:80 --workers=3", ["sockets.W004"]),
        ("GUNICORN_CMD_ARGS", "-w 2", ["sockets.W004"]),
        ("GUNICORN_CMD_ARGS", "--workers 1 --worker-class=x", []),
        ("GUNICORN_CMD_ARGS", "--worker-class=x --timeout 30", []),
    ],
)
def test_several_workers_are_warned_of_where_the_environment_tells(
    monkeypatch, variable, value, ids
):
    monkeypatch.setenv(variable, value)
    assert found() == ids


async def test_a_check_may_be_called_where_an_event_loop_runs():
    call_command("check")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SOCKETS", {"URLCONF": "own_module"}),
        ("SOCKETS", {"URLCONF": URLCONF, "HANDSHAKE": ["own_module.step"]}),
        ("ASGI_APPLICATION", "own_module.application"),
    ],
)
@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("import nothing_like_this", ModuleNotFoundError),
        ("from asyncio import nothing_like_this", ImportError),
        ("import asyncio; asyncio.nothing_like_this", AttributeError),
        ("urlpatterns = [", SyntaxError),
        ("int('')", ValueError),
    ],
)
def test_an_error_in_a_module_of_the_site_comes_out_as_it_is(
    monkeypatch, tmp_path, name, value, text, error
):
    """Its traceback ends in the file to correct: the reloader watches that file."""
    module = tmp_path / "own_module.py"
    module.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    with override_settings(**{name: value}):
        with pytest.raises(error) as failed:
            run_checks()
    *_, last = traceback.extract_tb(failed.value.__traceback__)
    if error is not SyntaxError:  # that one names its file itself
        assert last.filename == str(module)


def test_what_django_says_of_routes_it_says_of_websockets_too(monkeypatch):
    from websocket_app.handlers import ping

    own = ModuleType("own_routes")
    own.urlpatterns = [path("ws$", ping), ("ws/", ping)]
    monkeypatch.setitem(sys.modules, "own_routes", own)
    with override_settings(SOCKETS={"URLCONF": "own_routes"}):
        ids = [message.id for message in run_checks()]
    assert "urls.E004" in ids and len(ids) == 2


def test_with_redis_several_workers_are_no_mistake(monkeypatch):
    monkeypatch.setenv("WEB_CONCURRENCY", "4")
    redis = {"URLCONF": URLCONF, "REDIS_URL": "redis://localhost"}
    with override_settings(SOCKETS=redis):
        assert found() == []


def test_redis_without_its_package_is_a_mistake(monkeypatch):
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    redis = {"URLCONF": URLCONF, "REDIS_URL": "redis://localhost"}
    with override_settings(SOCKETS=redis):
        assert found() == ["sockets.E009"]
