"""Sentry and OpenTelemetry: errors with a name, and one span for each message."""

from collections.abc import Awaitable, Callable
from typing import Any

import sentry_sdk
from opentelemetry import trace
from sockets.codes import BadMessage
from sockets.connection import Socket
from sockets.routing import path, resolve

Application = Callable[[Any, Any, Any], Awaitable[None]]
tracer = trace.get_tracer(__name__)


def isolated(application: Application) -> Application:
    """What is told to Sentry of one connection stays with that connection."""

    async def inside(scope: Any, receive: Any, send: Any) -> None:
        with sentry_sdk.isolation_scope():
            await application(scope, receive, send)

    return inside


async def names(socket: Socket) -> None:
    """A step: an error of this handler says where it was, and for whom."""
    # The name in this scope counts; one in the isolation scope would be the weaker one.
    sentry_sdk.get_current_scope().set_transaction_name(resolve(socket).route)
    scope = sentry_sdk.get_isolation_scope()
    scope.set_tag("websocket", socket.scope["path"])
    if socket.user.is_authenticated:
        scope.set_user({"id": socket.user.pk})


async def divide(socket: Socket) -> None:
    """A span lasts as long as the work on one message, and not as the websocket."""
    await socket.accept()
    while True:
        message = await socket.receive_json()
        with tracer.start_as_current_span("divide") as span:
            match message:
                case [int(one), int(other)]:
                    span.set_attribute("numbers", [one, other])
                    await socket.send_json(one / other)  # nobody has thought of 0
                case _:
                    raise BadMessage("expected two integers")


websockets = [path("ws/divide/", divide)]
