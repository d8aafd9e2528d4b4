"""The test of rooms.py: copy it, too."""

from django.contrib.auth.models import User
from django.test import TestCase
from mysite.asgi import application
from sockets.testing import SocketClient


class RoomsTest(TestCase):
    def setUp(self) -> None:
        self.anna = User.objects.create(username="anna", is_staff=True)
        self.ben = User.objects.create(username="ben")

    async def ask(self, client: SocketClient, do: str, room: str) -> None:
        await client.send_json({"do": do, "room": room})
        answer = await client.receive_json()
        self.assertIn(answer, [{"entered": room}, {"left": room}])

    async def test_what_is_said_goes_to_the_others_in_that_room(self) -> None:
        async with (
            SocketClient(application, "/ws/rooms/", user=self.anna) as anna,
            SocketClient(application, "/ws/rooms/", user=self.ben) as ben,
        ):
            for room in ("news", "sport", "news"):
                await self.ask(anna, "enter", room)
            await self.ask(ben, "enter", "sport")
            await self.ask(ben, "enter", "weather")
            await anna.send_json({"do": "say", "room": "news", "text": "not to ben"})
            await anna.send_json({"do": "say", "room": "sport", "text": "goal"})
            news = {"room": "sport", "from": "anna", "text": "goal"}
            self.assertEqual(await ben.receive_json(), news)
            # Anna has got none of hers: the next answer is that of the next question.
            await self.ask(anna, "leave", "news")

    async def test_a_room_that_was_left_is_silent(self) -> None:
        async with (
            SocketClient(application, "/ws/rooms/", user=self.anna) as anna,
            SocketClient(application, "/ws/rooms/", user=self.ben) as ben,
        ):
            for client in (anna, ben):
                await self.ask(client, "enter", "news")
            await self.ask(ben, "leave", "news")
            await self.ask(ben, "leave", "news")
            await anna.send_json({"do": "say", "room": "news", "text": "hello"})
            await self.ask(anna, "leave", "news")
            await self.ask(ben, "enter", "sport")

    async def test_a_room_that_one_may_not_enter_is_refused(self) -> None:
        async with SocketClient(application, "/ws/rooms/", user=self.ben) as ben:
            for do in ("enter", "say"):
                await ben.send_json({"do": do, "room": "staff", "text": "hello"})
                self.assertEqual(await ben.receive_json(), {"refused": "staff"})
            await ben.send_json({"do": "enter", "room": "a" * 200})
            self.assertEqual(await ben.receive_json(), {"refused": "a" * 200})

    async def test_a_message_that_means_nothing_ends_it(self) -> None:
        async with SocketClient(application, "/ws/rooms/") as client:
            await client.send_json({"do": "dance", "room": "news"})
            self.assertEqual((await client.closed())[0], 1008)
