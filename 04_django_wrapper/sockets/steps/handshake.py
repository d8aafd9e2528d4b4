"""The handshake's steps: who may open a websocket. Each is a plain coroutine.

``SOCKETS["HANDSHAKE"]`` names them in their order; a step of your own is a function
that takes the socket and raises `Refused`. All of them come before ``accept()``, so
what the client gets is a real HTTP answer with a status.
"""

from collections import Counter
from contextlib import nullcontext
from urllib.parse import urlsplit

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.utils.http import is_same_domain

from ..codes import Refused
from ..connection import Socket
from ..database import database

_sessions = SessionMiddleware(HttpResponse)  # of a middleware we use its two halves,
_authentication = AuthenticationMiddleware(HttpResponse)  # and no view between them


async def host(socket: Socket) -> None:
    """The Host header must be in ALLOWED_HOSTS, as for every page."""
    try:
        socket.request.get_host()
    except DisallowedHost:
        raise Refused(400, "This site does not answer to that host.") from None


async def origin(socket: Socket) -> None:
    """The page that opens it must be ours: Django's CSRF rule for the Origin header.

    A browser sends our cookies along with a websocket that any page opens, and no
    same-origin policy stops it (RFC 6455, 10.2). What it cannot do is to lie about the
    page. A client without an Origin is no browser: it may come, but without a session.
    """
    given = socket.request.headers.get("Origin")
    if given is None:
        if settings.SESSION_COOKIE_NAME in socket.request.COOKIES:
            raise Refused(403, "A session needs an Origin header.")
    elif not _is_ours(given, socket.request):
        raise Refused(403, "Pages of that origin may not open websockets here.")


def _is_ours(given: str, request: HttpRequest) -> bool:
    if given == f"{request.scheme}://{request.get_host()}":
        return True
    try:
        scheme, domain = urlsplit(given)[:2]
    except ValueError:
        return False
    return given in settings.CSRF_TRUSTED_ORIGINS or any(
        is_same_domain(domain, trusted.removeprefix(f"{scheme}://*"))
        for trusted in settings.CSRF_TRUSTED_ORIGINS
        if trusted.startswith(f"{scheme}://*.")
    )


async def session(socket: Socket) -> None:
    """Django's session, loaded; a handler reads ``socket.session["key"]``."""
    request = socket.request
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
    _authentication.process_request(request)
    async with database() if socket.session.session_key else nullcontext():
        socket.user = request.user = await request.auser()
        if socket.session.modified or settings.SESSION_SAVE_EVERY_REQUEST:
            # With a key out of SECRET_KEY_FALLBACKS, the session gets a new name now.
            save = sync_to_async(_sessions.process_response)
            cookies = (await save(request, HttpResponse())).cookies.values()
            socket.headers += [
                (b"set-cookie", cookie.OutputString().encode("latin-1"))
                for cookie in cookies
            ]


_open: Counter[str] = Counter()  # connections: in all, by address, by user


async def limits(socket: Socket) -> None:
    """Not more connections than SOCKETS allows: in all, by address, by user."""
    conf, client = socket.conf, socket.scope.get("client")
    kinds = [("all", conf.CONNECTIONS, 503)]
    if client is not None:
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
