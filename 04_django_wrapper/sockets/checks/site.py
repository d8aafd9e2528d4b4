"""``manage.py check``, third part: what in the rest of the site goes badly with us."""

import os
import re
from collections.abc import Iterator
from typing import Any

import asgiref
from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from ..conf import Conf

ASGIREF = (3, 13)  # the first that has what ``database()`` uses


def packages() -> Iterator[CheckMessage]:
    """Django is content with an asgiref that is too old for ``database()``."""
    major, minor, *_ = asgiref.__version__.split(".")
    if (int(major), int(minor)) < ASGIREF:
        yield Error(
            f"asgiref {asgiref.__version__} is too old: a visitor with a session gets "
            "a 500.",
            hint='pip install "asgiref>=3.13"',
            id="sockets.E008",
        )


def hosts() -> Iterator[CheckMessage]:
    """Without a host of its own, a site has no page that may open a websocket."""
    if settings.DEBUG:
        return
    if not settings.ALLOWED_HOSTS:
        yield Error(
            "With DEBUG = False and no ALLOWED_HOSTS, no page may open a websocket.",
            hint="ALLOWED_HOSTS = ['example.org']; for pages of another origin also "
            "CSRF_TRUSTED_ORIGINS = ['https://app.example.org'].",
            id="sockets.E007",
        )
    if "*" in settings.ALLOWED_HOSTS:
        yield Warning(
            "ALLOWED_HOSTS has '*': anyone can point a domain of their own at this "
            "server, and its pages then pass the check of the origin.",
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


def sqlite() -> Iterator[CheckMessage]:
    """SQLite has one writer at a time, and by default the others do not wait.

    A transaction that has read first and then wants to write cannot wait: it fails at
    once, whatever its time-out is. An immediate one waits before it reads.
    Source: sqlite.org/lang_transaction.html
    """
    databases: dict[str, dict[str, Any]] = settings.DATABASES
    for alias, database in databases.items():
        if database.get("ENGINE") != "django.db.backends.sqlite3":
            continue
        mode = database.get("OPTIONS", {}).get("transaction_mode") or ""
        if mode.upper() not in ("IMMEDIATE", "EXCLUSIVE"):
            yield Warning(
                f"DATABASES[{alias!r}] is SQLite, and its transactions do not wait for "
                "each other: handlers that write at the same moment fail with "
                '"database is locked".',
                hint='"OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20, '
                '"init_command": "PRAGMA journal_mode=wal"}',
                id="sockets.W007",
            )


def workers(conf: Conf) -> Iterator[CheckMessage]:
    """The environment may tell how many processes there will be."""
    count = _workers_asked_for()
    if count > 1 and not conf.REDIS_URL:
        yield Warning(
            f"{count} workers are asked for, and groups reach the sockets of their "
            "own process only.",
            hint="One worker: WEB_CONCURRENCY=1. Or Redis: "
            'SOCKETS["REDIS_URL"] = "redis://localhost:6379/0".',
            id="sockets.W004",
        )


def _workers_asked_for() -> int:
    given = os.environ.get("WEB_CONCURRENCY", "")
    given += " " + os.environ.get("GUNICORN_CMD_ARGS", "")
    found = re.search(r"^\s*(\d+)|(?:--workers[= ]|-w *)(\d+)", given)
    if found is None:
        return 1
    return int(found[1] or found[2])


def order() -> Iterator[CheckMessage]:
    """The first app that has a command gives it."""
    installed = list(apps.get_app_configs())
    names = [config.name for config in installed]
    static = "django.contrib.staticfiles"
    ours = apps.get_containing_app_config(__name__)
    if ours is None or static not in names:
        return
    if names.index(static) < installed.index(ours):
        yield Warning(
            f"{static} comes before {ours.name}: manage.py runserver is then its own, "
            "which answers no websockets.",
            hint=f'Put "{ours.name}" before it in INSTALLED_APPS.',
            id="sockets.W005",
        )
