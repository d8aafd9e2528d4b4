"""The chat's lobby over a real connection: a guest comes in, says and hears."""

import asyncio
import json
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.support.processes import ServerProcess


def enter(server: ServerProcess, query: str = "") -> connect:
    """A guest's websocket to the lobby: no cookie, no Origin."""
    return connect(server.url.replace("http", "ws", 1) + f"/ws/rooms/lobby/{query}")


async def say(client: ClientConnection, text: str, key: str) -> None:
    await client.send(json.dumps({"type": "message", "text": text, "key": key}))


async def hear(client: ClientConnection, kind: str, **like: Any) -> dict[str, Any]:
    """The next thing that is said of this type, and like that."""
    async with asyncio.timeout(60):
        async for text in client:
            said: dict[str, Any] = json.loads(text)
            if said["type"] == kind and said.items() >= like.items():
                return said
    raise AssertionError(f"closed before {kind} {like}")
