"""The client of CLIENT.md: its own project, in real windows, without the chat."""

import asyncio
import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, WebSocketRoute, expect

from tests.support.browsers import MILLISECONDS
from tests.support.processes import ROOT, ServerProcess, server_process
from tests.support.readmes import python_of
from tests.support.servers import free_port

pytestmark = pytest.mark.asyncio(loop_scope="session")

STAGE = ROOT / "04_django_wrapper"
CLIENT = (STAGE / "CLIENT.md").read_text("utf-8")
ADDRESS = re.compile(r"development server at (http://[\d.]+:\d+)")


class Project:
    """The project of CLIENT.md, on a server that a test can stop."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        made = [sys.executable, "-m", "django", "startproject", "mysite", "."]
        subprocess.run(made, cwd=folder, check=True)
        bytecode = shutil.ignore_patterns("__pycache__")
        shutil.copytree(STAGE / "sockets", folder / "sockets", ignore=bytecode)
        (folder / "mysite" / "templates").mkdir()
        blocks = python_of("04_django_wrapper", "Copy it into your project")
        blocks += re.findall(r"^```python\n(.*?)^```", CLIENT, re.M | re.S)
        for block in blocks:
            self._write(block)
        [page] = re.findall(r"^```html\n(.*?)^```", CLIENT, re.M | re.S)
        (folder / "mysite" / "templates" / "board.html").write_text(page, "utf-8")

    def _write(self, block: str) -> None:
        found = re.match(r"# (mysite/\w+\.py)(, at its end)?\n", block)
        assert found is not None
        file = self.folder / found[1]
        before = file.read_text("utf-8") if found[2] else ""
        file.write_text(before + block, "utf-8")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def server(self) -> contextlib.AbstractContextManager[ServerProcess]:
        command = ["manage.py", "runserver", "--noreload", f"127.0.0.1:{self.port}"]
        return server_process(
            command,
            address=ADDRESS,
            cwd=self.folder,
            DJANGO_SETTINGS_MODULE="mysite.settings",
            PYTHONPATH=os.fspath(self.folder),
        )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("client"))


@pytest.fixture(scope="module")
def server(project: Project) -> Iterator[ServerProcess]:
    with project.server() as server:
        yield server


class Wire:
    """Between the page and the server: it may die in silence, or lose acks."""

    def __init__(self) -> None:
        self.attempts: list[str] = []  # their addresses
        self.sent: list[str] = []  # the notes that the page has sent
        self.loses_acks = False
        self.has_lost_one = asyncio.Event()
        self.refuses = 0  # a close code for each new connection
        self.dead: set[WebSocketRoute] = set()

    async def __call__(self, page: WebSocketRoute) -> None:
        self.page = page
        self.attempts.append(page.url)
        if self.refuses:
            await page.close(code=self.refuses)
            return
        server = page.connect_to_server()

        def from_page(text: str | bytes) -> None:
            if '"note"' in str(text):
                self.sent.append(str(text))
            if page not in self.dead:
                server.send(text)

        def from_server(text: str | bytes) -> None:
            is_lost = self.loses_acks and '"ack"' in str(text)
            if is_lost:
                self.has_lost_one.set()
            elif page not in self.dead:
                page.send(text)

        page.on_message(from_page)
        server.on_message(from_server)


@asynccontextmanager
async def window(browser: Browser, url: str) -> AsyncIterator[tuple[Page, Wire]]:
    """A window of its own browser, live, with its wire."""
    wire = Wire()
    async with await browser.new_context() as context:
        page = await context.new_page()
        page.set_default_timeout(MILLISECONDS)
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.route_web_socket("**/ws/**", wire)
        await page.goto(url)
        await expect(page.locator("#state")).to_have_text("live")
        yield page, wire
    assert not errors


async def write(page: Page, text: str) -> None:
    await page.get_by_label("Note").fill(text)
    await page.get_by_role("button", name="Write").click()


async def test_two_windows_see_the_same_notes(
    browser: Browser, project: Project, server: ServerProcess
) -> None:
    async with (
        window(browser, project.url) as (one, _),
        window(browser, project.url) as (other, _),
    ):
        await write(one, "from the one")
        notes = other.locator("#notes li")
        await expect(notes.last).to_have_text("from the one")
        await write(other, "from the other")
        await expect(one.locator("#notes li").last).to_have_text("from the other")
        await expect(one.locator("#unsent li")).to_have_count(0)
        await one.wait_for_function("() => localStorage.length === 0")


async def test_what_was_missed_comes_once_after_a_new_connection(
    browser: Browser, project: Project, server: ServerProcess
) -> None:
    async with (
        window(browser, project.url) as (one, wire),
        window(browser, project.url) as (other, _),
    ):
        await write(other, "before")
        await expect(one.locator("#notes li").last).to_have_text("before")
        wire.refuses = 1013
        await wire.page.close(code=1012)
        await expect(one.locator("#state")).to_contain_text("reconnecting")
        for text in ("missed one", "missed two"):
            await write(other, text)
        await expect(other.locator("#unsent li")).to_have_count(0)
        wire.refuses = 0
        await one.evaluate("dispatchEvent(new Event('online'))")
        await expect(one.locator("#notes li").last).to_have_text("missed two")
        seen = await one.locator("#notes li").all_text_contents()
        assert seen == await other.locator("#notes li").all_text_contents()
        assert not wire.attempts[-1].endswith("after=0")


async def test_a_note_whose_ack_was_lost_is_sent_again_and_stored_once(
    browser: Browser, project: Project, server: ServerProcess
) -> None:
    async with window(browser, project.url) as (page, wire):
        wire.loses_acks = True
        await write(page, "only once")
        await expect(page.locator("#unsent li")).to_have_text("only once (sending)")
        await wire.has_lost_one.wait()
        wire.loses_acks = False
        await page.reload()  # it was kept
        await expect(page.locator("#unsent li")).to_have_count(0)
        notes = await page.locator("#notes li").all_text_contents()
        assert notes.count("only once") == 1
        assert len(wire.sent) == 2 and len(set(wire.sent)) == 1


async def test_a_connection_that_dies_in_silence_is_replaced(
    browser: Browser, project: Project, server: ServerProcess
) -> None:
    async with window(browser, project.url) as (page, wire):
        await page.clock.install()
        await page.reload()
        await expect(page.locator("#state")).to_have_text("live")
        attempts = len(wire.attempts)
        wire.dead.add(wire.page)
        await page.evaluate("window.dispatchEvent(new Event('pageshow'))")
        await page.clock.run_for(10_500)
        await expect(page.locator("#state")).to_have_text("live")
        assert len(wire.attempts) == attempts + 1


async def test_a_close_code_that_means_no_ends_it_with_its_reason(
    browser: Browser, project: Project, server: ServerProcess
) -> None:
    async with window(browser, project.url) as (page, wire):
        await wire.page.close(code=1008, reason="That is enough.")
        state = page.locator("#state")
        await expect(state).to_have_text("closed (That is enough.)")
        await page.evaluate("dispatchEvent(new Event('online'))")
        await expect(state).to_have_text("closed (That is enough.)")
        assert len(wire.attempts) == 1


ASKS = """async (hangs) => {
  const { LastingSocket } = await import("/static/sockets/lasting_socket.js");
  window.states = [];
  new LastingSocket({
    address: () => `ws://${location.host}/ws/nowhere/`,
    onMessage() {},
    onState: (state) => states.push(state),
    whyRefused() {
      window.wasAsked = true;
      const away = new Error("the server is away");
      return new Promise((_, reject) => hangs || reject(away));
    },
  }).open();
}"""


@pytest.mark.parametrize("hangs", [False, True], ids=["is away", "says nothing"])
async def test_a_page_whose_question_why_gets_no_answer_tries_again(
    browser: Browser, project: Project, server: ServerProcess, hangs: bool
) -> None:
    async with await browser.new_context() as context:
        page = await context.new_page()
        page.set_default_timeout(MILLISECONDS)
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(project.url)
        if hangs:
            await page.clock.install()
        await page.evaluate(ASKS, hangs)
        await page.wait_for_function("() => window.wasAsked")
        if hangs:
            await page.clock.run_for(10_500)
        await page.wait_for_function("() => states.includes('reconnecting')")
        assert not errors


async def test_notes_wait_while_the_server_restarts(
    browser: Browser, project: Project
) -> None:
    other = Project.__new__(Project)
    other.folder = project.folder
    other.port = free_port()
    async with await browser.new_context() as context:
        page = await context.new_page()
        await page.add_init_script("Math.random = () => 0")  # soon again
        state = page.locator("#state")
        with other.server():
            await page.goto(other.url)
            await expect(state).to_have_text("live")
        await expect(state).to_contain_text("reconnecting")
        for text in ("first", "second"):
            await write(page, text)
        unsent = page.locator("#unsent li")
        await expect(unsent).to_have_text(["first (waiting)", "second (waiting)"])
        with other.server():
            await expect(unsent).to_have_count(0)
            await page.wait_for_selector("#notes li")
            notes = await page.locator("#notes li").all_text_contents()
            assert notes == ["first", "second"]
