"""One person in one room: the websocket at ``/ws/rooms/<slug>/``.

1. Who may not come in gets an HTTP answer: 404, 401 or 403.
2. First the history, then what is new: nothing is lost between, nothing comes twice.
3. A message is stored, then announced. Its sender gets it like everyone else, and an
   ``ack`` with the key that it had. Sent again, it is only acknowledged again.
4. What makes no sense is answered with an error, and the websocket stays open.
"""

import asyncio
import re
from typing import Any

from asgiref.sync import sync_to_async
from django.core.exceptions import PermissionDenied
from django.shortcuts import aget_object_or_404
from sockets.codes import BadMessage, CloseCode, Refused
from sockets.connection import Socket
from sockets.database import database
from sockets.groups import groups
from sockets.jsontext import dumps

from chat.feed import follow
from chat.live import Live
from chat.models import Room
from chat.names import Person, person_of
from chat.presence import present

LONGEST = 2_000  # characters of a message
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all but tab and newline
REFUSED = {401: "Log in to enter this room.", 403: "This room is for its members."}
WRONG = {
    "bad_message": "Expected the type message, with a text and a key, or typing.",
    "no_key": "A message needs a key: 1 to 64 printable characters, all its own.",
    "empty": "There is nothing in this message.",
    "too_long": f"A message has at most {LONGEST:,} characters.",
    "control": "A message has no control characters but newline and tab.",
    "not_allowed": "You may not be in this room any more.",
}


async def room(socket: Socket, slug: str) -> None:
    """``?after=<id>`` asks for all that came after that message; else the last 50."""
    async with database():
        room = await aget_object_or_404(Room, slug=slug)
        if status := await sync_to_async(room.refusal)(socket.user):
            raise Refused(status, REFUSED[status])
    me = person_of(socket.user, socket.session)
    await socket.accept()
    live = Live(socket)
    async with (
        groups.join(me.group, socket),  # for staff, and at log-out
        groups.join(room.group, socket, live.put),
        follow(room) as feed,
    ):
        await catch_up(socket, room, me, live)
        async with present(room.group, me.name):
            await listen(socket, room, me, feed.turn)


async def catch_up(socket: Socket, room: Room, me: Person, live: Live) -> None:
    """Tell what was said before, then let through what is said now."""
    async with database():
        after = socket.request.GET.get("after")
        last, recovered, messages = await sync_to_async(room.history)(after)
    welcome = {
        **{"type": "welcome", "room": room.slug, "user": me.name},
        **{"guest": not me.user.is_authenticated, "last": last, "recovered": recovered},
    }
    history = [welcome, *(message.as_json() for message in messages)]
    live.begin([dumps(value) for value in history], last)


async def listen(socket: Socket, room: Room, me: Person, turn: asyncio.Lock) -> None:
    """Answer what this person sends, until they leave or lose the right to be here."""
    while True:
        try:
            match await socket.receive_json():
                case {"type": "typing"}:
                    typing = {"type": "typing", "user": me.name}
                    await groups.publish_json(room.group, typing)
                case {"type": "message", "text": str(text), **rest}:
                    key = checked(text, rest.get("key"))
                    async with turn, database():  # others in this room must wait
                        number = await sync_to_async(room.say)(me, text, key)
                    if not number:
                        raise Wrong("no_key")
                    await socket.send_json({"type": "ack", "key": key, "id": number})
                case _:
                    raise Wrong("bad_message")
        except BadMessage as error:
            await tell(socket, "bad_json", error.reason)
        except Wrong as error:
            await tell(socket, error.code, WRONG[error.code])
        except (PermissionDenied, Room.DoesNotExist):
            await tell(socket, "not_allowed", WRONG["not_allowed"])
            return await socket.close(CloseCode.POLICY_VIOLATION, WRONG["not_allowed"])


class Wrong(Exception):
    """A message that is answered with an error; ``code`` is a key of ``WRONG``."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def checked(text: str, key: Any) -> str:
    """The key of a message that may be stored; Wrong: it may not."""
    if not (isinstance(key, str) and 0 < len(key) <= 64 and key.isprintable()):
        raise Wrong("no_key")
    if not text.strip():
        raise Wrong("empty")
    if len(text) > LONGEST:
        raise Wrong("too_long")
    if CONTROL.search(text):
        raise Wrong("control")
    return key


async def tell(socket: Socket, code: str, detail: str) -> None:
    """An error, for the page and, in words, for who reads it."""
    await socket.send_json({"type": "error", "code": code, "detail": detail})
