"""One person in one room: the websocket at ``/ws/rooms/<slug>/``.

1. A person who may not come in gets an HTTP answer: 404, 401 or 403.
2. The history comes first, then what is new: nothing is lost between them, and nothing
   comes twice.
3. A message is stored, then announced. Its sender gets it as everyone else does, and an
   ``ack`` with the key that the message had. A message that comes again with the same
   key is only acknowledged again.
4. A message that makes no sense is answered with an error; the websocket stays open.

The wire format is in README.md.
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
from chat.visible import has_visible

LONGEST = 2_000  # characters of a message
LONGEST_KEY = 64  # characters; the column of the database
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all but tab and newline
REFUSED = {401: "Log in to enter this room.", 403: "This room is for its members."}
WRONG = {
    "bad_message": "Expected the type message, with a text and a key, typing or ping.",
    "no_key": "A message needs a key: 1 to 64 printable characters, all its own.",
    "empty": "There is nothing to see in this message.",
    "too_long": f"A message has at most {LONGEST:,} characters.",
    "control": "A message has no control characters but newline and tab.",
    "not_allowed": "You may not be in this room any more.",
}


async def room(socket: Socket, slug: str) -> None:
    """Serve one person in one room.

    Args:
        socket: its query ``?after=<id>`` asks for all messages after that one. Without
            it the person gets the last 50.
        slug: of the room, from the path.

    Raises:
        Http404: there is no such room.
        Refused: 401 or 403, this person may not be in the room.
    """
    async with database():
        room = await aget_object_or_404(Room, slug=slug)
        status = await sync_to_async(room.refusal)(socket.user)
    if status:
        raise Refused(status, REFUSED[status])

    me = person_of(socket.user, socket.session)
    await socket.accept()
    live = Live(socket)
    async with (
        # For staff, and for a guest who takes another name.
        groups.join(me.group, socket),
        # Before the history is read: else a message that comes now would be lost.
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
        "type": "welcome",
        "room": room.slug,
        "room_id": room.pk,
        "user": me.name,
        "guest": not me.user.is_authenticated,
        "last": last,
        "recovered": recovered,
    }
    history = [dumps(welcome)]
    for message in messages:
        history.append(dumps(message.as_json()))
    live.begin(history, last)


async def listen(socket: Socket, room: Room, me: Person, turn: asyncio.Lock) -> None:
    """Answer what this person sends, until they leave or lose the right to be here.

    Args:
        turn: of the room's feed; its messages are stored one at a time.

    Raises:
        Disconnected: this person has left.
    """
    while True:
        try:
            message = await socket.receive_json()
            await answer(message, socket, room, me, turn)
        except BadMessage as error:
            await tell(socket, "bad_json", error.reason)
        except Wrong as error:
            await tell(socket, error.code, WRONG[error.code])
        except (PermissionDenied, Room.DoesNotExist):
            await tell(socket, "not_allowed", WRONG["not_allowed"])
            await socket.close(CloseCode.POLICY_VIOLATION, WRONG["not_allowed"])
            return


async def answer(
    message: Any, socket: Socket, room: Room, me: Person, turn: asyncio.Lock
) -> None:
    """Do what one message asks for.

    Args:
        message: what JSON has said; a stranger has sent it.

    Raises:
        Wrong: it is no message of the wire format.
        PermissionDenied: this person may not be here any more.
        Room.DoesNotExist: the room has been deleted.
    """
    match message:
        case {"type": "message", "text": str(text), **rest}:
            key = checked(text, rest.get("key"))
            # The turn comes first: a thread of database() is not for those who wait.
            async with turn, database():
                number = await sync_to_async(room.say)(me, text, key)
            if not number:
                raise Wrong("no_key")
            await socket.send_json({"type": "ack", "key": key, "id": number})
        case {"type": "typing"}:
            typing = {"type": "typing", "user": me.name}
            await groups.publish_json(room.group, typing)
        case {"type": "ping"}:
            # The page asks whether this connection still carries anything.
            await socket.send_json({"type": "pong"})
        case _:
            raise Wrong("bad_message")


class Wrong(Exception):
    """A message that is answered with an error; ``code`` is a key of ``WRONG``."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def checked(text: str, key: Any) -> str:
    """The key of a message that may be stored.

    Raises:
        Wrong: the message may not be stored.
    """
    if not (isinstance(key, str) and 0 < len(key) <= LONGEST_KEY and key.isprintable()):
        raise Wrong("no_key")
    if not has_visible(text):
        raise Wrong("empty")
    if len(text) > LONGEST:
        raise Wrong("too_long")
    if CONTROL.search(text):
        raise Wrong("control")
    return key


async def tell(socket: Socket, code: str, detail: str) -> None:
    """Answer with an error: a code for programs, a sentence for people."""
    await socket.send_json({"type": "error", "code": code, "detail": detail})
