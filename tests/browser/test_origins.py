"""Who may open a websocket to stage 04, and what a real browser sends along."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.async_api import Browser, Error, Page

from tests.browser.conftest import Stages
from tests.support.processes import ROOT, ServerProcess, server_process

pytestmark = pytest.mark.asyncio(loop_scope="session")

STAGE = ROOT / "04_django_wrapper"
USER = {"USERNAME": "ann", "PASSWORD": "a long secret", "EMAIL": "ann@example.org"}
# Stage 04's application, unchanged, behind one that sends back two headers at first.
NOTED = """
from websocket_app.asgi import application as stage_04

async def application(scope, receive, send):
    async def noted(event):
        await send(event)
        if event["type"] == "websocket.accept":
            headers = dict(scope["headers"])
            for name in (b"origin", b"cookie"):
                text = headers.get(name, b"none").decode()
                await send({"type": "websocket.send", "text": text})

    await stage_04(scope, receive, noted if scope["type"] == "websocket" else send)
"""
# Opens a websocket as a page's script can, and waits for its first two messages.
HEARD = """address => new Promise((resolve, reject) => {
    const heard = []
    const ws = new WebSocket(address)
    ws.onmessage = event => { if (heard.push(event.data) === 2) resolve(heard) }
    ws.onclose = reject
})"""


@pytest.fixture(scope="module")
def article(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Stage 04 with a database in which ann has an account of the admin."""
    folder = tmp_path_factory.mktemp("noted")
    (folder / "noted.py").write_text(NOTED, "utf-8")
    database = {"DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}"}
    user = {f"DJANGO_SUPERUSER_{name}": value for name, value in USER.items()}
    manage(["migrate", "--verbosity=0"], database)
    manage(["createsuperuser", "--noinput"], database | user)
    command = ["-m", "uvicorn", "--app-dir", str(STAGE), "noted:application"]
    with server_process([*command, "--port=0"], cwd=folder, **database) as server:
        yield server


def manage(command: list[str], variables: dict[str, str]) -> None:
    subprocess.run(
        [sys.executable, str(STAGE / "manage.py"), *command],
        env={**os.environ, **variables},
        check=True,
        timeout=300,
    )


async def log_in(page: Page, url: str) -> str:
    """Log in at the admin; the browser has the session cookie then, and so have we."""
    form, jar = page.context.request, page.context  # they share their cookies
    await form.get(f"{url}/admin/login/")
    [token] = [c["value"] for c in await jar.cookies() if c["name"] == "csrftoken"]
    fields = {name.lower(): value for name, value in USER.items()}
    fields["csrfmiddlewaretoken"] = token
    answer = await form.post(f"{url}/admin/login/?next=/admin/", form=fields)
    assert "Site administration" in await answer.text()
    [session] = [c for c in await jar.cookies() if c["name"] == "sessionid"]
    assert session["sameSite"] == "Lax"
    return f"sessionid={session['value']}"


async def test_claim_23_a_page_of_another_port_brings_the_session_cookie(
    article: ServerProcess, stages: Stages, page: Page
) -> None:
    session = await log_in(page, article.url)
    await page.goto(stages["03"])  # the same host, another port: a site, two origins
    origin, cookie = await page.evaluate(HEARD, article.url.replace("http", "ws"))
    assert origin == stages["03"] != article.url
    assert session in cookie


async def test_claim_23_a_page_of_another_site_is_let_in_without_the_session_cookie(
    article: ServerProcess, stages: Stages, page: Page
) -> None:
    session = await log_in(page, article.url)
    elsewhere = stages["03"].replace("127.0.0.1", "localhost")
    await page.goto(elsewhere)
    origin, cookie = await page.evaluate(HEARD, article.url.replace("http", "ws"))
    assert origin == elsewhere
    assert session not in cookie
    assert cookie == "none"


async def test_claim_23_the_layer_refuses_a_page_of_another_origin_or_site(
    article: ServerProcess, stages: Stages, page: Page, browser: Browser
) -> None:
    address = f"{article.url.replace('http', 'ws')}/ws/ping/"
    await page.goto(article.url)
    origin, _ = await page.evaluate(HEARD, address)
    assert origin == article.url
    other, told = await browser.new_page(), []
    other.on("console", lambda message: told.append(message.text))
    for elsewhere in (stages["03"], stages["03"].replace("127.0.0.1", "localhost")):
        await other.goto(elsewhere)
        with pytest.raises(Error):
            await other.evaluate(HEARD, address)
    await other.close()
    assert len(told) == 2
    assert all("Unexpected response code: 403" in line for line in told)
