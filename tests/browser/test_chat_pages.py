"""The chat's pages: who may enter, under which name, and what they look like."""

import re

import pytest
from playwright.async_api import Browser, Response, expect

from tests.support.chat import Chat, live, write

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGES = ["/rooms/", "/rooms/lobby/", "/accounts/login/", "/accounts/signup/"]
REFUSED = "/rooms/members/"
# The texts whose contrast to what is behind them is under 4.5 (WCAG 2.2, 1.4.3).
TOO_FAINT = """() => {
    const canvas = document.createElement("canvas").getContext("2d");
    const rgba = (color) => {  // whatever its notation is
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = color;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const luminance = ([r, g, b]) => {
        const [x, y, z] = [r, g, b].map((value) => value / 255).map(
            (v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const behind = (element) => {
        const color = rgba(getComputedStyle(element).backgroundColor);
        return color[3] ? color : behind(element.parentElement);
    };
    const faint = [];
    for (const element of document.body.querySelectorAll("*")) {
        const own = [...element.childNodes].some(
            (node) => node.nodeType === 3 && node.data.trim());
        if (!own || !element.checkVisibility()) continue;
        const both = [rgba(getComputedStyle(element).color), behind(element)];
        const [dark, bright] = both.map(luminance).sort((a, b) => a - b);
        const contrast = (bright + 0.05) / (dark + 0.05);
        if (contrast < 4.5) faint.push([element.outerHTML, contrast]);
    }
    return faint;
}"""
# What a screen reader would call the element that has the focus.
FOCUSED = """() => {
    const {activeElement: element} = document;
    if (element === document.body) return "";
    return (element.ariaLabel ?? element.labels?.[0]?.textContent
        ?? element.textContent).trim() || element.textContent.trim();
}"""


async def test_somebody_signs_up_writes_leaves_and_comes_back(
    browser: Browser, chat: Chat
) -> None:
    room = chat.new_room()
    async with chat.window(browser, None, room) as page:
        await page.get_by_role("link", name="Sign up").click()
        await page.get_by_label("Username").fill("Zoë")
        await page.get_by_label("Password:").fill("correct horse battery")
        await page.get_by_label("Password confirmation").fill("correct horse")
        await page.get_by_role("button", name="Sign up").click()
        await expect(page.locator("form")).to_contain_text("The two password fields")
        await page.get_by_label("Password:").fill("correct horse battery")
        await page.get_by_label("Password confirmation").fill("correct horse battery")
        await page.get_by_role("button", name="Sign up").click()
        await expect(page).to_have_url(room)
        await live(page)
        await write(page, "I am new here.")
        await expect(page.locator("#messages .name")).to_have_text("Zoë")
        await page.get_by_role("button", name="Log out").click()
        await expect(page).to_have_url(f"{chat.url}/rooms/")
        await page.get_by_role("link", name="Log in").click()
        await page.get_by_label("Username").fill("Zoë")
        await page.get_by_label("Password").fill("wrong")
        await page.get_by_role("button", name="Log in").click()
        await expect(page.locator("form")).to_contain_text("correct username")
        await page.get_by_label("Password").fill("correct horse battery")
        await page.get_by_role("button", name="Log in").click()
        await expect(page).to_have_url(f"{chat.url}/rooms/")
        await expect(page.locator("header")).to_contain_text("Zoë")


async def test_a_log_out_in_one_window_is_told_in_the_other(
    browser: Browser, chat: Chat
) -> None:
    async with chat.window(browser, None, f"{chat.url}/accounts/signup/") as page:
        await page.get_by_label("Username").fill("Zoltan")
        for label in ("Password:", "Password confirmation"):
            await page.get_by_label(label).fill("correct horse battery")
        await page.get_by_role("button", name="Sign up").click()
        await page.get_by_role("link", name="Lobby").click()
        await live(page)
        other = await page.context.new_page()
        await other.goto(f"{chat.url}/rooms/")
        await other.get_by_role("button", name="Log out").click()
        await expect(page.locator("#state")).to_have_text("closed")
        await expect(page.get_by_role("alert")).to_contain_text(
            "Your session has ended"
        )


async def test_the_console_leads_to_the_rooms(browser: Browser, chat: Chat) -> None:
    async with chat.window(browser, None, chat.url) as page:
        await page.get_by_role("link", name="the rooms").click()
        await page.get_by_role("link", name="Lobby").click()
        await live(page)


async def test_a_guest_chooses_a_name_that_nobody_has(
    browser: Browser, chat: Chat
) -> None:
    room = chat.new_room()
    async with chat.window(browser, None, room) as page:
        name = page.get_by_label("You are a guest called")
        for taken, sentence in (
            ("ann", "This name is taken"),
            ("<b>Ann</b>", "A name has letters, digits"),
        ):
            await name.fill(taken)
            await page.get_by_role("button", name="Change").click()
            await expect(page.locator("form.fields")).to_contain_text(sentence)
            await page.get_by_role("link", name="Back").click()
        await name.fill("Джон")
        await page.get_by_role("button", name="Change").click()
        await expect(page).to_have_url(room)
        marked = re.compile(r"^Джон \(guest-[0-9a-f]{4}\)$")  # no user's name can be
        await expect(page.locator("#users bdi")).to_have_text(marked)
        await write(page, "hello")
        await expect(page.locator("#messages .mine .name")).to_have_text(marked)
        await expect(name).to_have_value("Джон")


