"""The four pages, used as a person would use them."""

import asyncio
import re
import threading

import pytest
import what_blocks
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import Stages
from tests.support.stages import stage_app, without_end
from workshop.pages.serving import serving

pytestmark = pytest.mark.asyncio(loop_scope="session")

# Keeps all that stage 01's page shows from now on, however soon it shows the next.
KEEP_ALL_THAT_IS_SHOWN = """() => {
    window.shown = [];
    const parts = ["#state", "#picture", "#source mark:first-of-type", "mark.current"];
    const textOf = (selector) => document.querySelector(selector)?.textContent ?? "";
    const keep = () => window.shown.push(parts.map(textOf));
    new MutationObserver(keep).observe(
        document.body, {subtree: true, childList: true});
}"""
both_consoles = pytest.mark.parametrize("stage", ["03", "04"])


@both_consoles
async def test_the_articles_javascript_in_the_browsers_console_prints_pong(
    stage: str, stages: Stages, page: Page
) -> None:
    await page.goto(stages[stage])
    await type_the_articles_lines(page)


async def type_the_articles_lines(page: Page) -> None:
    tools = await page.context.new_cdp_session(page)

    async def typed(line: str) -> None:  # as the developer tools' console runs it
        options = {"expression": line, "replMode": True}
        answer = await tools.send("Runtime.evaluate", options)
        assert "exceptionDetails" not in answer

    await typed("ws = new WebSocket('ws://' + location.host + '/')")
    await page.wait_for_function("() => ws.readyState === WebSocket.OPEN")
    await typed("ws.onmessage = event => console.log(event.data)")
    async with page.expect_console_message() as printed:
        await typed('ws.send("ping")')
    assert (await printed.value).text == "pong!"


@both_consoles
async def test_the_articles_javascript_leaves_the_pages_own_connection_alone(
    stage: str, stages: Stages, page: Page
) -> None:
    await page.goto(stages[stage])
    state, received = page.locator("#state"), page.locator("#log li.in")
    await page.get_by_role("button", name="Connect").click()
    await expect(state).to_have_text("open")
    await type_the_articles_lines(page)
    await expect(received).to_have_count(0)  # the typed socket's pong! is not here
    await page.get_by_role("button", name="Send").click()
    await expect(received).to_have_count(1)
    await page.evaluate("ws.close()")
    await page.wait_for_function("() => ws.readyState === WebSocket.CLOSED")
    await expect(state).to_have_text("open")
    await page.get_by_role("button", name="Close").click()
    await expect(page.locator("#log li").last).to_contain_text("closed, 1000")


@both_consoles
async def test_the_page_says_what_to_type_with_its_own_address(
    stage: str, stages: Stages, page: Page
) -> None:
    await page.goto(stages[stage])
    lines = await page.locator(".questions pre").text_content()
    assert lines is not None
    assert lines.splitlines() == [
        f'ws = new WebSocket("{stages[stage].replace("http", "ws")}/")',
        "ws.onmessage = event => console.log(event.data)",
        'ws.send("ping")',
    ]


@both_consoles
async def test_the_log_is_empty_after_clear_and_goes_on(
    stage: str, stages: Stages, page: Page
) -> None:
    await page.goto(stages[stage])
    line = page.locator("#log li")
    await page.get_by_role("button", name="Connect").click()
    await expect(page.locator("#state")).to_have_text("open")
    await expect(line).to_have_count(1)
    await page.get_by_role("button", name="Clear the log").click()
    await expect(line).to_have_count(0)
    await page.get_by_role("button", name="ping", exact=True).click()
    await expect(line).to_have_count(2)


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


@both_consoles
async def test_a_message_can_be_sent_only_while_the_connection_is_open(
    stage: str, stages: Stages, page: Page
) -> None:
    await page.goto(stages[stage])
    senders = page.locator("#send, [data-send], #send-bytes")
    count = await senders.count()
    assert count >= 4
    for button in await senders.all():
        await expect(button).to_be_disabled()
    await page.get_by_role("button", name="Connect").click()
    await expect(page.locator("#state")).to_have_text("open")
    for button in await senders.all():
        await expect(button).to_be_enabled()
    await page.get_by_role("button", name="Close").click()
    await expect(page.locator("#state")).to_have_text("closed")
    for button in await senders.all():
        await expect(button).to_be_disabled()


@both_consoles
async def test_a_second_click_on_connect_while_it_opens_changes_nothing(
    stage: str, stages: Stages, page: Page
) -> None:
    await page.goto(stages[stage])
    await page.locator("#connect").evaluate(
        "button => { button.click(); button.click(); button.click(); }"
    )
    await expect(page.locator("#state")).to_have_text("open")
    await expect(page.locator("#log li")).to_have_count(1)
    await expect(page.locator("#log li")).to_contain_text("connected")


async def test_stage_03_hears_the_clock_unasked_while_pings_are_answered(
    stages: Stages, page: Page
) -> None:
    await page.goto(stages["03"])
    received = page.locator("#log li.in")
    await page.get_by_role("button", name="Connect").click()
    await expect(page.locator("#state")).to_have_text("open")
    await page.get_by_role("button", name="clock").click()
    await expect(received).to_contain_text(["It is"])
    await page.get_by_role("button", name="ping", exact=True).click()
    await expect(received).to_contain_text(["It is", "pong!", "It is"])
    await expect(page.locator("#log li.out")).to_contain_text(["clock", "ping"])
    await page.get_by_role("button", name="Close").click()
    await expect(page.locator("#log li").last).to_contain_text("closed, 1000")


