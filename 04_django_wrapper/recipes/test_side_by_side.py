"""The test of side_by_side.py: copy it, too."""

from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import User
from django.test import AsyncClient, TestCase
from mysite.asgi import application
from sockets.testing import SocketClient

from . import side_by_side


async def old_room(path: str, user: User) -> WebsocketCommunicator:
    """A client as tests of Channels have it, with the session of a user."""
    client = AsyncClient()
    await client.aforce_login(user)
    cookie = f"sessionid={client.cookies['sessionid'].value}".encode()
    # The validator has read ALLOWED_HOSTS when it was made: perhaps before the test.
    host = side_by_side.channels_application.allowed_origins[0]
    headers = [(b"origin", f"http://{host}".encode()), (b"cookie", cookie)]
    return WebsocketCommunicator(application, path, headers)


class SideBySideTest(TestCase):
    async def test_both_sides_of_a_room_hear_both(self) -> None:
        anna = await User.objects.acreate(username="anna")
        ben = await User.objects.acreate(username="ben")
        old = await old_room("/ws/old/lobby/", anna)
        self.assertEqual(await old.connect(30), (True, None))
        async with SocketClient(application, "/ws/new/lobby/", user=ben) as new:
            await old.send_to("hello")
            said = {"who": "anna", "text": "hello"}
            self.assertEqual(await old.receive_json_from(30), said)
            self.assertEqual(await new.receive_json(), said)
            await new.send("hi")
            said = {"who": "ben", "text": "hi"}
            self.assertEqual(await old.receive_json_from(30), said)
            self.assertEqual(await new.receive_json(), said)
        await old.disconnect()

    async def test_pages_are_answered_as_before(self) -> None:
        answer = await AsyncClient().get("/admin/")
        self.assertEqual(answer.status_code, 302)
