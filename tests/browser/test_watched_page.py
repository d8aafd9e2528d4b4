"""Stage 03's page with the wiretap beside its console, used as a person would."""

import re
from collections.abc import Iterator

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.support.processes import server_process

OURS = re.compile(r"Serving on (http://[\d.]+:\d+)")
pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    command = ["-m", "uvicorn", "--app-dir", "03_asgi_raw", "watched:application"]
    with server_process([*command, "--port=0"]) as server:
        yield server.url


@pytest.fixture(scope="module")
def ours() -> Iterator[str]:
    command = ["03_asgi_raw/watched.py", "--port=0"]
    with server_process(command, address=OURS) as server:
        yield server.url


async def connected(page: Page) -> None:
    """Press *Connect*, and wait until the page may send."""
    await page.get_by_role("button", name="Connect").click()
    await expect(page.locator("#state")).to_have_text("open")


async def rows_of(frame: Locator) -> dict[str, list[str]]:
    """The table of an open frame: value and meaning by the field's name."""
    found = {}
    for row in await frame.locator("tr").all():
        name = await row.locator("th").inner_text()
        found[name] = await row.locator("td").all_inner_texts()
    return found


async def test_under_our_server_a_frame_is_opened_bit_by_bit(
    ours: str, page: Page
) -> None:
    await page.goto(ours)
    await connected(page)
    await page.get_by_role("button", name="ping", exact=True).click()
    frame = page.locator("#frames details", has_text="from the browser: text frame")
    await expect(frame).to_have_count(1)
    await expect(frame.locator("table")).to_be_hidden()
    await frame.locator("summary").click()
    await expect(frame.locator("table")).to_be_visible()
    rows = await rows_of(frame)
    assert rows["FIN"] == ["1", "the last frame of its message"]
    assert rows["opcode"] == ["0001", "text"]
    assert rows["mask"] == ["1", "masked, from a client"]
    assert rows["length"] == ["0000100", "4"]
    ping = "'ping' (not on the wire: masked XOR key)"
    assert rows["unmasked"] == ["70 69 6e 67", ping]
    key, masked = (bytes.fromhex(rows[name][0]) for name in ("key", "masked"))
    assert bytes(a ^ b for a, b in zip(key, masked, strict=True)) == b"ping"
    await expect(page.locator("#wiretap")).to_contain_text(f"81 84 {rows['key'][0]}")


async def test_an_open_frame_stays_open_and_in_focus_while_others_come(
    ours: str, page: Page
) -> None:
    await page.goto(ours)
    await connected(page)
    await page.get_by_role("button", name="ping", exact=True).click()
    frame = page.locator("#frames details", has_text="'pong!'")
    await frame.locator("summary").focus()
    await page.keyboard.press("Enter")
    await expect(frame.locator("table")).to_be_visible()
    await page.get_by_role("button", name="4 bytes").evaluate("b => b.click()")
    await expect(page.locator("#frames")).to_contain_text("binary frame, 10 bytes")
    await expect(frame.locator("table")).to_be_visible()
    await expect(frame.locator("summary")).to_be_focused()
    where = await frame.bounding_box()
    for sent in range(10):  # older arrows make room for newer ones, below it
        await page.get_by_role("button", name="empty text").evaluate("b => b.click()")
        await expect(page.locator("#log li.in")).to_have_count(sent + 3)
    await expect(page.locator("#frames")).not_to_contain_text("binary frame")
    assert await frame.bounding_box() == where
    await frame.locator("summary").click()  # once it is closed, it may go
    await page.get_by_role("button", name="empty text").evaluate("b => b.click()")
    await expect(frame).to_have_count(0)
    handshakes = page.locator("#frames details", has_text="the handshake")
    await expect(handshakes).to_have_count(2)


