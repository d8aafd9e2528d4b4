"""The project below a root path, as a proxy mounts it: https://example.org/site/."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.support import nginx
from tests.support.chat import Chat, live
from tests.support.processes import server_process

pytestmark = pytest.mark.asyncio(loop_scope="session")

UVICORN = ["-m", "uvicorn", "--app-dir", "04_django_wrapper"]
BELOW = [
    ("location / {", "location /site/ {"),
    ("proxy_pass http://127.0.0.1:8000;", "proxy_pass http://127.0.0.1:8000/;"),
]


@pytest.mark.skipif(bool(nginx.missing()), reason=nginx.missing())
async def test_below_a_root_path_each_page_finds_its_files_and_its_websocket(
    browser: Browser, chat: Chat, tmp_path: Path
) -> None:
    command = [*UVICORN, "websocket_app.asgi:application", "--port=0"]
    command += ["--root-path", "/site"]
    with (
        server_process(command, **chat.environment) as server,
        nginx.running_nginx(tmp_path, server.url, *BELOW) as proxy,
    ):
        url = f"http://127.0.0.1:{proxy.http}/site/"
        async with chat.window(browser, None, url) as page:
            await page.get_by_role("button", name="Connect").click()
            await expect(page.locator("#state")).to_have_text("open")
            await page.get_by_role("button", name="Send", exact=True).click()
            await expect(page.locator("#log")).to_contain_text("pong!")
            await page.get_by_role("link", name="the rooms").click()
            await page.get_by_role("link", name="Lobby").click()
            await live(page)
            await expect(page).to_have_url(f"{url}rooms/lobby/")
            await page.get_by_role("link", name="04 Django").click()
            await expect(page).to_have_url(url)
