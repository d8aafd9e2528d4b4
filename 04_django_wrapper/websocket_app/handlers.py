"""Handlers of the layer: websockets as views."""

from sockets.connection import Socket


async def ping(socket: Socket) -> None:
    """``websocket.py`` once more. The layer knows the events; a handler need not."""
    await socket.accept()
    async for message in socket:
        if message == "ping":
            await socket.send("pong!")
        else:
            kind = "text" if isinstance(message, str) else "bytes"
            await socket.send(f"{len(message)} of {kind}. Send ping, get pong!")