async def test_stage_01_draws_the_timeline_while_the_program_runs(
    stages: Stages, page: Page
) -> None:
    await page.goto(stages["01"])
    picture = page.locator("#picture")
    await page.evaluate(KEEP_ALL_THAT_IS_SHOWN)
    await page.get_by_role("button", name="Run").click()
    await expect(page.locator("#state")).to_have_text("done")
    await expect(picture).to_contain_text("in all")
    await expect(picture.locator("text=✓ returned")).to_have_count(3)
    await expect(page.locator("#printed")).to_contain_text("task one awaited")
    shown = await page.evaluate("window.shown")
    assert any(
        state == "running" and "so far" in drawn and "◀ fetch" in marked
        for state, drawn, marked, _ in shown
    )


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


@pytest.mark.parametrize("width", [1280, 390])
async def test_stage_02_says_once_what_a_step_has_done(
    width: int, stages: Stages, page: Page
) -> None:
    """In the picture; beside it only where a screen is narrower than the picture."""
    await page.set_viewport_size({"width": width, "height": 800})
    await page.goto(stages["02"])
    await expect(page.locator("#state")).to_contain_text("step 0 of")
    await page.get_by_role("button", name="Step").click()
    await expect(page.locator("#happened")).not_to_be_empty()
    box = await page.locator("#happened").bounding_box()
    assert box is not None
    assert (box["width"] > 1) == (width == 390)


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


async def test_stage_01_says_who_does_not_give_way_and_at_which_line(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Long enough to be seen by a page whose server stands still for a second.
    monkeypatch.setattr(what_blocks, "WORK", 2.5)
    async with serving(stage_app("01_asyncio_basics").application) as url:
        await page.goto(url)
        await page.get_by_label("the work blocks").check()
        await expect(page.locator("#about")).to_contain_text("time.sleep")
        await page.evaluate(KEEP_ALL_THAT_IS_SHOWN)
        await page.get_by_role("button", name="Run").click()
        await expect(page.locator("#printed")).to_contain_text("ticks meanwhile: 0")
        shown = await page.evaluate("window.shown")
    blocked = [
        now for now in shown if "blocks has not given control back for" in now[0]
    ]
    assert any("time.sleep(WORK)" in current for *_, current in blocked), shown


async def test_stage_01_runs_every_program_of_its_list(
    stages: Stages, page: Page
) -> None:
    await page.goto(stages["01"])
    await expect(page.locator("#choices input").first).to_be_visible()
    names = await page.locator("#choices input").evaluate_all(
        "all => all.map(i => i.value)"
    )
    assert len(names) > 20
    for name in names:
        if name not in ("tasks", "one_after_the_other"):  # they have tests of their own
            await page.locator(f"#choices input[value={name}]").check()
            await expect(page.locator("#state")).to_have_text("ready")
            await page.get_by_role("button", name="Run").click()
            await expect(page.locator("#state")).to_have_text("done")
            assert await page.locator("#picture svg").count() == 1, name


async def test_two_tabs_of_stage_01_do_not_disturb_each_other(
    stages: Stages, browser: Browser, page: Page
) -> None:
    other = await browser.new_page()
    for tab, choice in ((page, "as tasks"), (other, "plain functions")):
        await tab.goto(stages["01"])
        await tab.get_by_label(choice, exact=True).check()
        await tab.get_by_role("button", name="Run").click()
    for tab, title in ((page, "as tasks"), (other, "plain functions")):
        await expect(tab.locator("#state")).to_have_text("done")
        await expect(tab.locator("#picture")).to_contain_text(title)
        await expect(tab.locator("#printed")).to_contain_text("received")
    await other.close()


async def test_a_tab_that_is_closed_in_the_middle_ends_its_program(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_end(monkeypatch)
    async with serving(stage_app("01_asyncio_basics").application) as url:
        page = await browser.new_page()
        await page.goto(url)
        await page.get_by_role("button", name="Run").click()
        await expect(page.locator("#state")).to_have_text("running")
        [thread] = [t for t in threading.enumerate() if t.name.startswith("program")]
        await page.close()
        await asyncio.to_thread(thread.join, 30)
        assert not thread.is_alive()


async def test_stage_02_steps_through_the_tiny_loop_to_the_end_and_back(
    stages: Stages, page: Page
) -> None:
    await page.goto(stages["02"])
    await page.get_by_label("fetch and receive").check()
    picture, state = page.locator("#picture"), page.locator("#state")
    await expect(picture).to_contain_text("main is a task now")
    last = int((await state.inner_text()).split()[-1])
    step = page.get_by_role("button", name="Step")
    for number in range(1, last + 1):
        await step.click()
        await expect(state).to_contain_text(f"step {number} of")
    await expect(picture).to_contain_text("The program is over.")
    await expect(picture).to_contain_text("task one awaited")
    back = page.get_by_role("button", name="Back")
    for number in range(last - 1, last - 4, -1):
        await back.click()
        await expect(state).to_contain_text(f"step {number} of")
    await expect(picture).not_to_contain_text("The program is over.")


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("all wait", "A deadlock: all wait"),
        ("one never gives control back", "does not give control back"),
    ],
)
async def test_stage_02_names_what_went_wrong_in_words(
    program: str, words: str, stages: Stages, page: Page
) -> None:
    await page.goto(stages["02"])
    await page.get_by_label(program).check()
    state = page.locator("#state", has_text="step 0 of")
    await state.wait_for()
    for _ in range(int((await state.inner_text()).split()[-1])):
        await page.get_by_role("button", name="Step").click()
    await expect(page.locator("#state")).to_have_text(re.compile(r"step (\d+) of \1$"))
    happened = " ".join((await page.locator("#picture").inner_text()).split())
    assert words in happened
