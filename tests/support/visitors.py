"""Rooms, people and their websockets, for tests of the chat; it imports its models."""

from itertools import count
from typing import Any

from chat.models import Message, Room
from django.contrib.auth.models import User
from django.test import AsyncClient
from sockets.testing import SocketClient

_numbers = count(1)


class Chat:
    """Everything it makes has a name that no other test has."""

    Message, Room, User = Message, Room, User

    def __init__(self, application: Any) -> None:
        self.application = application

    async def room(self, *members: User, **fields: Any) -> Room:
        """A new room; for members only if there are any."""
        number = next(_numbers)
        room = await Room.objects.acreate(
            **{"name": f"Room {number}", "slug": f"room-{number}"} | fields
        )
        if members:
            room.members_only = True
            await room.asave()
            await room.members.aset(members)
        return room

    async def user(self, name: str = "", **fields: Any) -> User:
        """A new user, with no password: that would take a while."""
        return await User.objects.acreate(
            username=name or f"user-{next(_numbers)}", **fields
        )

    async def browser(self, user: User | None = None) -> AsyncClient:
        """A client of the pages."""
        client = AsyncClient()
        if user is not None:
            await client.aforce_login(user)
        return client

    async def guest(self, room: Room) -> AsyncClient:
        """A browser that has opened the room's page, and so has a session."""
        browser = await self.browser()
        await browser.get(room.get_absolute_url())
        return browser

    async def store(self, room: Room, *texts: str) -> list[int]:
        """Messages that are there already; their ids."""
        made = [
            await Message.objects.acreate(
                room=room, name="old", text=text, key=str(next(_numbers))
            )
            for text in texts
        ]
        return [message.pk for message in made]

    def enter(
        self,
        room: Room,
        user: User | None = None,
        query: str = "",
        browser: AsyncClient | None = None,
        **options: Any,
    ) -> "Visitor":
        """A websocket to a room, of a user or with the session of a browser."""
        path = f"/ws/rooms/{room.slug}/{query}"
        if browser is not None:
            cookie = f"sessionid={browser.cookies['sessionid'].value}"
            options["headers"] = {"cookie": cookie}
        options.setdefault("seconds", 30)  # only a failure takes so long
        return Visitor(self.application, path, user=user, **options)


class Visitor(SocketClient):
    """A websocket in a room; what is said about presence it hears only when asked."""

    async def hear(self, kind: str) -> dict[str, Any]:
        """The next thing that is said, which must be of this type."""
        while True:
            said: dict[str, Any] = await self.receive_json()
            if said["type"] == kind:
                return said
            assert said["type"] == "presence", f"expected {kind}, got {said}"

    async def say(self, text: Any, key: Any = None) -> None:
        """Send a message, with a new key."""
        key = f"key-{next(_numbers)}" if key is None else key
        await self.send_json({"type": "message", "text": text, "key": key})

    async def quiet(self) -> None:
        """Nothing more is said: the next thing is the answer to what is sent here."""
        await self.send("?")
        assert (await self.hear("error"))["code"] == "bad_json"

    async def end(self) -> tuple[int, str]:
        """Wait for the goodbye, whatever is said before it."""
        while (event := await self._next())["type"] != "websocket.close":
            pass
        return event["code"], event["reason"]
