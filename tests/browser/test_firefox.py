"""Firefox: each stage's page and the chat do there what they are for, once.

The details are Chromium's: here a difference between the browsers would show.
"""

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.browser.conftest import Stages
from tests.support.chat import Chat
from tests.support.firefox import FirefoxPage, firefox_page

pytestmark = pytest.mark.asyncio(loop_scope="session")

PRESS = """(name) => {
  const buttons = [...document.querySelectorAll("button")];
  buttons.find((button) => button.textContent.trim().startsWith(name)).click();
}"""
WRITE = """(text) => {
  document.querySelector("#box").value = text;
  document.querySelector("#form").requestSubmit();
}"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def firefox(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[FirefoxPage]:
    async with firefox_page(tmp_path_factory.mktemp("profile")) as page:
        yield page


async def shows(page: FirefoxPage, selector: str, words: str) -> None:
    """Wait until an element has a text in it."""
    where = f"document.querySelector({json.dumps(selector)})"
    await page.wait_for_function(
        f"() => {where}?.textContent.includes({json.dumps(words)})"
    )


async def test_stage_01_draws_its_program_in_firefox(
    firefox: FirefoxPage, stages: Stages
) -> None:
    await firefox.goto(stages["01"])
    await firefox.wait_for_function("() => document.querySelector('#choices input')")
    await firefox.evaluate(PRESS, "Run")
    await shows(firefox, "#state", "done")
    await shows(firefox, "#picture", "✓ returned")


async def test_stage_02_steps_in_firefox(firefox: FirefoxPage, stages: Stages) -> None:
    await firefox.goto(stages["02"])
    await shows(firefox, "#state", "step 0 of")
    await firefox.evaluate(PRESS, "Step")
    await shows(firefox, "#state", "step 1 of")


@pytest.mark.parametrize("stage", ["03", "04"])
async def test_a_console_gets_its_pong_in_firefox(
    stage: str, firefox: FirefoxPage, stages: Stages
) -> None:
    await firefox.goto(stages[stage])
    await firefox.evaluate(PRESS, "Connect")
    await shows(firefox, "#state", "open")
    await firefox.evaluate(PRESS, "ping")
    await shows(firefox, "#log li.in", "pong!")
    await firefox.evaluate(PRESS, "Close")
    await shows(firefox, "#state", "closed")


async def test_a_message_in_the_chat_comes_back_in_firefox(
    firefox: FirefoxPage, chat: Chat
) -> None:
    room = chat.new_room()
    await firefox.goto(f"{chat.url}/rooms/")
    await firefox.evaluate(
        "(session) => { document.cookie = `sessionid=${session}; path=/`; }",
        chat.sessions["Ann"],
    )
    await firefox.goto(room)
    await shows(firefox, "#state", "live")
    await firefox.evaluate(WRITE, "Bonjour from Firefox")
    await shows(firefox, "#messages .text", "Bonjour from Firefox")
    await shows(firefox, "#messages .name", "Ann")
