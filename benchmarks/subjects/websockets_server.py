"""The server of the package ``websockets``, with its ``broadcast()``."""

import asyncio
import socket

from websockets.asyncio.server import ServerConnection, broadcast
from websockets.asyncio.server import serve as serve_websockets

rooms: dict[str, set[ServerConnection]] = {}


async def handler(connection: ServerConnection) -> None:
    assert connection.request is not None  # it has been answered
    kind, *words = connection.request.path.strip("/").split("/")
    if kind == "echo":
        async for message in connection:
            await connection.send(message)
        return
    members = rooms.setdefault(words[0], set())
    members.add(connection)
    try:
        await connection.send("joined")
        async for message in connection:
            broadcast(members, message)
    finally:
        members.discard(connection)


async def serve(listener: socket.socket) -> None:
    async with serve_websockets(handler, sock=listener, backlog=2048):
        await asyncio.Event().wait()
