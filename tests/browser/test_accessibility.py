"""Every page of the stages: no barrier, no missing file, nothing that jumps about."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, Page, Response, expect

from tests.browser.conftest import Stages
from tests.support.axe import found_by_axe
from tests.support.chat import Chat, live, write
from tests.support.processes import server_process
from tests.support.servers import SERVERS

pytestmark = pytest.mark.asyncio(loop_scope="session")

WIDTHS = (1280, 390)  # pixels: a laptop, a phone
SCHEMES = ("light", "dark")


async def only_looked_at(page: Page) -> None:
    """A page that has nothing to be used."""


async def run_the_program(page: Page) -> None:
    await page.get_by_role("button", name="Run").click()
    await expect(page.locator("#source mark").first).to_be_visible()
    assert await found_by_axe(page) == []  # while it runs, too
    await expect(page.locator("#state")).to_have_text("done")


async def step_forward(page: Page) -> None:
    await expect(page.locator("#state")).to_contain_text("step 0 of")
    await page.get_by_role("button", name="Step").click()
    await expect(page.locator("#state")).to_contain_text("step 1 of")


async def connect_and_say_ping(page: Page) -> None:
    await page.get_by_role("button", name="Connect").click()
    await expect(page.locator("#state")).to_have_text("open")
    await page.get_by_role("button", name="ping", exact=True).click()
    await expect(page.locator("#log")).to_contain_text("pong!")
    for question in await page.locator("summary").all():
        await question.click()


async def chat_with_oneself(page: Page) -> None:
    await live(page)
    await write(page, "hello")
    await expect(page.locator("#messages .mine .sent")).to_be_visible()


async def send_an_empty_form(page: Page) -> None:
    await page.locator("main form button").last.click()


async def make_it_big(page: Page) -> None:
    await page.locator("h1").click()  # so that no text field has the focus
    await page.keyboard.press("b")
    await expect(page.locator("html")).to_have_class("big")


HAVE_A_BIG_MODE = ("01", "02", "03", "03 watched", "04")
USES: dict[str, Callable[[Page], Awaitable[None]]] = {
    "01": run_the_program,
    "02": step_forward,
    "03": connect_and_say_ping,
    "03 watched": connect_and_say_ping,
    "04": connect_and_say_ping,
    "01 no such page": only_looked_at,
    "02 no such page": only_looked_at,
    "03 no such page": only_looked_at,
    "04 no such page": only_looked_at,
    "chat /rooms/": send_an_empty_form,
    "chat /rooms/lobby/": chat_with_oneself,
    "chat /rooms/members/": only_looked_at,
    "chat /rooms/no-such-room/": only_looked_at,
    "chat /accounts/login/": send_an_empty_form,
    "chat /accounts/signup/": send_an_empty_form,
}


@asynccontextmanager
async def at(name: str, stages: Stages, chat: Chat) -> AsyncIterator[str]:
    """The address of a page."""
    kind, _, rest = name.partition(" ")
    if kind == "chat":
        yield chat.url + rest
    elif rest == "watched":
        command = ["03_asgi_raw/watched.py", "--port=0"]
        with server_process(command, address=SERVERS["ours"].address) as server:
            yield server.url
    elif rest == "no such page":
        yield f"{stages[kind]}/no-such-page"
    else:
        yield stages[kind]


@pytest.mark.parametrize("name", USES)
async def test_axe_core_finds_nothing_on_a_page_before_and_after_its_use(
    name: str, browser: Browser, stages: Stages, chat: Chat
) -> None:
    found: dict[str, list[str]] = {}  # what is wrong, and when it is
    async with at(name, stages, chat) as url:
        for width in WIDTHS:
            page = await browser.new_page(viewport={"width": width, "height": 800})
            await page.goto(url)
            uses = [only_looked_at, USES[name]]
            if name in HAVE_A_BIG_MODE and width == 1280:
                uses.append(make_it_big)
            for use in uses:
                await use(page)
                for scheme in SCHEMES:
                    await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                    for line in await found_by_axe(page):
                        when = f"{width} px, {scheme}, {use.__name__}"
                        found.setdefault(line, []).append(when)
                across = await page.evaluate("document.documentElement.scrollWidth")
                if across > width:
                    line = f"{use.__name__} is {across} px wide"
                    found.setdefault(line, []).append(f"{width} px")
            await page.close()
    lines = [f"{line}\n    ({'; '.join(when)})" for line, when in found.items()]
    assert not found, "\n".join(lines)


@pytest.mark.parametrize("name", USES)
async def test_a_page_says_what_it_is_and_asks_for_no_file_that_is_not_there(
    name: str, browser: Browser, stages: Stages, chat: Chat
) -> None:
    refused = []

    def note(response: Response) -> None:
        if response.status >= 400 and response.url != url:
            refused.append(response.url)

    async with at(name, stages, chat) as url:
        page = await browser.new_page()
        page.on("response", note)
        await page.goto(url, wait_until="networkidle")
        assert refused == []
        if not name.startswith("04 no"):  # Django's own page of development
            description = page.locator("meta[name=description]")
            content = await description.get_attribute("content")
            assert content and content.endswith(".")
        await page.close()


@pytest.mark.parametrize("width", WIDTHS)
async def test_stage_01s_page_stays_still_while_its_picture_grows(
    width: int, browser: Browser, stages: Stages
) -> None:
    page = await browser.new_page(viewport={"width": width, "height": 900})
    await page.goto(stages["01"])
    for program, file in (("tasks", "fetch_receive.py"), ("crawler", "e5_crawler.py")):
        await page.locator(f"#choices input[value={program}]").check()
        # "ready" would be too early: at first the page says it before it has the file.
        await expect(page.locator("#file")).to_have_text(file)
        await page.evaluate(
            """async () => {
                // What the choice itself moves is seen after the next frame.
                for (let frame = 0; frame < 2; frame++)
                    await new Promise(requestAnimationFrame);
                window.shifts = [];
                new PerformanceObserver((list) => {
                    for (const shift of list.getEntries())
                        window.shifts.push(shift.sources.map(({node}) => node?.id));
                }).observe({type: "layout-shift"});
            }"""
        )
        await page.get_by_role("button", name="Run").click()
        await expect(page.locator("#state")).to_have_text("done")
        assert await page.evaluate("window.shifts") == []
    await page.close()
