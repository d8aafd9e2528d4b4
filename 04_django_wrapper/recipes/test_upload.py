"""The test of upload.py: copy it, too."""

from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.test import TestCase, override_settings
from mysite.asgi import application
from sockets.testing import SocketClient, SocketRefused

from . import upload


class UploadTest(TestCase):
    def setUp(self) -> None:
        self.anna = User.objects.create(username="anna")
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        stored_there = override_settings(MEDIA_ROOT=folder.name)
        stored_there.enable()
        self.addCleanup(stored_there.disable)

    def client_of_anna(self) -> SocketClient:
        return SocketClient(application, "/ws/upload/", user=self.anna)

    async def test_the_sender_is_told_of_each_piece_and_of_the_name(self) -> None:
        async with self.client_of_anna() as client:
            await client.send_json({"name": "../my cat.png", "size": 7})
            for piece, received in ((b"four", 4), (b"abc", 7)):
                await client.send(piece)
                told = await client.receive_json()
                self.assertEqual(told, {"received": received, "size": 7})
            name = (await client.receive_json())["stored"]
            self.assertEqual(await client.closed(), (1000, ""))
        self.assertNotIn("/", name)
        with default_storage.open(name) as file:
            self.assertEqual(file.read(), b"fourabc")

    async def test_a_file_has_more_pieces_than_people_may_write_at_once(self) -> None:
        pieces = 1_200  # MESSAGES_AT_ONCE of the site is 1,000
        async with self.client_of_anna() as client:
            await client.send_json({"name": "a", "size": pieces})
            for _ in range(pieces):
                await client.send(b"x")
            for received in range(1, pieces + 1):
                told = await client.receive_json()
                self.assertEqual(told["received"], received)

    async def test_a_wrong_beginning_ends_it(self) -> None:
        wrong: list[Any] = [
            {"name": "a", "size": 0},
            {"name": "a", "size": upload.MOST + 1},
            {"name": "a", "size": True},
            {"name": "..", "size": 1},
            {"name": 1, "size": 1},
            [],
        ]
        for first in wrong:
            async with self.client_of_anna() as client:
                await client.send_json(first)
                self.assertEqual((await client.closed())[0], 1008, first)

    async def test_more_than_was_announced_or_text_ends_it(self) -> None:
        for piece, code in ((b"12345", 1008), ("1", 1003)):
            async with self.client_of_anna() as client:
                await client.send_json({"name": "a", "size": 4})
                await client.send(piece)
                self.assertEqual((await client.closed())[0], code)

    async def test_a_sender_who_leaves_leaves_nothing_behind(self) -> None:
        with patch.object(default_storage, "save") as save:
            async with self.client_of_anna() as client:
                await client.send_json({"name": "a", "size": 4})
                await client.send(b"12")
                await client.receive_json()
        save.assert_not_called()

    async def test_a_stranger_is_refused(self) -> None:
        with self.assertRaises(SocketRefused) as refused:
            async with SocketClient(application, "/ws/upload/"):
                pass
        self.assertEqual(refused.exception.status, 401)
