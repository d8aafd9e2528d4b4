"""A room with a long history: reading it stays smooth, and keeps its place."""

import statistics
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Browser, expect

from tests.support.chat import Chat, live, texts, write

pytestmark = pytest.mark.asyncio(loop_scope="session")

# Scrolls to the top until nothing older is left; gives the time of each frame in ms.
TO_THE_BEGINNING = """async () => {
    const [scroller, older] = ["scroller", "older"].map(
        (id) => document.getElementById(id));
    const frames = [];
    let before = performance.now();
    while (!older.hidden && frames.length < 5000) {
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
SCROLL_ENDS = """() => {
    window.ends = new Promise(
        (resolve) => { scroller.onscrollend = () => resolve(); });
}"""
NEAR_THE_TOP = (
    "scroller.scrollTop = 300 + scroller.clientHeight - scroller.scrollHeight"
)
PLACE = "id => Math.round(document.getElementById(id).getBoundingClientRect().top)"


def fast_frame(what: str, frames: list[float]) -> float:
    """The time of a frame that nothing else on the machine has delayed, in ms."""
    median, worst = statistics.median(frames), statistics.quantiles(frames, n=20)[-1]
    print(f"{what}: {median:.1f} ms for a frame, {worst:.1f} for the slowest 1 in 20")
    return statistics.quantiles(frames, n=10)[0]


async def test_5000_messages_load_as_one_scrolls_up_and_the_page_stays_smooth(
    browser: Browser, chat: Chat
) -> None:
    room = chat.new_room()
    chat.fill(room, 5_000)
    async with chat.window(browser, "Ann", room) as ann:
        await live(ann)
        await expect(ann.locator("#older")).to_be_visible()
        loading = fast_frame("loading", await ann.evaluate(TO_THE_BEGINNING))
        assert await texts(ann) == [f"message {number}" for number in range(5_000)]
        scrolling = fast_frame("scrolling", await ann.evaluate(BACK_AND_FORTH))
        assert (
            max(loading, scrolling) < 60
        )  # each frame took longer, were it not smooth


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
        await ann.evaluate(SCROLL_ENDS)
        await ann.keyboard.press("PageUp")
        await ann.evaluate("ends")
        await expect(newest).to_have_text("↓ To the newest")
        found, place = await ann.evaluate(MIDDLE)
        await write(ben, "news\nand\nmore")
        await write(ben, "again")
        await expect(newest).to_have_text("↓ New messages: 2")
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


async def test_new_messages_are_read_aloud_and_the_history_is_not(
    browser: Browser, chat: Chat
) -> None:
    room = chat.new_room()
    chat.fill(room, 60)
    async with chat.window(browser, "Ann", "about:blank") as ann:
        await ann.clock.install()
        await ann.clock.pause_at(datetime.now(UTC) + timedelta(hours=1))
        await ann.goto(room)
        log = ann.get_by_role("log", name="Messages")
        for number in (50, 60):
            await expect(ann.locator("#messages li")).to_have_count(number)
            await expect(log).to_have_attribute("aria-live", "off")
            await ann.clock.run_for(1_000)
            await expect(log).to_have_attribute("aria-live", "polite")
            await ann.evaluate("scroller.scrollTop = -1e9")
