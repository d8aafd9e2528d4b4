"""A real Firefox, driven over a websocket: WebDriver BiDi, the standard of the W3C.

Firefox speaks it itself, so the websockets client of this course is all that is needed.
Each command is a JSON object with an ``id``; its answer has the same one. In between
come events, which are not asked for here.

Source: www.w3.org/TR/webdriver-bidi
"""

import asyncio
import itertools
import json
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

NAMES = ("firefox-esr", "firefox")
MAC = Path("/Applications/Firefox.app/Contents/MacOS/firefox")
LISTENING = re.compile(rb"WebDriver BiDi listening on (ws://\S+)")
PATIENCE = 300  # seconds for the browser's start or one answer; only a failure takes it
# A profile of a test: no first page, no question, no request to Mozilla.
PREFERENCES = """\
user_pref("app.update.auto", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.startup.page", 0);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("browser.safebrowsing.update.enabled", false);
user_pref("services.settings.server", "data:,");
user_pref("toolkit.telemetry.enabled", false);
"""
# The condition stands in the text: a page's policy may forbid it to evaluate a string.
UNTIL = """async () => {{
  const holds = {condition};
  while (!(await holds())) await new Promise((next) => setTimeout(next, 50));
}}"""


class FirefoxPage:
    """One tab, with those of Playwright's methods that a walk needs."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._number = itertools.count(1)
        self._tab = ""

    async def begin(self) -> None:
        """Begin the one session that a browser allows."""
        await self._do("session.new", capabilities={})
        tree = await self._do("browsingContext.getTree")
        self._tab = tree["contexts"][0]["context"]

    async def goto(self, url: str) -> None:
        """Open a page, and wait until it is loaded."""
        await self._do(
            "browsingContext.navigate", context=self._tab, url=url, wait="complete"
        )

    async def evaluate(self, expression: str, argument: Any = None) -> Any:
        """The value of a JavaScript function, called with the argument, as JSON.

        Raises:
            AssertionError: JavaScript has raised an exception.
        """
        call = f"async (text) => JSON.stringify(await ({expression})(JSON.parse(text)))"
        answer = await self._do(
            "script.callFunction",
            functionDeclaration=call,
            arguments=[{"type": "string", "value": json.dumps(argument)}],
            target={"context": self._tab},
            awaitPromise=True,
        )
        assert answer["type"] == "success", answer["exceptionDetails"]["text"]
        value = answer["result"].get("value")
        return None if value is None else json.loads(value)

    async def wait_for_function(self, condition: str) -> None:
        """Wait until a JavaScript function gives something true."""
        await self.evaluate(UNTIL.format(condition=condition))

    async def _do(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._number)
        command = {"id": number, "method": method, "params": parameters}
        await self._connection.send(json.dumps(command))
        async with asyncio.timeout(PATIENCE):
            while True:
                answer = json.loads(await self._connection.recv())
                if answer.get("id") == number:
                    break
        assert answer["type"] == "success", f"{method}: {answer}"
        result: dict[str, Any] = answer["result"]
        return result


def find_firefox() -> str | None:
    """The path of an installed Firefox."""
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return found
    return str(MAC) if sys.platform == "darwin" and MAC.exists() else None


@asynccontextmanager
async def firefox_page(folder: Path) -> AsyncIterator[FirefoxPage]:
    """A tab of a Firefox with no window; the test is skipped where there is none.

    Args:
        folder: an empty one, for the browser's profile.
    """
    path = find_firefox()
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no Firefox found")
        pytest.skip("no Firefox found")
    (folder / "user.js").write_text(PREFERENCES, "utf-8")
    options = ["--headless", "--no-remote", "--remote-debugging-port", "0"]
    firefox = await asyncio.create_subprocess_exec(
        path,
        *options,
        "--profile",
        str(folder),
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert firefox.stderr is not None
    try:
        async with asyncio.timeout(PATIENCE):
            address = await _address(firefox.stderr)
        reading = asyncio.create_task(_read_all(firefox.stderr))
        try:
            async with connect(f"{address}/session", max_size=None) as connection:
                page = FirefoxPage(connection)
                await page.begin()
                yield page
        finally:
            reading.cancel()
    finally:
        if firefox.returncode is None:
            firefox.terminate()
        await firefox.wait()


async def _address(errors: asyncio.StreamReader) -> str:
    """Where Firefox listens, which it writes among its errors."""
    told = b""
    async for line in errors:
        told += line
        found = LISTENING.search(line)
        if found:
            return found[1].decode()
    raise AssertionError(f"Firefox has ended: {told.decode(errors='replace')}")


async def _read_all(errors: asyncio.StreamReader) -> None:
    """Read on: a full pipe would stop the browser."""
    while await errors.read(65536):
        pass
