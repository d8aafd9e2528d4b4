"""A real Chromium, and the four stages as real uvicorn processes."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import (
    Browser,
    ConsoleMessage,
    Page,
)

from tests.support.browsers import MILLISECONDS, running_browser
from tests.support.chat import Chat, running_chat
from tests.support.failures import has_failed
from tests.support.processes import server_process

APPLICATIONS = {
    "01": ["--app-dir", "01_asyncio_basics", "app:application"],
    "02": ["--app-dir", "02_coroutines", "app:application"],
    "03": ["--app-dir", "03_asgi_raw", "app:application"],
    "04": ["--app-dir", "04_django_wrapper", "websocket_app.asgi:application"],
}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with running_browser() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def page(
    browser: Browser, request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[Page]:
    """A new page: an error on its console is a failure, and a failure has a picture."""
    page = await browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(MILLISECONDS)
    errors: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    if has_failed(request.node):
        path = tmp_path / "page.png"
        await page.screenshot(path=path, full_page=True)
        print(f"What the page showed: {path}")
    await page.close()
    assert not errors


class Stages:
    """Each stage's address; its server starts when it is first asked for."""

    def __init__(self, running: ExitStack, database: Path) -> None:
        self._running = running
        self._database = f"sqlite:///{database}"
        self._urls: dict[str, str] = {}

    def __getitem__(self, number: str) -> str:
        if number not in self._urls:
            command = ["-m", "uvicorn", *APPLICATIONS[number], "--port", "0"]
            server = server_process(command, DATABASE_URL=self._database)
            self._urls[number] = self._running.enter_context(server).url
        return self._urls[number]


@pytest.fixture(scope="session")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stages]:
    with ExitStack() as running:
        yield Stages(running, tmp_path_factory.mktemp("database") / "db.sqlite3")


@pytest.fixture(scope="session")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chat]:
    """Stage 04's chat, with people and rooms."""
    with running_chat(tmp_path_factory.mktemp("chat")) as chat:
        yield chat
