"""A websocket for somebody who has a token, and no session cookie."""

import asyncio
import re
import secrets
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.core.cache import cache
from django.urls import path as page
from rest_framework.authentication import TokenAuthentication
from rest_framework.decorators import (
    api_view,
    authentication_classes,
    permission_classes,
)
from rest_framework.exceptions import APIException
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework_simplejwt.authentication import JWTAuthentication
from sockets.codes import CloseCode, Refused
from sockets.connection import Socket
from sockets.database import database
from sockets.routing import path
from sockets.steps.expiry import expire_at

KINDS = [TokenAuthentication, JWTAuthentication]  # those of your views
TICKET_SECONDS = 30
FIRST_MESSAGE_SECONDS = 10
TOKEN_COOKIE = "access"  # the name that your views give it


async def log_in(socket: Socket, authorization: str) -> None:
    """Find the user of ``Bearer …`` or ``Token …``, as for a view.

    Raises:
        Refused: the token is unknown or has expired, or its user is not active.
    """
    request = socket.request
    request.META["HTTP_AUTHORIZATION"] = authorization
    asked = Request(request, authenticators=[kind() for kind in KINDS])
    try:
        async with database():
            user = await sync_to_async(lambda: asked.user)()
    except APIException:
        raise Refused(401, "This token is not valid.") from None
    if not user.is_authenticated:
        raise Refused(401, "This is no token.")
    socket.user = user
    end_with(socket, end_of(asked.auth))


def end_with(socket: Socket, end: float | None) -> None:
    """Close the websocket with 4401 when its token expires."""
    if end is not None:
        expire_at(socket, end)


def end_of(token: Any) -> float | None:
    """When a JWT expires, in seconds since 1970; a `Token` never does."""
    end: float | None = getattr(token, "payload", {}).get("exp")
    return end


@api_view(["POST"])
@authentication_classes(KINDS)
@permission_classes([IsAuthenticated])
def ticket(request: Any) -> Response:
    """A ticket for one websocket, for somebody who shows a token to this view."""
    made = secrets.token_urlsafe(32)
    right = (request.user.pk, end_of(request.auth))
    cache.set(f"ticket-{made}", right, timeout=TICKET_SECONDS)
    return Response({"ticket": made})


async def by_ticket(socket: Socket) -> None:
    """A step: ``?ticket=…``, which is good once."""
    given = socket.request.GET.get("ticket")
    if given is None:
        return
    key = f"ticket-{given}"
    right = None
    if re.fullmatch(r"[\w-]{43}", given, re.ASCII):
        right = await cache.aget(key)
    # Two may come with the same ticket at once: delete() is True for one of them.
    if right is None or not await cache.adelete(key):
        raise Refused(401, "This ticket is used or too old.")
    pk, end = right
    async with database():
        user = await User.objects.filter(pk=pk, is_active=True).afirst()
    if user is None:
        raise Refused(401, "This account is not active.")
    socket.user = user
    end_with(socket, end)


async def by_header(socket: Socket) -> None:
    """A step: the header of a client that is no browser."""
    authorization = socket.request.headers.get("Authorization")
    if authorization is not None:
        await log_in(socket, authorization)


async def by_subprotocol(socket: Socket) -> None:
    """A step: the client offers ``app.v1`` and ``bearer.`` with the token behind it."""
    for offered in socket.scope.get("subprotocols") or ():
        if offered.startswith("bearer."):
            await log_in(socket, "Bearer " + offered.removeprefix("bearer."))


async def by_cookie(socket: Socket) -> None:
    """A step: a JWT in a cookie, which no script of the page can read."""
    token = socket.request.COOKIES.get(TOKEN_COOKIE)
    if token is not None:
        await log_in(socket, f"Bearer {token}")


async def inbox(socket: Socket) -> None:
    """Whoever has brought no token says it in the first message."""
    offered = socket.scope.get("subprotocols") or ()
    # Never the token: it would go back in a header of the answer.
    await socket.accept(subprotocol="app.v1" if "app.v1" in offered else None)
    if not socket.user.is_authenticated:
        try:
            async with asyncio.timeout(FIRST_MESSAGE_SECONDS):
                first = await socket.receive_json()
            await log_in(socket, f"Bearer {first['token']}")
        except (TimeoutError, KeyError, TypeError, Refused):
            await socket.close(CloseCode.UNAUTHORIZED, "Expected a valid token.")
            return
    await socket.send_json({"user": socket.user.username})
    async for message in socket:
        await socket.send(message)


pages = [page("ticket/", ticket)]
websockets = [path("ws/inbox/", inbox)]