async def test_a_new_connection_has_frames_of_its_own(ours: str, page: Page) -> None:
    await page.goto(ours)
    await connected(page)
    await page.get_by_role("button", name="ping", exact=True).click()
    await expect(page.locator("#frames")).to_contain_text("'pong!'")
    await page.get_by_role("button", name="Close").click()
    await expect(page.locator("#frames")).to_contain_text("close frame")
    await expect(page.locator("#state")).to_have_text("closed")
    await connected(page)
    await expect(page.locator("#frames")).not_to_contain_text("close frame")
    await expect(page.locator("#frames details").nth(1)).to_be_visible()  # handshake


async def test_under_uvicorn_the_page_says_where_the_bytes_are_seen(
    address: str, page: Page
) -> None:
    await page.goto(address)
    await connected(page)
    frames = page.locator("#frames")
    await expect(frames).to_contain_text("python 03_asgi_raw/watched.py")
    await expect(frames.locator("p")).to_have_count(1)
    await page.get_by_role("button", name="ping", exact=True).click()
    await expect(page.locator("#wiretap")).to_contain_text("“pong!”")
    await expect(frames.locator("p")).to_have_count(1)


async def test_the_wiretap_follows_the_console(address: str, page: Page) -> None:
    await page.goto(address)
    wiretap = page.locator("#wiretap")
    await expect(wiretap.locator("svg")).to_have_count(0)
    await connected(page)
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
        await connected(tab)
        await tab.get_by_label("Message").fill(word)
        await tab.get_by_label("Message").press("Enter")
        await expect(tab.locator("#wiretap")).to_contain_text(word)
    await expect(page.locator("#wiretap")).not_to_contain_text("yours")
    await expect(other.locator("#wiretap")).not_to_contain_text("mine")
    await other.close()


@pytest.mark.parametrize("width", [390, 800, 1000, 1280, 1600])
async def test_the_picture_and_its_frames_fit_the_window(
    ours: str, page: Page, width: int
) -> None:
    await page.set_viewport_size({"width": width, "height": 900})
    await page.goto(ours)
    await connected(page)
    frames = page.locator("#frames details")
    for number in range(2):  # the handshake; after 20 s pings may follow
        await frames.nth(number).locator("summary").click()
    where = "in the list below" if width <= 800 else "bytes on one TCP connection"
    await expect(page.locator("#wiretap")).to_contain_text(where)
    picture = page.locator("#wiretap svg")
    await expect(picture).to_be_visible()
    box = await picture.bounding_box()
    assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width
    document = await page.evaluate("document.documentElement.scrollWidth")
    assert document <= width
    units = await picture.evaluate("svg => svg.viewBox.baseVal.width")
    assert box["width"] / units * 11.5 > 9  # pixels of the smallest text


async def test_on_a_laptop_the_questions_are_seen_below_the_console(
    ours: str, page: Page
) -> None:
    await page.set_viewport_size({"width": 1366, "height": 768})
    await page.goto(ours)
    await connected(page)
    for sent in range(12):  # a full log takes no more room
        await page.get_by_role("button", name="ping", exact=True).click()
        await expect(page.locator("#log li.in")).to_have_count(sent + 1)
    console = await page.locator("#console-title").bounding_box()
    questions = await page.locator("#try-title").bounding_box()
    assert console is not None and questions is not None
    assert console["x"] == questions["x"]
    assert questions["y"] < 700
    picture = page.locator("#wiretap")
    await expect(picture).to_contain_text("more, not kept")
    below = await picture.evaluate("b => b.scrollHeight - b.clientHeight - b.scrollTop")
    assert 0 <= below < 40  # it scrolls in its own box, and shows the newest arrow


async def test_the_wiretap_says_that_its_server_has_gone(browser: Browser) -> None:
    page = await browser.new_page()
    with server_process(["03_asgi_raw/watched.py", "--port=0"], address=OURS) as server:
        await page.goto(server.url)
        await connected(page)
        await expect(page.locator("#wiretap-state")).to_have_text("watching")
    await expect(page.locator("#wiretap-state")).to_contain_text("the server has gone")
    await page.close()
