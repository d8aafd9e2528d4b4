"""The test of rest.py: copy it, too."""

from typing import Any

from django.contrib.auth.models import Group
from django.test import AsyncClient, TestCase, TransactionTestCase
from mysite.asgi import application
from sockets.testing import SocketClient

NEW = {"name": "red"}


async def post(path: str) -> Any:
    answer = await AsyncClient().post(path, NEW, content_type="application/json")
    return answer.status_code, answer.json()


class RestTest(TransactionTestCase):
    async def test_what_either_view_stores_is_told_to_the_group(self) -> None:
        for path in ("/drf/teams/", "/ninja/teams/"):
            async with SocketClient(application, "/ws/teams/") as client:
                status, team = await post(path)
                self.assertEqual(status, 201)
                self.assertEqual(await client.receive_json(), team)
            await Group.objects.all().adelete()

    async def test_what_is_not_stored_is_not_told(self) -> None:
        await Group.objects.acreate(name="red")
        async with SocketClient(application, "/ws/teams/") as client:
            await client.receive_json()
            status, _ = await post("/drf/teams/")
            self.assertEqual(status, 400)
        self.assertEqual(sum("websocket.send" in line for line in client.said), 1)


class FirstTest(TestCase):
    async def test_a_newcomer_is_told_what_is_there(self) -> None:
        team = await Group.objects.acreate(name="blue")
        async with SocketClient(application, "/ws/teams/") as client:
            told = await client.receive_json()
        self.assertEqual(told, {"id": team.pk, "name": "blue"})
