"""Settings from the environment: read strictly, refused with advice."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from operations.environment import database, redis

from tests.support.processes import ROOT

STAGE = ROOT / "04_django_wrapper"
KEY = secrets.token_urlsafe(50)
PRODUCTION = {"DEBUG": "0", "SECRET_KEY": KEY, "ALLOWED_HOSTS": "chat.example.org"}


def manage(*command, **environment):
    clean = {
        name: value
        for name, value in os.environ.items()
        if name not in (*PRODUCTION, "CSRF_TRUSTED_ORIGINS")
    }
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=STAGE,
        env={**clean, **environment},  # DATABASE_URL is the test's: see conftest.py
        capture_output=True,
        text=True,
        timeout=300,
    )


def shown(**environment):
    """What Django's settings become, as ``NAME = value`` lines."""
    return manage("diffsettings", **environment).stdout


def test_production_values_pass_every_deployment_check():
    checked = manage("check", "--deploy", "--fail-level=WARNING", **PRODUCTION)
    assert checked.stdout == "System check identified no issues (0 silenced).\n"
    assert (checked.returncode, checked.stderr) == (0, "")


def test_nothing_has_to_be_set_to_develop():
    checked = manage("check", "--fail-level=WARNING")
    assert (checked.returncode, checked.stderr) == (0, "")


def test_a_fresh_clone_has_every_migration_that_its_models_need():
    made = manage("makemigrations", "--check", "--dry-run")
    assert (made.returncode, made.stdout) == (0, "No changes detected\n")


def test_a_secret_key_in_development_is_new_at_each_start():
    keys = {
        line
        for _ in range(2)
        for line in shown().splitlines()
        if line.startswith("SECRET_KEY")
    }
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("environment", "advice"),
    [
        ({"DEBUG": "yes"}, "DEBUG must be 1 or 0, not 'yes'."),
        ({"DEBUG": ""}, "DEBUG must be 1 or 0, not ''."),
        (PRODUCTION | {"SECRET_KEY": ""}, "SECRET_KEY is not set, and DEBUG=0"),
        (
            PRODUCTION | {"ALLOWED_HOSTS": " , "},
            "ALLOWED_HOSTS is not set, and DEBUG=0",
        ),
        ({"ALLOWED_HOSTS": "https://a.example"}, "must be a bare host name"),
        ({"ALLOWED_HOSTS": "a.example:443"}, "must be a bare host name"),
        ({"CSRF_TRUSTED_ORIGINS": "a.example"}, "must be an origin, like https://"),
        (
            {"CSRF_TRUSTED_ORIGINS": "ftp://a.example"},
            "must be an origin, like https://",
        ),
        ({"CSRF_TRUSTED_ORIGINS": "https://a/b"}, "must be an origin, like https://"),
        ({"DATABASE_URL": "mysql://localhost/x"}, "DATABASE_URL must look like"),
        ({"SOCKETS_REDIS_URL": "localhost:6379"}, "must look like redis://localhost"),
        ({"METRICS_TOKEN": "1"}, "METRICS_TOKEN must have at least 20"),
    ],
)
def test_a_value_that_makes_no_sense_stops_the_start_with_advice(environment, advice):
    ended = manage("check", **environment)
    assert ended.returncode != 0
    assert "ImproperlyConfigured" in ended.stderr
    assert advice in ended.stderr


@pytest.mark.parametrize(
    ("environment", "level"), [({}, "WARNING"), (PRODUCTION, "INFO")]
)
def test_connections_are_logged_in_production(environment, level):
    assert f"'sockets.connections': {{'level': '{level}'}}" in shown(**environment)


def test_lists_are_split_at_commas_and_spaces_are_dropped():
    settings = shown(
        ALLOWED_HOSTS="a.example, .b.example,[::1]",
        CSRF_TRUSTED_ORIGINS="https://a.example,http://localhost:5173",
    )
    assert "ALLOWED_HOSTS = ['a.example', '.b.example', '[::1]']" in settings
    assert "['https://a.example', 'http://localhost:5173']" in settings


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("sqlite:///db.sqlite3", "/stage/db.sqlite3"),
        ("sqlite:////data/my%20db.sqlite3", "/data/my db.sqlite3"),
    ],
)
def test_an_sqlite_address_names_a_file(url, name):
    entry = database(url, Path("/stage"))
    assert entry["ENGINE"] == "django.db.backends.sqlite3"
    assert entry["NAME"] == Path(name)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_a_postgres_address_is_percent_decoded(scheme, tmp_path):
    url = f"{scheme}://ann%40home:p%2Fw%3A%23@db.example:6432/my%20chat?sslmode=require"
    assert database(url, tmp_path) == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "my chat",
        "USER": "ann@home",
        "PASSWORD": "p/w:#",
        "HOST": "db.example",
        "PORT": 6432,
        "OPTIONS": {"sslmode": "require"},
    }


@pytest.mark.parametrize(
    "url",
    [
        "",
        "db.sqlite3",
        "sqlite://db.sqlite3",
        "sqlite:///",
        "postgres://localhost",
        "postgres://ann:secret/word@localhost/chat",
        "postgres://ann:secret#word@localhost/chat",
        "postgres://[::1/chat",
        "mysql://localhost/chat",
    ],
)
def test_a_database_address_that_is_wrong_is_refused_without_its_password(
    url, tmp_path
):
    with pytest.raises(ImproperlyConfigured, match="must look like") as refusal:
        database(url, tmp_path)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    "url", ["", "redis://localhost:6379/0", "rediss://ann:p%2Fw@redis.example/15"]
)
def test_an_address_of_redis_is_taken_as_it_is(monkeypatch, url):
    monkeypatch.setenv("SOCKETS_REDIS_URL", url)
    assert redis("SOCKETS_REDIS_URL") == url


@pytest.mark.parametrize(
    "url",
    [
        "localhost:6379/0",
        "redis://localhost:6379",
        "redis://localhost:6379/first",
        "redis:///0",
        "redis://ann:secret/word@localhost/0",
        "redis://localhost:secret/0",
        "redis://localhost:99999/0",
        "http://localhost/0",
    ],
)
def test_an_address_of_redis_that_is_wrong_is_refused_without_its_password(
    monkeypatch, url
):
    monkeypatch.setenv("SOCKETS_REDIS_URL", url)
    with pytest.raises(ImproperlyConfigured, match="must look like") as refusal:
        redis("SOCKETS_REDIS_URL")
    assert "secret" not in str(refusal.value)
