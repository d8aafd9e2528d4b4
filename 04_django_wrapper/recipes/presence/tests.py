"""The test of this app."""

import asyncio
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from django.contrib.auth.models import User
from django.test import TestCase
from django.utils import timezone
from mysite.asgi import application
from sockets.testing import SocketClient, SocketRefused

from . import handlers
from .models import Seat

PATH = "/ws/presence/lobby/"


class PresenceTest(TestCase):
    def setUp(self) -> None:
        self.anna = User.objects.create(username="anna")
        self.ben = User.objects.create(username="ben")

    def tab(self, user: Any) -> SocketClient:
        return SocketClient(application, PATH, user=user)

    async def test_everybody_is_told_who_comes_and_who_goes(self) -> None:
        async with self.tab(self.anna) as anna:
            self.assertEqual(await anna.receive_json(), {"people": ["anna"]})
            async with self.tab(self.ben) as ben:
                for client in (anna, ben):
                    told = await client.receive_json()
                    self.assertEqual(told, {"people": ["anna", "ben"]})
            self.assertEqual(await anna.receive_json(), {"people": ["anna"]})
        self.assertEqual(await Seat.objects.acount(), 0)

    async def test_two_tabs_of_one_person_count_once(self) -> None:
        async with self.tab(self.anna) as one:
            await one.receive_json()
            async with self.tab(self.anna):
                self.assertEqual(await one.receive_json(), {"people": ["anna"]})
            self.assertEqual(await one.receive_json(), {"people": ["anna"]})

    async def test_the_seats_of_a_killed_process_are_forgotten(self) -> None:
        hour = timezone.now() - timedelta(hours=1)
        await Seat.objects.acreate(room="lobby", user=self.ben, seen=hour)
        with patch.object(handlers, "SECONDS", 0.01):
            async with self.tab(self.anna) as anna:
                self.assertEqual(await anna.receive_json(), {"people": ["anna"]})
                # The first sign of life deletes the old seat, and all are told.
                self.assertEqual(await anna.receive_json(), {"people": ["anna"]})
                self.assertEqual(await Seat.objects.acount(), 1)

    async def test_a_sign_of_life_brings_a_deleted_seat_back(self) -> None:
        with patch.object(handlers, "SECONDS", 0.01):
            async with self.tab(self.anna) as anna, asyncio.timeout(30):
                await anna.receive_json()
                await Seat.objects.all().adelete()
                while not await Seat.objects.aexists():
                    pass  # each question gives the handler a turn

    async def test_a_stranger_and_a_name_that_is_too_long_are_refused(self) -> None:
        long = f"/ws/presence/{'x' * 51}/"
        for path, user, status in ((PATH, None, 401), (long, self.anna, 404)):
            with self.assertRaises(SocketRefused) as refused:
                async with SocketClient(application, path, user=user):
                    pass
            self.assertEqual(refused.exception.status, status)
