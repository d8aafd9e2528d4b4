"""The test of periodic.py: copy it, too."""

import asyncio
from unittest.mock import patch

from django.core.cache import cache
from django.test import TestCase
from mysite.asgi import application
from sockets.testing import SocketClient

from . import periodic


class PeriodicTest(TestCase):
    def setUp(self) -> None:
        cache.clear()
        shorter = patch.object(periodic, "SECONDS", 0.01)
        shorter.start()
        self.addCleanup(shorter.stop)

    async def test_a_timer_of_its_own_goes_on_until_its_peer_has_left(self) -> None:
        async with SocketClient(application, "/ws/for-one/") as client:
            first = await client.receive_json()
            second = await client.receive_json()
        self.assertEqual(first["user"], "AnonymousUser")
        self.assertLess(first["time"], second["time"])

    async def test_one_timer_tells_everybody_the_same(self) -> None:
        async with (
            SocketClient(application, "/ws/for-all/") as one,
            SocketClient(application, "/ws/for-all/") as other,
            periodic.ticking(),
        ):
            told = await one.receive_json()
            self.assertEqual(await other.receive_json(), told)

    async def test_one_process_publishes_the_news_of_a_turn(self) -> None:
        async with SocketClient(application, "/ws/for-all/") as client:
            for _process in range(3):
                await periodic.publish_once(turn=1)
            await periodic.publish_once(turn=2)
            await client.receive_json()
            await client.receive_json()
        self.assertEqual(sum("websocket.send" in line for line in client.said), 2)

    async def test_an_error_in_one_turn_does_not_end_the_timer(self) -> None:
        results = [OSError("the sensor is away"), {"time": 1.0}]
        with patch.object(periodic, "news", side_effect=results):
            async with SocketClient(application, "/ws/for-all/") as client:
                with self.assertLogs(periodic.log) as logged:
                    async with periodic.ticking():
                        self.assertEqual(await client.receive_json(), {"time": 1.0})
        self.assertIn("the sensor is away", logged.output[0])

    async def test_the_timer_ends_with_the_server(self) -> None:
        before = asyncio.all_tasks()
        async with periodic.ticking():
            self.assertEqual(len(asyncio.all_tasks()), len(before) + 1)
        self.assertEqual(asyncio.all_tasks(), before)
