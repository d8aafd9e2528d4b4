"""Stage 03's page with the wiretap beside its console, used as a person would."""

from collections.abc import Iterator

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.processes import server_process

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    command = ["-m", "uvicorn", "--app-dir", "03_asgi_raw", "watched:application"]
    with server_process([*command, "--port=0"]) as server:
        yield server.url


async def test_the_wiretap_follows_the_console(address: str, page: Page) -> None:
    await page.goto(address)
    wiretap = page.locator("#wiretap")
    await expect(wiretap.locator("svg")).to_have_count(0)
    await page.get_by_role("button", name="Connect").click()
    await expect(wiretap).to_contain_text("websocket.accept")
    await page.get_by_role("button", name="Send").click()
    await expect(wiretap).to_contain_text("text: “pong!”")
    await page.get_by_role("button", name="4 bytes").click()
    await expect(wiretap).to_contain_text("bytes: 70 69 6e 67")
    await expect(wiretap).to_contain_text("waits in receive()")
    await page.get_by_label("Message").fill("<b>bold</b><script>alert(1)</script>")
    await page.get_by_label("Message").press("Enter")
    await expect(wiretap).to_contain_text("<b>bold</b>")
    assert await wiretap.locator("b, script").count() == 0
    await page.get_by_role("button", name="Close").click()
    await expect(wiretap).to_contain_text("✓ has returned")


async def test_two_pages_see_each_its_own_connection(
    address: str, page: Page, browser: Browser
) -> None:
    other = await browser.new_page()
    for tab, word in ((page, "mine"), (other, "yours")):
        await tab.goto(address)
        await tab.get_by_role("button", name="Connect").click()
        await expect(tab.locator("#state")).to_have_text("open")
        await tab.get_by_label("Message").fill(word)
        await tab.get_by_label("Message").press("Enter")
        await expect(tab.locator("#wiretap")).to_contain_text(word)
    await expect(page.locator("#wiretap")).not_to_contain_text("yours")
    await expect(other.locator("#wiretap")).not_to_contain_text("mine")
    await other.close()


@pytest.mark.parametrize("width", [390, 800, 1000, 1280, 1600])
async def test_the_picture_fits_the_window(
    address: str, page: Page, width: int
) -> None:
    await page.set_viewport_size({"width": width, "height": 900})
    await page.goto(address)
    await page.get_by_role("button", name="Connect").click()
    picture = page.locator("#wiretap svg")
    await expect(picture).to_be_visible()
    box = await picture.bounding_box()
    assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width
    document = await page.evaluate("document.documentElement.scrollWidth")
    assert document <= width
    units = await picture.evaluate("svg => svg.viewBox.baseVal.width")
    assert box["width"] / units * 11.5 > 9  # pixels of the smallest text
