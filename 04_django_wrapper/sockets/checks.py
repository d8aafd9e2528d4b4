"""``manage.py check``: what people get wrong, each with what to do about it."""

import asyncio
import os
import re
from collections.abc import Iterator
from dataclasses import fields
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from sockets.conf import Conf, conf


def check(**_: Any) -> list[CheckMessage]:
    """All checks of this app; a check whose ground is missing is left out."""
    try:
        found = conf()
    except (ImproperlyConfigured, TypeError) as error:
        return [Error(str(error), hint="Correct SOCKETS.", id="sockets.E001")]
    return [
        *_urlconf(found),
        *_steps(found),
        *_limits(found),
        *_application(),
        *_hosts(),
        *_connections(),
        *_workers(),
        *_order(),
    ]


def _urlconf(conf: Conf) -> Iterator[CheckMessage]:
    if not conf.URLCONF:
        yield Error(
            'SOCKETS["URLCONF"] is not set: no websocket has a handler.',
            hint='SOCKETS = {"URLCONF": "mysite.websocket_urls"}, a module with '
            "urlpatterns of handlers.",
            id="sockets.E002",
        )
        return
    try:
        import_module(conf.URLCONF).urlpatterns  # noqa: B018
    except (ImportError, AttributeError) as error:
        yield Error(
            f'SOCKETS["URLCONF"] cannot be used: {error}.',
            hint="Name a module that has a list called urlpatterns.",
            id="sockets.E003",
        )


def _steps(conf: Conf) -> Iterator[CheckMessage]:
    for name in conf.HANDSHAKE:
        try:
            import_string(name)
        except ImportError as error:
            yield Error(
                f'SOCKETS["HANDSHAKE"] has an unknown step {name!r}: {error}.',
                hint="The steps of this app are " + ", ".join(Conf().HANDSHAKE) + ".",
                id="sockets.E004",
            )
    if "sockets.handshake.origin" not in conf.HANDSHAKE:
        yield Warning(
            "No step checks the Origin: any page can open a websocket with the "
            "cookies of whoever looks at it.",
            hint='Put "sockets.handshake.origin" into SOCKETS["HANDSHAKE"].',
            id="sockets.W001",
        )


def _limits(conf: Conf) -> Iterator[CheckMessage]:
    for field in fields(Conf):
        value = getattr(conf, field.name)
        is_number = isinstance(value, int | float) and value > 0
        if field.type in (int, float) and not is_number:
            yield Error(
                f'SOCKETS["{field.name}"] must be a number over 0, not {value!r}.',
                hint=f"The default is {field.default}.",
                id="sockets.E005",
            )


def site_application() -> Any:
    """The site's ASGI application; ImportError where there is none."""
    package = settings.ROOT_URLCONF.rpartition(".")[0]
    guess = f"{package}.asgi.application"  # where startproject has put it
    return import_string(getattr(settings, "ASGI_APPLICATION", None) or guess)


def _application() -> Iterator[CheckMessage]:
    """Call the site's ASGI application with a websocket, and see whether it arrives."""
    try:
        application = site_application()
    except ImportError as error:
        yield Error(
            f"The ASGI application cannot be imported: {error}.",
            hint='ASGI_APPLICATION = "mysite.asgi.application"',
            id="sockets.E006",
        )
        return
    if not asyncio.run(_arrives(application)):
        yield Error(
            "The ASGI application brings no websocket to this app.",
            hint="In asgi.py: application = Dispatch(get_asgi_application()), with "
            "Dispatch from sockets.dispatch, imported below that call of Django's.",
            id="sockets.E007",
        )


async def _arrives(application: Any) -> bool:
    to_come, said = ["websocket.connect", "websocket.disconnect"], []

    async def receive() -> Any:
        if not to_come:
            await asyncio.get_running_loop().create_future()  # nothing more
        return {"type": to_come.pop(0), "code": 1000}

    async def send(event: Any) -> None:
        said.append(event["type"])

    scope = {
        "type": "websocket",
        "path": "/sockets-check/",
        "headers": [],
        "query_string": b"",
        "subprotocols": [],
        "scheme": "ws",
        "extensions": {"websocket.http.response": {}},
        "sockets.check": True,  # the runner answers to that
    }
    try:
        async with asyncio.timeout(2):
            await application(scope, receive, send)
    except Exception:
        return False
    return "sockets.check" in said


def _hosts() -> Iterator[CheckMessage]:
    if settings.DEBUG:
        return
    if not settings.ALLOWED_HOSTS:
        yield Error(
            "With DEBUG = False and no ALLOWED_HOSTS, no page may open a websocket.",
            hint="ALLOWED_HOSTS = ['example.org']; for pages of another origin also "
            "CSRF_TRUSTED_ORIGINS = ['https://app.example.org'].",
            id="sockets.E008",
        )
    elif "*" in settings.ALLOWED_HOSTS:
        yield Warning(
            "ALLOWED_HOSTS has '*': who points a name of theirs at this server passes "
            "the check of the origin.",
            hint="Name the hosts of this site.",
            id="sockets.W002",
        )


def _connections() -> Iterator[CheckMessage]:
    for alias, database in settings.DATABASES.items():
        if database.get("CONN_MAX_AGE", 0) != 0:
            yield Warning(
                f"DATABASES[{alias!r}] has a CONN_MAX_AGE: under ASGI each thread "
                "keeps a connection of its own open.",
                hint="CONN_MAX_AGE = 0; with PostgreSQL use a pool "
                '("OPTIONS": {"pool": True}).',
                id="sockets.W003",
            )


def _workers() -> Iterator[CheckMessage]:
    given = os.environ.get("WEB_CONCURRENCY", "")
    given += " " + os.environ.get("GUNICORN_CMD_ARGS", "")
    found = re.search(r"^\s*(\d+)|(?:--workers[= ]|-w *)(\d+)", given)
    workers = int(next(filter(None, found.groups()))) if found else 1
    if workers > 1:
        yield Warning(
            f"{workers} workers are asked for, and groups reach the sockets of their "
            "own process only.",
            hint="One worker: WEB_CONCURRENCY=1.",
            id="sockets.W004",
        )


def _order() -> Iterator[CheckMessage]:
    apps = [name.partition(".apps")[0] for name in settings.INSTALLED_APPS]
    static = "django.contrib.staticfiles"
    if static in apps and apps.index(static) < apps.index("sockets"):
        yield Warning(
            f"{static} comes before sockets: manage.py runserver is then its own, "
            "which answers no websockets.",
            hint='Put "sockets" before it in INSTALLED_APPS.',
            id="sockets.W005",
        )
