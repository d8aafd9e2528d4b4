"""The pages of stages 01 and 02, driven by a client that is no browser."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from websockets import ClientConnection, InvalidStatus, connect

from tests.support.stages import stage_app, without_end
from workshop.pages.serving import serving

STAGES = ["01_asyncio_basics", "02_coroutines"]
both_stages = pytest.mark.parametrize("folder", STAGES)


class OpenPage:
    """What a browser would keep of a page: its pieces, by their ids."""

    def __init__(self, websocket: ClientConnection) -> None:
        self.websocket = websocket
        self.pieces: dict[str, str] = {}

    async def press(self, button: str, **more: str) -> None:
        await self.websocket.send(json.dumps({"press": button, **more}))

    async def until(self, piece: str, words: str) -> str:
        """Take what the server sends until ``piece`` holds ``words``."""
        async with asyncio.timeout(30):
            while words not in self.pieces.get(piece, ""):
                self.pieces |= json.loads(await self.websocket.recv())
        return self.pieces[piece]


@asynccontextmanager
async def opened(folder: str, **options: Any) -> AsyncIterator[OpenPage]:
    async with serving(stage_app(folder).application) as url:
        async with connect(url.replace("http", "ws"), **options) as websocket:
            yield OpenPage(websocket)


def programs() -> list[threading.Thread]:
    """The threads in which a page's programs run."""
    threads = threading.enumerate()
    return [thread for thread in threads if thread.name.startswith("program")]


@both_stages
async def test_a_page_and_its_assets_are_served_and_nothing_else(folder: str) -> None:
    def get(url: str, method: str = "GET") -> tuple[int, str, bytes]:
        try:
            with urlopen(Request(url, method=method)) as answer:
                return answer.status, answer.headers["content-type"], answer.read()
        except HTTPError as error:
            with error:
                return error.code, error.headers["content-type"], error.read()

    async with serving(stage_app(folder).application) as url:
        status, kind, body = await asyncio.to_thread(get, f"{url}/")
        assert (status, kind) == (200, "text/html; charset=utf-8")
        assert b"<h1>" in body
        status, kind, _ = await asyncio.to_thread(get, f"{url}/style.css")
        assert (status, kind) == (200, "text/css; charset=utf-8")
        assert (await asyncio.to_thread(get, f"{url}/page.js", "HEAD"))[2] == b""
        for path in ("/app.py", "/../app.py", "/nothing", "/%2e%2e/pyproject.toml"):
            assert (await asyncio.to_thread(get, url + path))[0] == 404, path


@both_stages
async def test_a_page_of_another_origin_cannot_drive_a_program(folder: str) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        async with opened(folder, origin="https://attacker.example"):
            pass


@both_stages
@pytest.mark.parametrize(
    "sent",
    ["run", "[]", "null", b"\x00", "", "[" * 100_000, '{"button": "run"}'],
    ids=["no JSON", "list", "null", "bytes", "empty", "deep", "no press"],
)
async def test_a_message_that_is_no_button_is_answered_with_what_was_expected(
    folder: str, sent: str | bytes
) -> None:
    async with opened(folder) as page:
        await page.websocket.send(sent)
        assert "Expected JSON" in await page.until("problem", "Expected")
        name, program = list(stage_app(folder).PROGRAMS.items())[1]
        await page.press("choose", program=name)  # the connection lives on
        assert await page.until("about", program.about) and not page.pieces["problem"]


@both_stages
async def test_an_unknown_button_and_an_unknown_program_are_named_with_the_known_ones(
    folder: str,
) -> None:
    async with opened(folder) as page:
        await page.press("<b>explode</b>")
        problem = await page.until("problem", "no button")
        assert "run" in problem and "<b>" not in problem
        await page.press("choose", program="os.system")
        problem = await page.until("problem", "no program")
        assert all(name in problem for name in stage_app(folder).PROGRAMS)


async def test_a_closed_tab_ends_its_program(monkeypatch: pytest.MonkeyPatch) -> None:
    without_end(monkeypatch)
    async with opened("01_asyncio_basics") as page:
        await page.press("run")
        await page.until("state", "running")
        [thread] = programs()
    await asyncio.to_thread(thread.join, 30)
    assert not thread.is_alive()


async def test_two_tabs_do_not_disturb_each_other() -> None:
    async with serving(stage_app("01_asyncio_basics").application) as url:
        address = url.replace("http", "ws")
        async with connect(address) as first, connect(address) as second:
            one, two = OpenPage(first), OpenPage(second)
            await one.press("run")
            await two.press("choose", program="one_after_the_other")
            await two.press("run")
            await two.until("state", "running")
            await two.press("stop")
            await two.until("state", "stopped")
            await one.until("state", "done")
    assert "task one awaited" in one.pieces["printed"]
    assert "two tasks" in one.pieces["picture"]
    assert "task one awaited" not in two.pieces["printed"]
    assert "one after the other" in two.pieces["picture"]


async def test_a_run_is_stopped_when_another_one_is_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    enough = without_end(monkeypatch)
    async with opened("01_asyncio_basics") as page:
        await page.press("run")
        await page.until("state", "running")
        [first] = programs()
        await page.press("run")
        await asyncio.to_thread(first.join, 30)
        assert not first.is_alive()
        enough.set()
        await page.until("state", "done")


async def test_stage_02_stays_within_its_first_and_last_step() -> None:
    async with opened("02_coroutines") as page:
        start = await page.until("state", "step 0 of")
        last = int(start.split()[-1])
        await page.press("back")
        await page.press("step")
        await page.until("state", "step 1 of")
        for _ in range(last + 2):
            await page.press("step")
        await page.until("state", f"step {last} of {last}")
        assert "has ended" in page.pieces["picture"]
