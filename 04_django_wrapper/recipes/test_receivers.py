"""The test of receivers.py: copy it, too."""

from unittest.mock import patch

from django.contrib.auth.models import User
from django.test import TestCase
from mysite.asgi import application
from sockets.testing import SocketClient

from . import receivers


class ReceiversTest(TestCase):
    def setUp(self) -> None:
        same_prices = patch.dict(receivers.PRICES)
        same_prices.start()
        self.addCleanup(same_prices.stop)

    async def test_each_receiver_tells_its_own_peer_what_concerns_it(self) -> None:
        boss = await User.objects.acreate(username="boss", is_staff=True)
        async with (
            SocketClient(application, "/ws/shop/") as poor,
            SocketClient(application, "/ws/shop/", user=boss) as staff,
        ):
            await receivers.change("oyster", 25)
            await receivers.change("tea", 2)
            told = {"name": "tea", "price": 2, "left": 8}
            self.assertEqual(await poor.receive_json(), told)
            told = {"name": "oyster", "price": 25, "left": -15}
            self.assertEqual(await staff.receive_json(), told)

    async def test_a_message_of_the_peer_changes_what_it_is_told(self) -> None:
        async with SocketClient(application, "/ws/shop/") as client:
            await client.send_json({"most": 50})
            self.assertEqual(await client.receive_json(), {"most": 50})
            await receivers.change("oyster", 40)
            told = {"name": "oyster", "price": 40, "left": 10}
            self.assertEqual(await client.receive_json(), told)

    async def test_a_message_that_means_nothing_ends_it(self) -> None:
        async with SocketClient(application, "/ws/shop/") as client:
            await client.send_json(["more"])
            self.assertEqual((await client.closed())[0], 1008)
