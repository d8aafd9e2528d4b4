"""Log in, and open a websocket, from a page of another origin of the same site."""

import json

from django.contrib.auth import aauthenticate, alogin
from django.http import HttpRequest, JsonResponse
from django.middleware.csrf import get_token
from django.urls import path as page
from django.views.decorators.http import require_GET, require_POST
from sockets.codes import Refused
from sockets.connection import Socket
from sockets.routing import path


@require_GET
def csrf(request: HttpRequest) -> JsonResponse:
    """The CSRF token: a script of another host cannot read our cookie."""
    return JsonResponse({"csrf": get_token(request)})


@require_POST
async def log_in(request: HttpRequest) -> JsonResponse:
    """A name and a password as JSON; the answer brings the session's cookie."""
    try:
        given = json.loads(request.body)
        name = str(given["name"])
        password = str(given["password"])
    except (ValueError, KeyError, TypeError):
        return JsonResponse({"error": "Expected a name and a password."}, status=400)
    user = await aauthenticate(request, username=name, password=password)
    if user is None:
        return JsonResponse({"error": "Wrong name or password."}, status=403)
    await alogin(request, user)
    return JsonResponse({"user": user.get_username()})


async def hello(socket: Socket) -> None:
    """The cookie came along: the handler knows who it is."""
    if not socket.user.is_authenticated:
        raise Refused(401, "Log in first.")
    await socket.accept()
    await socket.send(f"hello, {socket.user}")
    async for _ in socket:
        pass


pages = [page("csrf/", csrf), page("log-in/", log_in)]
websockets = [path("ws/hello/", hello)]
