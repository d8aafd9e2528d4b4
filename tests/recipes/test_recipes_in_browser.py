"""Three recipes in one new project, in a real Chromium, with their pages' scripts."""

import asyncio
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.support.browsers import MILLISECONDS, running_browser
from tests.support.ports import free_port
from tests.support.processes import server_process
from tests.support.recipes import lift, page_of, require_packages

pytestmark = pytest.mark.asyncio(loop_scope="module")

ADDRESS = re.compile(r"development server at (http://[\d.]+:\d+)")
ANNA = {"name": "anna", "password": "a long secret"}
PREPARE = f"""
import django
django.setup()
from django.contrib.auth.models import User
from django.core.management import call_command
call_command("migrate", verbosity=0)
User.objects.create_user("anna", password={ANNA["password"]!r})
"""


def script_of(name):
    """The one script of a recipe's page."""
    [script] = re.findall(r"^```js\n(.*?)^```", page_of(name), re.M | re.S)
    return script


class Page(BaseHTTPRequestHandler):
    """The same page at each address."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"the application")

    def log_message(self, *_):
        """Nobody reads it."""


@pytest.fixture(scope="module")
def app():
    """The origin of the application's pages: another port, the same site.

    A real server: Chromium lets no page that comes from nowhere fetch from localhost.
    """
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def site(tmp_path_factory, app):
    """The address of the project on a server."""
    require_packages()
    names = ["live_page", "other_origin", "upload"]
    folder = lift(names, tmp_path_factory.mktemp("project"))
    settings = folder / "mysite" / "settings.py"
    text = settings.read_text("utf-8").replace("https://app.example.org", app)
    settings.write_text(f"{text}\nMEDIA_ROOT = BASE_DIR / 'media'\n", "utf-8")
    environment = {
        "DJANGO_SETTINGS_MODULE": "mysite.settings",
        "PYTHONPATH": os.fspath(folder),
    }
    subprocess.run(
        [sys.executable, "-c", PREPARE],
        cwd=folder,
        env={**os.environ, **environment},
        check=True,
    )
    command = ["manage.py", "runserver", "--noreload", f"127.0.0.1:{free_port()}"]
    with server_process(command, address=ADDRESS, cwd=folder, **environment) as server:
        yield server.url.replace("127.0.0.1", "localhost")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser():
    async with running_browser() as browser:
        yield browser


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def window(browser):
    """A window of a browser that keeps its cookies from test to test."""
    async with await browser.new_context() as context:
        page = await context.new_page()
        page.set_default_timeout(MILLISECONDS)
        yield page


async def test_a_page_of_another_origin_logs_in_and_opens_its_websocket(
    window, site, app
):
    await window.goto(app)
    script = script_of("other_origin").replace("https://api.example.org", site)
    said = "new Promise((resolve) => socket.onmessage = (e) => resolve(e.data))"
    program = f"async ({{ name, password }}) => {{ {script} return await {said} }}"
    assert await window.evaluate(program, ANNA) == "hello, anna"


async def test_a_page_of_any_other_origin_opens_no_websocket(window, site, app):
    await window.goto(app.replace("localhost", "127.0.0.1"))
    address = f"{site.replace('http', 'ws')}/ws/hello/"
    program = """(address) => new Promise((resolve) => {
        const socket = new WebSocket(address)
        socket.onopen = () => resolve("open")
        socket.onclose = ({ code }) => resolve(code)
    })"""
    assert await window.evaluate(program, address) == 1006


async def test_a_page_uploads_a_file_and_shows_how_much_has_arrived(window, site):
    await window.goto(f"{site}/poll/")  # any page of the site; anna has logged in
    script = script_of("upload")
    program = f"""async (size) => {{
        {script}
        const progress = []
        await upload(new File([new Uint8Array(size)], "zeros"), (p) => progress.push(p))
        return progress
    }}"""
    size = 400_000  # seven pieces
    told = await window.evaluate(program, size)
    assert told == [min(n * 60_000 / size, 1) for n in range(1, 8)]


async def test_two_windows_show_the_votes_and_whether_they_are_connected(browser, site):
    async with (
        await browser.new_context() as one_context,
        await browser.new_context() as other_context,
    ):
        one = await one_context.new_page()
        other = await other_context.new_page()
        wires = []
        may_connect = asyncio.Event()
        may_connect.set()

        async def wire(page_s_end):
            if may_connect.is_set():
                page_s_end.connect_to_server()
                wires.append(page_s_end)
            else:
                await page_s_end.close(code=1013)

        await one.route_web_socket("**/ws/**", wire)
        for page in (one, other):
            await page.goto(f"{site}/poll/")
            await expect(page.locator("#state")).to_have_text("live")
        await other.get_by_role("button", name="Tea").click()
        await expect(one.locator("#tea")).to_have_text("1")

        # The connection is lost: no vote can be given until it is back.
        may_connect.clear()
        await wires[0].close(code=1012)
        button = one.get_by_role("button", name="Tea")
        await expect(button).to_be_disabled()
        may_connect.set()
        await one.evaluate("dispatchEvent(new Event('online'))")
        await expect(button).to_be_enabled()
        await button.click()
        await expect(other.locator("#tea")).to_have_text("2")
