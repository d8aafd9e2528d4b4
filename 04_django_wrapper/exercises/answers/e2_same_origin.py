"""Hints, check and solution of exercise 4.2, and what must not pass."""

from collections.abc import Awaitable, Callable

from django.conf import settings
from exercises.answers.prepare import raise_failure
from exercises.e2_same_origin import (
    Refused,
    Socket,
    SocketClient,
    SocketRefused,
    application,
    conf,
)

from workshop.exercises import Wrong, shown

HINTS = (
    "An origin is a scheme, a host and a port, as one text. What text does a page of "
    "our own send, when the browser has asked `get_host()`?",
    "Build that text yourself, and compare the whole of it with the header. What gives "
    "`headers.get` for a header that is not there?",
    '`if socket.request.headers.get("Origin") != f"http://{socket.request.get_host()}"'
    ":`, and below it `raise Refused(403, …)`.",
)

# host, origin, whether it is let in, why not
CASES = (
    ("testserver", "http://testserver", True, ""),
    ("testserver:8000", "http://testserver:8000", True, ""),
    ("testserver", "http://evil.example", False, "a page of another site"),
    ("testserver", None, False, "a client that names no origin"),
    ("testserver:8000", "http://testserver:9999", False, "a page of another port"),
    ("testserver:8000", "http://testserver", False, "a page of another port"),
    ("testserver", "http://testserver.evil.example", False, "a longer name than ours"),
    ("testserver", "http://eviltestserver", False, "a name that ends like ours"),
    ("testserver", "http://evil.example/testserver", False, "ours as a path only"),
    ("testserver", "https://testserver", False, "a page of another scheme"),
    ("testserver", "null", False, "a page in a sandbox"),
    ("testserver", "", False, "an empty origin"),
)


async def check(same_origin: Callable[[Socket], Awaitable[None]]) -> str:
    settings.ALLOWED_HOSTS = ["*"]
    conf().steps[:] = [same_origin]
    for host, origin, ours, why in CASES:
        headers = {"Host": host, "Origin": origin}
        status = 0
        try:
            async with SocketClient(application, "/ws/ping/", headers=headers):
                pass
        except SocketRefused as refused:
            status = refused.status
        raise_failure()
        who = f"Origin {shown(origin)} at the host {host!r}"
        if origin is None:
            who = f"No Origin at the host {host!r}"
        if ours and status:
            raise Wrong(
                f"{who} was refused with {status}; it is a page of our own.",
                ask="Is the port a part of both sides that you compare?",
            )
        if not ours and not status:
            raise Wrong(
                f"{who} was let in: {why}.",
                ask="Which part of the origin has your step not looked at?",
            )
        if not ours and status != 403:
            raise Wrong(
                f"{who} was refused with {status}; 403 was wanted.",
                ask="Does the status say that the client has to log in?",
            )
    return "whole origin against whole origin, and whoever names none stays outside."


async def same_origin(socket: Socket) -> None:
    """Let in a page of our own; refuse everybody else with 403."""
    ours = f"http://{socket.request.get_host()}"
    if socket.request.headers.get("Origin") != ours:
        raise Refused(403, "Pages of that origin may not open websockets here.")


async def host_in_origin(socket):
    if socket.request.get_host() not in socket.request.headers.get("Origin", ""):
        raise Refused(403, "no")


async def ends_with_host(socket):
    if not socket.request.headers.get("Origin", "").endswith(socket.request.get_host()):
        raise Refused(403, "no")


async def starts_with_ours(socket):
    ours = f"http://{socket.request.get_host()}"
    if not socket.request.headers.get("Origin", "").startswith(ours):
        raise Refused(403, "no")


async def host_without_port(socket):
    from urllib.parse import urlsplit

    host = socket.request.get_host().partition(":")[0]
    if urlsplit(socket.request.headers.get("Origin", "")).hostname != host:
        raise Refused(403, "no")


async def any_scheme(socket):
    origin = socket.request.headers.get("Origin", "")
    if origin.partition("://")[2] != socket.request.get_host():
        raise Refused(403, "no")


async def missing_is_fine(socket):
    origin = socket.request.headers.get("Origin")
    if origin is not None and origin != f"http://{socket.request.get_host()}":
        raise Refused(403, "no")


async def empty_is_fine(socket):
    origin = socket.request.headers.get("Origin")
    if origin is None or (origin and origin != f"http://{socket.request.get_host()}"):
        raise Refused(403, "no")


async def asks_for_the_login(socket):
    if socket.request.headers.get("Origin") != f"http://{socket.request.get_host()}":
        raise Refused(401, "no")


async def host_is_the_origin(socket):
    if socket.request.headers.get("Origin") != socket.request.get_host():
        raise Refused(403, "no")


async def false_is_returned(socket):
    ours = f"http://{socket.request.get_host()}"
    return socket.request.headers.get("Origin") == ours


async def missing_is_an_error(socket):
    if socket.request.headers["Origin"] != f"http://{socket.request.get_host()}":
        raise Refused(403, "no")


WRONG = (
    (host_in_origin, "a longer name than ours"),
    (ends_with_host, "a name that ends like ours"),
    (starts_with_ours, "a longer name than ours"),
    (host_without_port, "a page of another port"),
    (any_scheme, "a page of another scheme"),
    (missing_is_fine, "a client that names no origin"),
    (empty_is_fine, "an empty origin"),
    (asks_for_the_login, "was refused with 401; 403 was wanted"),
    (host_is_the_origin, "it is a page of our own"),
    (false_is_returned, "a page of another site"),
    (missing_is_an_error, "KeyError was raised at line"),
)
