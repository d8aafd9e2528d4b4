"""``manage.py check``, second part: what in the rest of the site goes badly with us."""

import os
import re
from collections.abc import Iterator
from typing import Any

import asgiref
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from ..conf import conf


def packages() -> Iterator[CheckMessage]:
    """Django is content with an asgiref that is too old for ``database()``."""
    major, minor, *_ = asgiref.__version__.split(".")
    if (int(major), int(minor)) < (3, 13):
        yield Error(
            f"asgiref {asgiref.__version__} is too old: whoever has a session gets a "
            "500.",
            hint='pip install "asgiref>=3.13"',
            id="sockets.E008",
        )


def redis() -> Iterator[CheckMessage]:
    """The package and the address of what groups need beyond one process."""
    if not (url := conf().REDIS_URL):
        return
    why = ""
    try:
        from redis.asyncio import ConnectionPool

        pool: Any = ConnectionPool.from_url(url)
        pool.make_connection()  # it connects to nothing yet
    except ImportError:
        why = "the package redis is not installed"
    except (ValueError, TypeError):  # what it says may have the password
        why = "this is no address of a Redis server"
    if why:
        yield Error(
            f'SOCKETS["REDIS_URL"] is set, and {why}.',
            hint='"redis://localhost:6379/0", and: pip install "redis>=7".',
            id="sockets.E009",
        )


def hosts() -> Iterator[CheckMessage]:
    """Without a host of its own, a site has no page that may open a websocket."""
    if not settings.DEBUG and not settings.ALLOWED_HOSTS:
        yield Error(
            "With DEBUG = False and no ALLOWED_HOSTS, no page may open a websocket.",
            hint="ALLOWED_HOSTS = ['example.org']; for pages of another origin also "
            "CSRF_TRUSTED_ORIGINS = ['https://app.example.org'].",
            id="sockets.E007",
        )
    if not settings.DEBUG and "*" in settings.ALLOWED_HOSTS:
        yield Warning(
            "ALLOWED_HOSTS has '*': who points a name of theirs at this server passes "
            "the check of the origin.",
            hint="Name the hosts of this site.",
            id="sockets.W002",
        )


def connections() -> Iterator[CheckMessage]:
    """Connections that outlive a unit of work pile up, one for each thread."""
    for alias, database in settings.DATABASES.items():
        if database.get("CONN_MAX_AGE", 0) != 0:
            yield Warning(
                f"DATABASES[{alias!r}] has a CONN_MAX_AGE: under ASGI each thread "
                "keeps a connection of its own open.",
                hint="CONN_MAX_AGE = 0; with PostgreSQL use a pool "
                '("OPTIONS": {"pool": True}).',
                id="sockets.W003",
            )


def workers() -> Iterator[CheckMessage]:
    """Where the environment tells how many processes there will be."""
    given = os.environ.get("WEB_CONCURRENCY", "")
    given += " " + os.environ.get("GUNICORN_CMD_ARGS", "")
    found = re.search(r"^\s*(\d+)|(?:--workers[= ]|-w *)(\d+)", given)
    workers = int(next(filter(None, found.groups()))) if found else 1
    if workers > 1 and not conf().REDIS_URL:
        yield Warning(
            f"{workers} workers are asked for, and groups reach the sockets of their "
            "own process only.",
            hint="One worker: WEB_CONCURRENCY=1. Or Redis: "
            'SOCKETS["REDIS_URL"] = "redis://localhost:6379/0".',
            id="sockets.W004",
        )


def order() -> Iterator[CheckMessage]:
    """The first app that has a command gives it."""
    apps = [name.partition(".apps")[0] for name in settings.INSTALLED_APPS]
    static = "django.contrib.staticfiles"
    if static in apps and apps.index(static) < apps.index("sockets"):
        yield Warning(
            f"{static} comes before sockets: manage.py runserver is then its own, "
            "which answers no websockets.",
            hint='Put "sockets" before it in INSTALLED_APPS.',
            id="sockets.W005",
        )
