"""The handshake's steps: who may open a websocket. Each is a plain coroutine.

``SOCKETS["HANDSHAKE"]`` names them in their order. A step of your own is a function
that takes the socket and raises `Refused`. All of them come before ``accept()``, so
what the client gets is a real HTTP answer with a status.
"""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.http import is_same_domain

from ..codes import Refused
from ..connection import Socket
from ..database import database

LOCAL = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?")

# Of a middleware we use its two halves, and there is no view between them.
_sessions = SessionMiddleware(HttpResponse)


@cache
def _authentication() -> Any:
    # Imported only here: a project without django.contrib.auth has no such middleware,
    # and may use the other steps.
    from django.contrib.auth.middleware import AuthenticationMiddleware

    return AuthenticationMiddleware(HttpResponse)


async def host(socket: Socket) -> None:
    """The Host header must be in ALLOWED_HOSTS, as for every page."""
    try:
        socket.request.get_host()
    except DisallowedHost:
        raise Refused(400, "This site does not answer to that host.") from None


async def origin(socket: Socket) -> None:
    """The page that opens it must be ours: Django's CSRF rule for the Origin header.

    A browser sends our cookies along with a websocket that any page opens, and no
    same-origin policy stops it (RFC 6455, 10.2). It cannot lie about the page. A client
    without an Origin is no browser: it may come, but without a session.
    """
    given = socket.request.headers.get("Origin")
    if given is None:
        if settings.SESSION_COOKIE_NAME in socket.request.COOKIES:
            raise Refused(403, "A session needs an Origin header.")
    elif not _is_ours(given, socket.request):
        raise Refused(403, _why_not(given, socket.request))


def _why_not(given: str, request: HttpRequest) -> str:
    reason = "Pages of that origin may not open websockets here."
    if settings.DEBUG and LOCAL.fullmatch(given):
        # A developer's page is at 127.0.0.1, and its script says localhost.
        allowed = [_own_origin(request), *settings.CSRF_TRUSTED_ORIGINS]
        reason += f" It is {given}. These may: {', '.join(allowed)}"
    return reason


def _own_origin(request: HttpRequest) -> str:
    return f"{request.scheme}://{request.get_host()}"


def _is_ours(given: str, request: HttpRequest) -> bool:
    given = _as_http(given)
    if given == _own_origin(request):
        return True
    if given in settings.CSRF_TRUSTED_ORIGINS:
        return True
    try:
        parts = urlsplit(given)
    except ValueError:
        return False
    for trusted in settings.CSRF_TRUSTED_ORIGINS:
        # "https://*.example.org" stands for all below that domain.
        scheme, _, domain = trusted.partition("://*")
        is_pattern = domain.startswith(".") and scheme == parts.scheme
        if is_pattern and is_same_domain(parts.netloc, domain):
            return True
    return False


def _as_http(origin: str) -> str:
    """Some clients that are no browsers name the websocket's own address."""
    if origin.startswith("wss://"):
        return "https" + origin.removeprefix("wss")
    if origin.startswith("ws://"):
        return "http" + origin.removeprefix("ws")
    return origin


async def session(socket: Socket) -> None:
    """Django's session, loaded; a handler reads ``socket.session["key"]``."""
    request = socket.request
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    if not key.isascii() or (key and not key.isprintable()):
        # Django makes no such key. PostgreSQL, for one, fails on a NUL character.
        raise Refused(400, "That is no session cookie.")
    _sessions.process_request(request)
    socket.session = request.session
    if socket.session.session_key is not None:
        async with database():
            await socket.session.aget("")  # loads it


async def user(socket: Socket) -> None:
    """Django's user, by its own middleware: backends, hashes, rotated keys and all."""
    if socket.session is None:
        raise TypeError("SOCKETS['HANDSHAKE']: the step session comes before user")
    request = socket.request
    _authentication().process_request(request)
    if socket.session.session_key is None:
        socket.user = request.user = await request.auser()  # a guest: no query
    else:
        async with database():
            with _keeps_its_key(socket.session):
                socket.user = request.user = await request.auser()
            if socket.session.modified or settings.SESSION_SAVE_EVERY_REQUEST:
                await _save(socket, request)


@contextmanager
def _keeps_its_key(session: Any) -> Iterator[None]:
    """Django must not give this session another key while it looks for the user.

    For a session that was made under a key out of SECRET_KEY_FALLBACKS, Django makes a
    new one and deletes the old one. Two tabs that come back together after a restart
    bring the same cookie. So the second one would find no session, and its user would
    be nobody for as long as that websocket lives.
    """

    def nothing() -> None:
        """In place of ``cycle_key()``."""

    async def nothing_async() -> None:
        """In place of ``acycle_key()``."""

    session.cycle_key = nothing
    session.acycle_key = nothing_async
    try:
        yield
    finally:
        del session.cycle_key, session.acycle_key


async def _save(socket: Socket, request: HttpRequest) -> None:
    """Save a changed session; its cookie goes out with ``accept()``."""
    response = await sync_to_async(_sessions.process_response)(request, HttpResponse())
    for cookie in response.cookies.values():
        socket.headers.append((b"set-cookie", cookie.OutputString().encode("latin-1")))


async def language(socket: Socket) -> None:
    """The peer's language, as LocaleMiddleware finds it; not in the list by default.

    It holds for the handler and for what the handler sends itself. A message to a group
    is one text for all members.
    """
    translation.activate(translation.get_language_from_request(socket.request))


_open: Counter[str] = Counter()  # connections: in all, by address, by user


async def limits(socket: Socket) -> None:
    """Not more connections than SOCKETS allows: in all, by address, by user."""
    conf = socket.conf
    kinds = [("all", conf.CONNECTIONS, 503)]
    client = socket.scope.get("client")
    if client is not None and client[0]:  # on a unix socket there is no address
        kinds.append((f"address {client[0]}", conf.CONNECTIONS_PER_ADDRESS, 429))
    if socket.user is not None and socket.user.is_authenticated:
        kinds.append((f"user {socket.user.pk}", conf.CONNECTIONS_PER_USER, 429))

    for name, most, status in kinds:
        if _open[name] >= most:
            raise Refused(status, "Too many websockets are open.")
    names = [name for name, _, _ in kinds]
    _open.update(names)
    socket.on_end.append(lambda _: _release(names))


def _release(names: list[str]) -> None:
    """Count a websocket that has ended no longer."""
    for name in names:
        _open[name] -= 1
        if not _open[name]:
            del _open[name]