async def test_a_guest_s_button_stays_where_it_is_while_people_come(
    browser: Browser, chat: Chat
) -> None:
    room = chat.new_room()
    async with chat.window(browser, None, room) as page:
        button = page.get_by_role("button", name="Change")
        await expect(page.locator("#users li")).to_have_count(1)
        place = await button.bounding_box()
        async with chat.window(browser, "Ben", room):
            await expect(page.locator("#users li")).to_have_count(2)
            assert await button.bounding_box() == place


@pytest.mark.parametrize(
    ("person", "status", "words"),
    [(None, 401, "If you are one of them, log in."), ("Ben", 403, "not one of them")],
)
async def test_a_room_for_members_is_closed_to_others(
    person: str | None, status: int, words: str, browser: Browser, chat: Chat
) -> None:
    async with chat.window(browser, person, "about:blank") as page:
        answer = await page.goto(chat.url + REFUSED)
        assert answer is not None and answer.status == status
        await expect(page.locator("main")).to_contain_text(words)


async def test_a_room_for_members_is_open_to_them(browser: Browser, chat: Chat) -> None:
    async with chat.window(browser, "Ann", chat.url + REFUSED) as page:
        await live(page)


async def test_anybody_opens_a_room_in_any_alphabet_but_without_slashes(
    browser: Browser, chat: Chat
) -> None:
    async with chat.window(browser, None, f"{chat.url}/rooms/") as page:
        for name, sentence in (
            ("a/b", "no slashes"),
            ("lobby", "already"),
            ("!", "letter"),
        ):
            await page.get_by_label("name").fill(name)
            await page.get_by_role("button", name="Open", exact=True).click()
            await expect(page.locator(".errorlist")).to_contain_text(sentence)
        await page.get_by_label("name").fill("お茶の間")
        await page.get_by_role("button", name="Open", exact=True).click()
        await expect(page.locator("h1")).to_have_text("お茶の間")
        await live(page)
        await write(page, "こんにちは")
        await expect(page.locator("#messages .text")).to_have_text("こんにちは")


async def test_a_room_weighs_less_than_60_kb_without_its_history(
    browser: Browser, chat: Chat
) -> None:
    async with chat.window(browser, None, "about:blank") as page:
        responses: list[Response] = []
        page.on("response", lambda response: responses.append(response))
        await page.goto(chat.new_room(), wait_until="networkidle")
        sizes = {answer.url: len(await answer.body()) for answer in responses}
        print(f"{sum(sizes.values()) / 1024:.1f} KB in {len(sizes)} files")
        assert {url.startswith(chat.url) for url in sizes} == {True}  # no CDN
        assert 10_000 < sum(sizes.values()) < 60 * 1024


async def test_no_page_holds_a_script_or_a_style_of_its_own(
    browser: Browser, chat: Chat
) -> None:
    async with chat.window(browser, None, "about:blank") as page:
        for path in [*PAGES, REFUSED]:
            answer = await page.goto(chat.url + path)
            assert answer is not None
            policy = answer.headers["content-security-policy"]
            assert "script-src 'self';" in policy and "unsafe" not in policy
            inline = "script:not([src]), style, [style], [onclick]"
            await expect(page.locator(inline)).to_have_count(0)


@pytest.mark.parametrize("path", [*PAGES, REFUSED])
async def test_a_page_fits_a_phone_and_its_words_can_be_read(
    path: str, browser: Browser, chat: Chat
) -> None:
    async with chat.window(browser, None, chat.url + path) as page:
        await page.set_viewport_size({"width": 390, "height": 780})
        if path == "/rooms/lobby/":
            await live(page)
            await write(page, "a bell \x07")
            await write(page, "hello")
            await expect(page.locator("#messages .mine .sent")).to_be_visible()
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)
            assert await page.evaluate("document.documentElement.scrollWidth") <= 390
            assert await page.evaluate(TOO_FAINT) == []


async def test_a_keyboard_reaches_everything_in_the_order_of_reading(
    browser: Browser, chat: Chat
) -> None:
    async with chat.window(browser, None, chat.new_room()) as page:
        await live(page)
        await expect(page.locator("#count")).to_have_text("1")
        await page.locator("header a").first.focus()
        reached = [await page.evaluate(FOCUSED)]
        while reached[-1] != "Send":
            await page.keyboard.press("Tab")
            reached.append(await page.evaluate(FOCUSED))
        assert reached == [
            *("04 Django", "Rooms", "Log in", "Sign up"),
            *("1 here", "You are a guest called", "Change"),
            *("Messages", "Message", "Send"),
        ]
