"""A room with a long history: reading it stays smooth, and keeps its place."""

import statistics

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.chat import Chat, live, texts, write

pytestmark = pytest.mark.asyncio(loop_scope="session")

# Scrolls to the top until nothing older is left; gives the time of each frame in ms.
TO_THE_BEGINNING = """async () => {
    const [scroller, older] = ["scroller", "older"].map(
        (id) => document.getElementById(id));
    const frames = [];
    let before = performance.now();
    while (!older.hidden) {
        scroller.scrollTop = -1e9;
        frames.push(-before + (before = await new Promise(requestAnimationFrame)));
    }
    return frames;
}"""
# Scrolls 100 pages down, and 100 up again.
BACK_AND_FORTH = """async () => {
    const scroller = document.getElementById("scroller");
    const frames = [];
    let before = performance.now();
    for (let step = 0; step < 200; step++) {
        scroller.scrollTop += step < 100 ? 600 : -600;
        frames.push(-before + (before = await new Promise(requestAnimationFrame)));
    }
    return frames;
}"""
# Where the message in the middle of the window stands, found again by its id.
MIDDLE = """() => {
    const {left, top, height} = scroller.getBoundingClientRect();
    const found = document.elementFromPoint(left + 99, top + height / 2).closest("li");
    return [found.id, Math.round(found.getBoundingClientRect().top)];
}"""
NEAR_THE_TOP = (
    "scroller.scrollTop = 300 + scroller.clientHeight - scroller.scrollHeight"
)
PLACE = "id => Math.round(document.getElementById(id).getBoundingClientRect().top)"


def say(what: str, frames: list[float]) -> float:
    median, worst = statistics.median(frames), statistics.quantiles(frames, n=20)[-1]
    print(f"{what}: {median:.1f} ms for a frame, {worst:.1f} for the slowest 1 in 20")
    return median


async def test_5000_messages_load_as_one_scrolls_up_and_the_page_stays_smooth(
    browser: Browser, chat: Chat
) -> None:
    room = chat.new_room()
    chat.fill(room, 5_000)
    async with chat.window(browser, "Ann", room) as ann:
        await live(ann)
        await expect(ann.locator("#older")).to_be_visible()
        loading = say("loading", await ann.evaluate(TO_THE_BEGINNING))
        assert await texts(ann) == [f"message {number}" for number in range(5_000)]
        scrolling = say("scrolling", await ann.evaluate(BACK_AND_FORTH))
        assert max(loading, scrolling) < 60  # 17 on a machine that does nothing else


async def test_a_page_of_a_long_history_begins_with_the_last_50(
    browser: Browser, chat: Chat
) -> None:
    room = chat.new_room()
    chat.fill(room, 60)
    async with chat.window(browser, "Ann", room) as ann:
        await expect(ann.locator("#older")).to_be_visible()
        assert await texts(ann) == [f"message {number}" for number in range(10, 60)]
        await ann.get_by_role("button", name="Older messages").press("Enter")
        await expect(ann.locator("#older")).to_be_hidden()
        assert await texts(ann) == [f"message {number}" for number in range(60)]


async def test_new_messages_leave_the_reader_where_they_are(
    browser: Browser, chat: Chat
) -> None:
    room = chat.new_room()
    chat.fill(room, 50)
    async with (
        chat.window(browser, "Ann", room) as ann,
        chat.window(browser, "Ben", room) as ben,
    ):
        await live(ann, ben)
        await ann.locator("#older").wait_for()
        newest = ann.locator("#new")
        await expect(newest).to_be_hidden()
        await ann.get_by_role("log").focus()
        await ann.keyboard.press("PageUp")
        await expect(newest).to_have_text("↓ To the newest")
        found, place = await _at_rest(ann)
        await write(ben, "news\nand\nmore")
        await write(ben, "again")
        await expect(newest).to_have_text("↓ 2 new")
        assert await ann.evaluate(PLACE, found) == pytest.approx(place, abs=2)
        await newest.click()
        await expect(ann.locator("#messages .text").last).to_be_in_viewport()
        await expect(newest).to_be_hidden()
        await write(ben, "seen at once")
        await expect(ann.locator("#messages .text").last).to_have_text("seen at once")
        await expect(ann.locator("#messages .text").last).to_be_in_viewport()


async def test_older_messages_leave_the_reader_where_they_are(
    browser: Browser, chat: Chat
) -> None:
    room = chat.new_room()
    chat.fill(room, 150)
    async with chat.window(browser, "Ann", room) as ann:
        await ann.locator("#older").wait_for()
        found, place = await ann.evaluate(f"{NEAR_THE_TOP}, ({MIDDLE})()")
        await expect(ann.locator("#messages li")).to_have_count(100)
        assert await ann.evaluate(PLACE, found) == pytest.approx(place, abs=2)


async def _at_rest(page: Page) -> tuple[str, int]:
    """The message in the middle, once scrolling by key has come to its end."""
    before = None
    while before != (now := await page.evaluate(MIDDLE)):
        await page.evaluate("new Promise(requestAnimationFrame)")
        await page.evaluate("new Promise(requestAnimationFrame)")
        before = now
    return now[0], now[1]
