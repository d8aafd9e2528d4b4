"""The pages of the stages on a wall: 1280 by 720 pixels, read from the last row."""

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import Stages

pytestmark = pytest.mark.asyncio(loop_scope="session")

STAGES = ("01", "02", "03", "04")
SIZE = "parseFloat(getComputedStyle(document.body).fontSize)"
SMALLEST = """(selector) => Math.min(...[...document.querySelectorAll(selector)].map(
    (text) => text.getBoundingClientRect().height).filter((height) => height > 0))"""


async def open_page(browser: Browser, url: str) -> Page:
    page = await browser.new_page(viewport={"width": 1280, "height": 720})
    await page.goto(url)
    return page


@pytest.mark.parametrize("stage", STAGES)
async def test_the_key_b_makes_a_page_big_and_small_again(
    stage: str, browser: Browser, stages: Stages
) -> None:
    page = await open_page(browser, stages[stage])
    button = page.get_by_role("button", name="Big b")
    await expect(button).to_have_attribute("aria-pressed", "false")
    small = await page.evaluate(SIZE)

    await page.keyboard.press("b")
    await expect(button).to_have_attribute("aria-pressed", "true")
    assert await page.evaluate(SIZE) >= 1.3 * small
    assert await page.evaluate("document.documentElement.scrollWidth") <= 1280

    await page.reload()
    await expect(button).to_have_attribute("aria-pressed", "true")

    await button.click()
    await expect(button).to_have_attribute("aria-pressed", "false")
    assert await page.evaluate(SIZE) == small
    await page.close()


async def test_a_b_that_is_typed_into_a_message_stays_a_letter(
    browser: Browser, stages: Stages
) -> None:
    page = await open_page(browser, stages["03"])
    message = page.get_by_label("Message")
    await message.fill("")
    await message.press("b")
    await expect(message).to_have_value("b")
    button = page.get_by_role("button", name="Big b")
    await expect(button).to_have_attribute("aria-pressed", "false")
    await page.close()


@pytest.mark.parametrize("stage", ["01", "02"])
async def test_a_big_page_shows_its_buttons_and_its_picture_without_scrolling(
    stage: str, browser: Browser, stages: Stages
) -> None:
    page = await open_page(browser, stages[stage])
    await page.keyboard.press("b")
    state = page.locator("#state")
    if stage == "01":
        await page.get_by_role("button", name="Run").click()
        await expect(state).to_have_text("done")
    else:
        await expect(state).to_contain_text("step 0 of")
        await page.get_by_role("button", name="Step").click()
        await expect(state).to_contain_text("step 1 of")
        await expect(page.locator("#picture svg text", has_text="◀")).to_be_visible()
    for selector in ("#state", "#about", ".row button", "#picture"):
        box = await page.locator(selector).first.bounding_box()
        assert box is not None
        assert box["y"] >= 0 and box["y"] + box["height"] <= 720, selector

    # The smallest letters of a picture: 16 pixels high on a wall that shows 720.
    assert await page.evaluate(SMALLEST, "#picture svg text") >= 16
    await page.close()
