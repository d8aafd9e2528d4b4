"""Clients that nobody here wrote, by short names: ``http.client``, ``websockets``."""

import asyncio
import http.client
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from asgiref.testing import ApplicationCommunicator
from websockets.sync.client import ClientConnection, connect


class Response(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: str


def fetch(url: str, method: str = "GET") -> Response:
    """One HTTP request on a connection of its own; no redirect is followed."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.netloc, timeout=30)
    try:
        connection.request(method, address.path or "/")
        response = connection.getresponse()
        return Response(response.status, response.headers, response.read().decode())
    finally:
        connection.close()


def websocket(url: str, origin: str | None = None) -> ClientConnection:
    """A websocket to the server at ``url``, an ``http:`` address.

    Args:
        url: without the slash at its end.
        origin: of the page that a browser would show; without, it is no browser.
    """
    return connect(url.replace("http", "ws", 1) + "/", open_timeout=30, origin=origin)


def reads_after(client: Any, event: asyncio.Event) -> None:
    """Let the peer that a `SocketClient` plays read no message before ``event``."""
    send = client._send

    async def slow_send(sent: dict[str, Any]) -> None:
        if sent["type"] == "websocket.send":
            await event.wait()
        await send(sent)

    client._send = slow_send


async def end_of(peer: ApplicationCommunicator) -> None:
    """Wait until the application has ended; ``peer.wait()`` forgives one that has not.

    Raises:
        TimeoutError: it goes on after its last event.
        Exception: whatever the application raised.
    """
    async with asyncio.timeout(30):
        await peer.future
