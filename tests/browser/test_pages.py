"""The four pages, used as a person would use them."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Stages

pytestmark = pytest.mark.asyncio(loop_scope="session")

both_consoles = pytest.mark.parametrize("stage", ["03", "04"])


@both_consoles
async def test_the_articles_javascript_in_the_browsers_console_prints_pong(
    stage: str, stages: Stages, page: Page
) -> None:
    await page.goto(stages[stage])
    tools = await page.context.new_cdp_session(page)

    async def typed(line: str) -> None:  # as the developer tools' console runs it
        options = {"expression": line, "replMode": True}
        answer = await tools.send("Runtime.evaluate", options)
        assert "exceptionDetails" not in answer

    await typed("ws = new WebSocket('ws://' + location.host + '/')")
    await page.wait_for_function("ws.readyState === WebSocket.OPEN")
    await typed("ws.onmessage = event => console.log(event.data)")
    async with page.expect_console_message() as printed:
        await typed('ws.send("ping")')
    assert (await printed.value).text == "pong!"


@both_consoles
async def test_the_console_connects_sends_logs_both_directions_and_closes(
    stage: str, stages: Stages, page: Page
) -> None:
    frames: list[tuple[str, str | bytes]] = []

    def listen(socket) -> None:  # type: ignore[no-untyped-def]  # playwright's WebSocket
        socket.on("framesent", lambda data: frames.append(("→", data)))
        socket.on("framereceived", lambda data: frames.append(("←", data)))

    page.on("websocket", listen)
    await page.goto(stages[stage])
    state, log = page.locator("#state"), page.locator("#log")
    await expect(state).to_have_text("not connected")
    await page.get_by_role("button", name="Connect").click()
    await expect(state).to_have_text("open")
    await page.get_by_label("Message").fill("ping")
    await page.get_by_label("Message").press("Enter")
    await expect(log).to_contain_text("pong!")
    assert frames == [("→", "ping"), ("←", "pong!")]
    await page.get_by_role("button", name="empty text").click()
    await expect(log.locator("li.in").nth(1)).to_contain_text("length 0")
    await page.get_by_role("button", name="4 bytes").click()
    await expect(log.locator("li.in").nth(2)).to_contain_text("4 bytes, but no text")
    await page.get_by_role("button", name="Close").click()
    await expect(state).to_have_text("closed")
    await expect(log.locator("li").last).to_contain_text("closed, 1")


async def test_stage_01_draws_the_timeline_while_the_program_runs(
    stages: Stages, page: Page
) -> None:
    await page.goto(stages["01"])
    picture, state = page.locator("#picture"), page.locator("#state")
    await page.get_by_role("button", name="Run").click()
    await expect(state).to_have_text("running")
    await expect(picture).to_contain_text("so far")
    await expect(page.locator("#source mark").first).to_contain_text("◀ fetch")
    await expect(state).to_have_text("done")
    await expect(picture).to_contain_text("2.2")
    await expect(picture.locator("text=✓ returned")).to_have_count(3)
    await expect(page.locator("#printed")).to_contain_text("task one awaited")


async def test_stage_01_runs_the_program_that_is_chosen_and_stops_it(
    stages: Stages, page: Page
) -> None:
    await page.goto(stages["01"])
    await page.get_by_label("one after the other", exact=False).first.check()
    await page.get_by_role("button", name="Run").click()
    await expect(page.locator("#picture")).to_contain_text("one after the other")
    await expect(page.locator("#state")).to_have_text("running")
    await page.get_by_role("button", name="Stop").click()
    await expect(page.locator("#state")).to_have_text("stopped")


async def test_stage_02_steps_forward_back_to_the_start_and_to_the_end(
    stages: Stages, page: Page
) -> None:
    await page.goto(stages["02"])
    picture, state = page.locator("#picture"), page.locator("#state")
    await expect(state).to_contain_text("step 0 of")
    step = page.get_by_role("button", name="Step")
    while "added 1 to the queue" not in await picture.inner_text():
        before = await state.inner_text()
        await step.click()
        await expect(state).not_to_have_text(before)
    at = await state.inner_text()
    await page.get_by_role("button", name="Back").click()
    await expect(picture).not_to_contain_text("added 1 to the queue")
    await step.click()
    await expect(state).to_have_text(at)
    await page.get_by_role("button", name="Reset").click()
    await expect(state).to_contain_text("step 0 of")
    await page.get_by_role("button", name="Run").click()
    await expect(state).to_have_text(re.compile(r"step ([2-9]|\d\d) of"))


async def test_stage_02_shows_the_same_work_as_two_tasks(
    stages: Stages, page: Page
) -> None:
    await page.goto(stages["02"])
    await page.get_by_label("asyncio.Queue").check()
    await expect(page.locator("#picture")).to_contain_text("async def produce_task")


@pytest.mark.parametrize("stage", ["01", "02", "03", "04"])
async def test_a_page_fits_a_phone_and_says_which_stage_it_is(
    stage: str, stages: Stages, page: Page
) -> None:
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.goto(stages[stage])
    await expect(page.locator("[aria-current=page]")).to_contain_text(stage)
    width = await page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390
