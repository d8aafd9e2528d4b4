"""The chat of stage 04 on a server of its own: people, rooms, and their windows."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import (
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from copy import copy
from itertools import count
from pathlib import Path

from playwright.async_api import (
    Browser,
    ConsoleMessage,
    Error,
    Page,
    ViewportSize,
    expect,
)

from tests.support.browsers import MILLISECONDS
from tests.support.ports import free_port
from tests.support.processes import ROOT, ServerProcess, server_process

STAGE = ROOT / "04_django_wrapper"
# Ann and Ben are users, Mod is staff, one has a name full of HTML; Ann is the one
# member of "members". Each person has a session, and each test can have a room.
PREPARE = """
import django, json
django.setup()
from django.contrib.auth import get_user_model, login
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command
from django.http import HttpRequest
from chat.models import Room
call_command("migrate", verbosity=0)
sessions = {}
for name in ("Ann", "Ben", "Mod", "<b onclick=alert(1)>"):
    staff = name == "Mod"
    user = get_user_model().objects.create(
        username=name, is_staff=staff, is_superuser=staff)
    request = HttpRequest()
    request.session = SessionStore()
    login(request, user, "django.contrib.auth.backends.ModelBackend")
    request.session.save()
    sessions[name] = request.session.session_key
for number in range(1, 100):
    Room.objects.create(name=f"room-{number}", slug=f"room-{number}")
members = Room.objects.create(name="Members", slug="members", members_only=True)
members.members.add(get_user_model().objects.get(username="Ann"))
print(json.dumps(sessions))
"""
FILL = """
import django
django.setup()
from chat.models import Message, Room
room = Room.objects.get(slug="{slug}")
Message.objects.bulk_create(
    Message(room=room, name="Ben", text=f"message {{n}}", key=f"filled {{n}}")
    for n in range({number}))
"""
# A lost connection is an error on the browser's console, and what some tests are about.
LOST = ("WebSocket connection to", "Failed to load resource")
_screenshots = count(1)


class Chat:
    """A database, and a server at an address that outlives it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            "DATABASE_URL": f"sqlite:///{folder / 'chat.sqlite3'}",
            "DJANGO_SETTINGS_MODULE": "websocket_app.settings",
            "SECRET_KEY": "of this test only",  # sessions outlive a restart, too
        }
        self.sessions: dict[str, str] = json.loads(self.run(PREPARE))
        self._rooms = iter(range(1, 100))
        self._listen()

    def run(self, code: str) -> str:
        """What Python prints, with the chat's models at hand."""
        command = [sys.executable, "-c", code]
        environment = {**os.environ, **self.environment}
        return subprocess.run(
            command, cwd=STAGE, env=environment, check=True, capture_output=True
        ).stdout.decode()

    def server(self) -> AbstractContextManager[ServerProcess]:
        command = ["-m", "uvicorn", "websocket_app.asgi:application"]
        return server_process(
            [*command, f"--port={self.port}"], cwd=STAGE, **self.environment
        )

    def on_another_port(self) -> "Chat":
        """The same database, for a server that a test can stop."""
        other = copy(self)
        other._listen()
        return other

    def _listen(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def fill(self, room: str, number: int) -> None:
        """Put messages into the database, for those who come later."""
        slug = room.split("/")[-2]
        self.run(FILL.format(slug=slug, number=number))

    def new_room(self) -> str:
        """The address of a room where nobody has been."""
        return f"{self.url}/rooms/room-{next(self._rooms)}/"

    @asynccontextmanager
    async def window(
        self, browser: Browser, person: str | None, url: str
    ) -> AsyncIterator[Page]:
        """A page in a browser where ``person`` is logged in; None is a guest."""
        errors: list[str] = []

        def note(message: ConsoleMessage) -> None:
            if message.type == "error" and not message.text.startswith(LOST):
                errors.append(message.text)

        size: ViewportSize = {"width": 1100, "height": 760}
        async with await browser.new_context(viewport=size) as context:
            if person is not None:
                session = self.sessions[person]
                await context.add_cookies(
                    [{"name": "sessionid", "value": session, "url": self.url}]
                )
            page = await context.new_page()
            page.set_default_timeout(MILLISECONDS)
            page.on("console", note)
            page.on("pageerror", lambda error: errors.append(str(error)))
            await page.goto(url)
            try:
                yield page
            except Exception:
                path = self.folder / f"{next(_screenshots)}.png"
                with suppress(Error):  # the page may be closed
                    await page.screenshot(path=path)
                    print(f"What {person or 'the guest'} saw: {path}")
                raise
        assert not errors


@contextmanager
def running_chat(folder: Path) -> Iterator[Chat]:
    chat = Chat(folder)
    with chat.server():
        yield chat


async def live(*pages: Page) -> None:
    for page in pages:
        await expect(page.locator("#state")).to_have_text("live")


async def write(page: Page, text: str) -> None:
    await page.get_by_label("Message", exact=True).fill(text)
    await page.keyboard.press("Enter")


async def texts(page: Page) -> list[str]:
    """The messages that the page shows, from the first to the last."""
    return await page.locator("#messages .text").all_text_contents()
