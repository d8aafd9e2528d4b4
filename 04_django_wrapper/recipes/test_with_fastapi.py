"""The test of with_fastapi.py: copy it, too."""

from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import patch

from asgiref.testing import ApplicationCommunicator
from django.test import TestCase, TransactionTestCase
from mysite.asgi import application
from sockets import dispatch
from sockets.testing import SocketClient

from . import with_fastapi


async def fetch(site: Any, path: str, method: str = "GET", query: str = "") -> Any:
    """The status and the body of a page, whichever application answers it."""
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(b"host", b"testserver")],
    }
    talk = ApplicationCommunicator(site, scope)
    await talk.send_input({"type": "http.request", "body": b""})
    start = await talk.receive_output(30)
    body = (await talk.receive_output(30)).get("body", b"")
    await talk.wait(30)
    return start["status"], body


class WithFastapiTest(TransactionTestCase):
    async def test_an_endpoint_tells_the_group_beside_and_around(self) -> None:
        for site in (with_fastapi.beside, with_fastapi.around):
            async with SocketClient(site, "/ws/listen/") as client:
                answer = await fetch(site, "/api/say/", "POST", "text=hello")
                self.assertEqual(answer, (200, b'{"users":0}'))
                self.assertEqual(await client.receive_json(), {"text": "hello"})

    async def test_django_answers_all_other_pages(self) -> None:
        for site in (with_fastapi.beside, with_fastapi.around):
            self.assertEqual((await fetch(site, "/admin/"))[0], 302)


class LifeTest(TestCase):
    async def test_the_layer_and_fastapi_start_and_end_with_the_server(self) -> None:
        self.assertIs(application, with_fastapi.beside)
        for site in (with_fastapi.beside, with_fastapi.around):
            lives: list[bool] = []
            life = noting(lives)
            with (
                patch.object(dispatch, "lifetimes", [life]),
                patch.object(with_fastapi.api.router, "lifespan_context", life),
            ):
                talk = ApplicationCommunicator(site, {"type": "lifespan"})
                for stage in ("startup", "shutdown"):
                    await talk.send_input({"type": f"lifespan.{stage}"})
                    told = await talk.receive_output(30)
                    self.assertEqual(told["type"], f"lifespan.{stage}.complete")
                await talk.wait(30)
            # Around, FastAPI is another object, whose life is that of the recipe.
            number = 2 if site is with_fastapi.beside else 1
            self.assertEqual(lives, [True] * number + [False] * number)


def noting(lives: list[bool]) -> Any:
    """A lifetime, or a lifespan of FastAPI, that notes its beginning and its end."""

    @asynccontextmanager
    async def lifetime(*_: Any) -> Any:
        lives.append(True)
        yield
        lives.append(False)

    return lifetime
