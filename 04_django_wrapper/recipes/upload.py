"""A file that comes in pieces, and a sender who knows how much has arrived."""

import asyncio
from contextlib import suppress
from tempfile import TemporaryFile
from typing import IO

from django.core.exceptions import SuspiciousFileOperation
from django.core.files import File
from django.core.files.storage import default_storage
from django.utils.text import get_valid_filename
from sockets.codes import BadMessage, CloseCode, Refused
from sockets.connection import Socket
from sockets.routing import limited, path

MOST = 500_000_000  # bytes


@limited(MESSAGES_PER_SECOND=1_000, MESSAGES_AT_ONCE=10_000)
async def upload(socket: Socket) -> None:
    """One file: its name and size as JSON, then the pieces as binary messages."""
    if not socket.user.is_authenticated:
        raise Refused(401, "Log in first.")
    await socket.accept()
    name, size = read_beginning(await socket.receive_json())
    with TemporaryFile() as file:
        await take(socket, file, size)
        stored = await asyncio.to_thread(default_storage.save, name, File(file))
    await socket.send_json({"stored": stored})


def read_beginning(message: object) -> tuple[str, int]:
    """The name and the size; both come from a stranger."""
    match message:
        # True is an int, too: type() is stricter than a pattern.
        case {"name": str(name), "size": size} if (
            type(size) is int and 0 < size <= MOST
        ):
            with suppress(SuspiciousFileOperation):
                return get_valid_filename(name), size
    raise BadMessage(f"expected a file's name, and its size of 1 to {MOST} bytes")


async def take(socket: Socket, file: IO[bytes], size: int) -> None:
    """Write the pieces, and tell the sender after each how much is here."""
    received = 0
    while received < size:
        piece = await socket.receive()
        if isinstance(piece, str):
            raise BadMessage("expected bytes", CloseCode.UNSUPPORTED_DATA)
        received += len(piece)
        if received > size:
            raise BadMessage("more bytes than were announced")
        # A disk may be slow: in a thread, all other websockets go on meanwhile.
        await asyncio.to_thread(file.write, piece)
        await socket.send_json({"received": received, "size": size})


websockets = [path("ws/upload/", upload)]
