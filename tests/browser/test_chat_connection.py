"""The room's page when the connection fails: it comes back, and nothing is lost."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, Page, WebSocketRoute, expect
from sockets.codes import CloseCode

from tests.support.chat import Chat, live, texts, write

pytestmark = pytest.mark.asyncio(loop_scope="session")

CONNECT_NOW = "dispatchEvent(new Event('online'))"  # does not wait for the next try
NO_STORAGE = """
Object.defineProperty(window, "localStorage", {
  get() { throw new DOMException("blocked", "SecurityError"); },
});
"""
OPEN_ANEW = """
import django
django.setup()
from chat.models import Room
Room.objects.get(slug="{slug}").delete()
Room.objects.create(name="{slug}", slug="{slug}")
"""
COUNT = """
import django
django.setup()
from chat.models import Message
print(Message.objects.filter(room__slug="{slug}").count())
"""
DELETE = """
import django
django.setup()
from chat.models import Message
Message.objects.filter(text="goes").delete()
"""


class Wire:
    """Between a page and the server: what each says may be dropped."""

    def __init__(self) -> None:
        self.attempts = 0
        self.messages: list[str] = []  # that the page has sent
        self.drops_from_page = False
        self.drops_acks = False
        self.has_dropped_one = asyncio.Event()
        self.refuse = 0  # a close code for all who come
        self.dead: set[WebSocketRoute] = set()  # connections that carry nothing more
        self.pongs = 0  # the server's signs of life
        self.answered = asyncio.Event()  # no ping is without its pong
        self.answered.set()

    def die_in_silence(self) -> None:
        """From now on this connection carries nothing, and neither side is told."""
        self.dead.add(self.page)

    async def __call__(self, page: WebSocketRoute) -> None:
        self.page = page
        self.attempts += 1
        if self.refuse:
            return await page.close(code=self.refuse)
        server = page.connect_to_server()

        def from_page(text: str | bytes) -> None:
            if '"message"' in str(text):
                self.messages.append(str(text))
            if '"ping"' in str(text):
                self.answered.clear()
            if not self.drops_from_page and page not in self.dead:
                server.send(text)

        def from_server(text: str | bytes) -> None:
            is_dropped = self.drops_acks and '"ack"' in str(text)
            if is_dropped:
                self.has_dropped_one.set()
            elif page not in self.dead:
                page.send(text)
            if '"pong"' in str(text):
                self.pongs += 1
                self.answered.set()

        page.on_message(from_page)
        server.on_message(from_server)


@asynccontextmanager
async def wired(
    browser: Browser, chat: Chat, room: str, person: str | None = "Ann"
) -> AsyncIterator[tuple[Page, Wire]]:
    """Somebody's window in ``room``, with a wire that can be cut."""
    wire = Wire()
    async with chat.window(browser, person, "about:blank") as page:
        await page.route_web_socket("**/ws/**", wire)
        await page.goto(room)
        await live(page)
        yield page, wire


async def test_a_message_without_an_ack_survives_a_reload_and_is_stored_once(
    browser: Browser, chat: Chat
) -> None:
    async with wired(browser, chat, chat.new_room()) as (ann, wire):
        wire.drops_from_page = True
        await write(ann, "first")
        await write(ann, "second")
        unsent = ann.locator("#unsent li")
        await expect(unsent).to_contain_text(["sending…", "waiting"])
        wire.drops_from_page = False
        await ann.reload()
        await expect(ann.locator("#messages .text")).to_have_text(["first", "second"])
        await expect(unsent).to_have_count(0)
        await ann.reload()
        await expect(ann.locator("#messages .text")).to_have_text(["first", "second"])
        assert len(wire.messages) == 3  # the first one twice


async def test_a_message_whose_ack_was_lost_is_sent_again_and_stored_once(
    browser: Browser, chat: Chat
) -> None:
    async with wired(browser, chat, chat.new_room()) as (ann, wire):
        wire.drops_acks = True
        await write(ann, "once")
        await expect(ann.locator("#messages .text")).to_have_text("once")
        await expect(ann.locator("#unsent li")).to_contain_text("sending…")
        await wire.has_dropped_one.wait()
        wire.drops_acks = False
        await ann.evaluate(CONNECT_NOW)
        await expect(ann.locator("#unsent li")).to_have_count(0)
        assert "?after=" in wire.page.url  # only what was missed
        assert len(wire.messages) == 2 and len(set(wire.messages)) == 1
        await ann.reload()
        await live(ann)
        assert await texts(ann) == ["once"]


async def test_a_waiting_message_does_not_go_out_when_the_session_has_ended(
    browser: Browser, chat: Chat
) -> None:
    async with wired(browser, chat, chat.new_room()) as (ann, wire):
        wire.drops_from_page = True
        await write(ann, "as Ann")
        await expect(ann.locator("#unsent li")).to_contain_text("sending…")
        wire.drops_from_page, sent = False, len(wire.messages)
        await ann.context.clear_cookies()
        await ann.evaluate(CONNECT_NOW)
        await expect(ann.get_by_label("You are a guest called")).to_be_visible()
        await live(ann)
        await expect(ann.locator("#unsent li")).to_have_count(0)
        assert len(wire.messages) == sent
        await ann.context.clear_cookies()
        await ann.context.add_cookies(
            [{"name": "sessionid", "value": chat.sessions["Ann"], "url": chat.url}]
        )
        await ann.reload()
        await expect(ann.locator("#messages .text")).to_have_text("as Ann")
        await expect(ann.locator("#messages .name")).to_have_text("Ann")


async def test_a_guest_s_message_does_not_go_out_under_an_account(
    browser: Browser, chat: Chat
) -> None:
    room = chat.new_room()
    async with wired(browser, chat, room, person=None) as (page, wire):
        [guest] = [c for c in await page.context.cookies() if c["name"] == "sessionid"]
        wire.drops_from_page = True
        await write(page, "as a guest")
        await expect(page.locator("#unsent li")).to_contain_text("sending…")
        wire.drops_from_page, sent = False, len(wire.messages)
        session = {"name": "sessionid", "value": chat.sessions["Ann"], "url": chat.url}
        await page.context.add_cookies([session])  # another tab has logged in
        await page.evaluate(CONNECT_NOW)
        await expect(page.get_by_role("button", name="Log out")).to_be_visible()
        await live(page)
        await expect(page.locator("#unsent li")).to_have_count(0)
        assert len(wire.messages) == sent
        session = {"name": "sessionid", "value": guest["value"], "url": chat.url}
        await page.context.add_cookies([session])
        await page.reload()
        await expect(page.locator("#messages .text")).to_have_text("as a guest")
        await expect(page.locator("#messages .name")).to_contain_text("guest-")


async def test_a_browser_without_storage_sends_and_keeps_nothing(
    browser: Browser, chat: Chat
) -> None:
    async with wired(browser, chat, chat.new_room()) as (ann, wire):
        await ann.add_init_script(NO_STORAGE)
        await ann.reload()
        await live(ann)
        await write(ann, "hello")
        await expect(ann.locator("#messages .text")).to_have_text("hello")
        await expect(ann.locator("#unsent li")).to_have_count(0)
        wire.drops_from_page = True
        await write(ann, "waits")
        await expect(ann.locator("#unsent li")).to_contain_text("sending…")
        wire.drops_from_page = False
        await ann.evaluate(CONNECT_NOW)
        await expect(ann.locator("#messages .text")).to_have_text(["hello", "waits"])


async def test_a_message_that_comes_twice_is_shown_once(
    browser: Browser, chat: Chat
) -> None:
    async with wired(browser, chat, chat.new_room()) as (ann, wire):
        about = {"type": "message", "user": "Ben", "created": "2026-01-01T12:00:00Z"}
        for number, text in ((1, "once"), (1, "once"), (2, "then")):
            wire.page.send(json.dumps({**about, "id": number, "text": text}))
        await expect(ann.locator("#messages .text").last).to_have_text("then")
        assert await texts(ann) == ["once", "then"]


async def test_two_windows_with_the_same_unsent_message_store_it_once(
    browser: Browser, chat: Chat
) -> None:
    async with wired(browser, chat, chat.new_room()) as (ann, wire):
        wire.drops_from_page = True
        await write(ann, "once")
        second = await ann.context.new_page()  # they share what is kept
        await second.goto(ann.url)
        await expect(second.locator("#messages .text")).to_have_text("once")
        wire.drops_from_page = False
        await ann.evaluate(CONNECT_NOW)
        for page in (ann, second):
            await expect(page.locator("#unsent li")).to_have_count(0)
            assert await texts(page) == ["once"]


async def test_a_server_that_falls_silent_is_left_for_a_new_connection(
    browser: Browser, chat: Chat
) -> None:
    async with wired(browser, chat, chat.new_room()) as (ann, wire):
        await ann.clock.install()
        await ann.reload()
        await live(ann)
        attempts, wire.drops_from_page = wire.attempts, True
        await write(ann, "hello?")
        await expect(ann.locator("#unsent li")).to_contain_text("sending…")
        wire.page.send('{"type": "presence", "users": ["Ben"]}')  # that is no answer
        await expect(ann.locator("#users")).to_have_text("BBen")
        wire.drops_from_page = False
        await ann.clock.run_for(10_100)
        await expect(ann.locator("#messages .text")).to_have_text("hello?")
        assert wire.attempts == attempts + 1


async def test_an_idle_page_notices_a_connection_that_was_lost_in_silence(
    browser: Browser, chat: Chat
) -> None:
    room = chat.new_room()
    async with wired(browser, chat, room) as (ann, wire):
        await ann.clock.install()
        await ann.reload()
        await live(ann)
        attempts = wire.attempts
        wire.die_in_silence()
        chat.fill(room, 1)
        await ann.clock.run_for(40_500)  # after 30 s it asks, and nobody answers
        await expect(ann.locator("#messages .text")).to_have_text("message 0")
        await live(ann)
        assert wire.attempts == attempts + 1


async def test_an_idle_page_keeps_a_connection_that_gives_signs_of_life(
    browser: Browser, chat: Chat
) -> None:
    async with wired(browser, chat, chat.new_room()) as (ann, wire):
        await ann.clock.install()
        await ann.reload()
        await live(ann)
        attempts = wire.attempts
        while wire.pongs < 3:
            await ann.clock.run_for(1_000)
            # The page's clock stands still until the answer has come.
            await wire.answered.wait()
        await live(ann)
        assert wire.attempts == attempts


@pytest.mark.parametrize("event", ["visibilitychange", "pageshow"])
async def test_a_reader_who_comes_back_finds_out_that_the_connection_was_lost(
    event: str, browser: Browser, chat: Chat
) -> None:
    room = chat.new_room()
    async with wired(browser, chat, room) as (ann, wire):
        await ann.clock.install()
        await ann.reload()
        await live(ann)
        attempts = wire.attempts
        wire.die_in_silence()
        chat.fill(room, 1)
        target = "document" if event == "visibilitychange" else "window"
        await ann.evaluate(f"{target}.dispatchEvent(new Event('{event}'))")
        await ann.clock.run_for(10_100)
        await expect(ann.locator("#messages .text")).to_have_text("message 0")
        assert wire.attempts == attempts + 1


async def test_a_clock_that_is_set_back_delays_no_new_connection(
    browser: Browser, chat: Chat
) -> None:
    async with wired(browser, chat, chat.new_room()) as (ann, wire):
        await ann.clock.install(time="2026-06-01T12:00:00Z")
        await ann.reload()
        await live(ann)
        wire.refuse = CloseCode.TRY_AGAIN_LATER
        await wire.page.close(code=CloseCode.TRY_AGAIN_LATER)
        await expect(ann.locator("#state")).to_have_text("reconnecting")
        await ann.clock.set_system_time("2026-06-01T11:00:00Z")
        wire.refuse = 0
        await ann.clock.run_for(3_000)
        await live(ann)


async def test_a_clock_that_is_set_back_changes_no_order_of_what_waits(
    browser: Browser, chat: Chat
) -> None:
    async with wired(browser, chat, chat.new_room()) as (ann, wire):
        await ann.clock.install(time="2026-06-01T12:00:00Z")
        await ann.reload()
        await live(ann)
        wire.drops_from_page = True
        await write(ann, "first")
        await ann.clock.set_system_time("2026-06-01T11:00:00Z")
        await write(ann, "second")
        wire.drops_from_page = False
        await ann.reload()
        await expect(ann.locator("#messages .text")).to_have_text(["first", "second"])


async def test_a_message_for_a_deleted_room_does_not_go_to_a_new_one_of_its_name(
    browser: Browser, chat: Chat
) -> None:
    room = chat.new_room()
    slug = room.split("/")[-2]
    async with wired(browser, chat, room) as (ann, wire):
        wire.refuse = CloseCode.TRY_AGAIN_LATER
        await wire.page.close(code=CloseCode.TRY_AGAIN_LATER)
        await write(ann, "for the old room")
        await expect(ann.locator("#unsent li")).to_contain_text("waiting")
        chat.run(OPEN_ANEW.format(slug=slug))
        wire.refuse = 0
        await ann.evaluate(CONNECT_NOW)
        await expect(ann.locator("#state")).to_have_text("closed")
        await expect(ann.get_by_role("alert")).to_contain_text("has been deleted")
        await expect(ann.locator("#unsent .text")).to_have_text("for the old room")
        await ann.reload()
        await live(ann)
        await write(ann, "for the new one")
        await expect(ann.locator("#messages .text")).to_have_text("for the new one")
        await expect(ann.locator("#unsent li")).to_have_count(0)
        assert chat.run(COUNT.format(slug=slug)) == "1\n"


async def test_a_waiting_message_can_be_edited_and_discarded(
    browser: Browser, chat: Chat
) -> None:
    async with wired(browser, chat, chat.new_room()) as (ann, wire):
        wire.refuse = CloseCode.TRY_AGAIN_LATER
        await wire.page.close(code=CloseCode.TRY_AGAIN_LATER)
        box = ann.get_by_label("Message", exact=True)
        for text in ("a slip", "not after all", "fine"):
            await write(ann, text)
        unsent = ann.locator("#unsent li")
        await unsent.nth(1).get_by_role("button", name="Discard").click()
        await expect(unsent.locator(".text")).to_have_text(["a slip", "fine"])
        await box.fill("being written")
        await unsent.first.get_by_role("button", name="Edit").click()
        await expect(box).to_have_value("a slip\nbeing written")
        await expect(box).to_be_focused()
        await expect(unsent.locator(".text")).to_have_text(["fine"])
        await write(ann, "corrected")
        wire.refuse = 0
        await ann.evaluate(CONNECT_NOW)
        await expect(ann.locator("#messages .text")).to_have_text(["fine", "corrected"])
        await ann.wait_for_function("() => localStorage.length === 0")


@pytest.mark.parametrize(
    ("random", "waits"),
    [(0, [1, 1, 2, 4, 8, 15, 15]), (0.999, [1, 2, 4, 8, 16, 30, 30])],
)
async def test_it_waits_longer_after_each_failure_and_by_chance_up_to_twice_as_long(
    random: float, waits: list[int], browser: Browser, chat: Chat
) -> None:
    async with wired(browser, chat, chat.new_room()) as (ann, wire):
        await ann.clock.install()
        await ann.add_init_script(f"Math.random = () => {random}")
        wire.refuse, wire.attempts = CloseCode.TRY_AGAIN_LATER, 0
        await ann.reload()
        for number, wait in enumerate(waits, 1):
            await expect(ann.locator("#state")).to_have_text("reconnecting")
            assert wire.attempts == number
            await expect(ann.locator("#seconds")).to_have_text(f"in {wait} s")
            await ann.clock.run_for(wait * 1000)
        await expect(ann.locator("#state")).to_have_text("reconnecting")
        wire.refuse = 0
        await ann.clock.run_for(waits[-1] * 1000)
        await live(ann)


@pytest.mark.parametrize("code", [CloseCode.SERVICE_RESTART, 4012])
async def test_a_close_code_that_a_server_sends_3000_higher_means_the_same(
    code: int, browser: Browser, chat: Chat
) -> None:
    """daphne does: to an application it allows 1000 and 3000 to 4999 only."""
    async with wired(browser, chat, chat.new_room()) as (ann, wire):
        wire.refuse = CloseCode.TRY_AGAIN_LATER  # or it would be back too soon to see
        await wire.page.close(code=code)
        await expect(ann.locator("#state")).to_have_text("reconnecting")
        wire.refuse = 0
        await ann.evaluate(CONNECT_NOW)
        await live(ann)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (CloseCode.POLICY_VIOLATION, "That is enough."),
        (4008, "That is enough."),
        (CloseCode.UNAUTHORIZED, "Your session has ended"),
    ],
)
async def test_a_server_that_says_no_is_not_asked_again(
    code: int, words: str, browser: Browser, chat: Chat
) -> None:
    async with wired(browser, chat, chat.new_room()) as (ann, wire):
        await wire.page.close(code=code, reason="That is enough.")
        await expect(ann.locator("#state")).to_have_text("closed")
        await expect(ann.get_by_role("alert")).to_contain_text(words)
        await ann.evaluate(CONNECT_NOW)
        assert wire.attempts == 1


async def test_a_closed_room_takes_no_message_and_keeps_what_was_written(
    browser: Browser, chat: Chat
) -> None:
    async with wired(browser, chat, chat.new_room()) as (ann, wire):
        wire.drops_from_page = True
        await write(ann, "on its way")
        box = ann.get_by_label("Message", exact=True)
        await box.fill("half a sentence")
        reason = "This room has been deleted."
        await wire.page.close(code=CloseCode.POLICY_VIOLATION, reason=reason)
        await expect(ann.locator("#state")).to_have_text("closed")
        await expect(ann.locator("#unsent li")).to_contain_text("not sent")
        await expect(ann.get_by_role("button", name="Send")).to_be_disabled()
        await expect(box).not_to_be_editable()
        await box.press("Enter")
        await expect(box).to_have_value("half a sentence")
        await expect(ann.locator("#unsent li")).to_have_count(1)
        await ann.get_by_role("button", name="Discard").click()
        await expect(ann.locator("#unsent li")).to_have_count(0)
        await expect(ann.get_by_role("alert")).to_have_text(reason)


async def test_a_restart_of_the_server_loses_and_doubles_nothing(
    browser: Browser, chat: Chat
) -> None:
    server = chat.on_another_port()
    room = server.new_room()
    async with (
        server.window(browser, "Ann", "about:blank") as ann,
        server.window(browser, "Ben", "about:blank") as ben,
    ):
        with server.server():
            for page in (ann, ben):
                await page.add_init_script("Math.random = () => 0")  # soon again
                await page.goto(room)
                await live(page)
            await write(ann, "before")
            await expect(ben.locator("#messages .text")).to_have_text("before")
        for page in (ann, ben):
            await expect(page.locator("#state")).to_have_text("reconnecting")
        await write(ann, "meanwhile, Ann")
        await write(ben, "meanwhile, Ben")
        for page in (ann, ben):
            await expect(page.locator("#unsent li")).to_contain_text("waiting")
        with server.server():
            await live(ann, ben)
            for page in (ann, ben):
                await expect(page.locator("#unsent li")).to_have_count(0)
                await expect(page.locator("#messages .text")).to_have_count(3)
            seen = await texts(ann)
            assert seen == await texts(ben)
            assert sorted(seen) == ["before", "meanwhile, Ann", "meanwhile, Ben"]


async def test_without_a_network_it_says_offline_and_sends_when_it_is_back(
    browser: Browser, chat: Chat
) -> None:
    room = chat.new_room()
    async with (
        chat.window(browser, "Ann", room) as ann,
        chat.window(browser, "Ben", room) as ben,
    ):
        await live(ann, ben)
        await ann.context.set_offline(True)
        await expect(ann.locator("#state")).to_have_text("offline")
        await write(ann, "from the tunnel")
        await expect(ann.locator("#unsent li")).to_contain_text("waiting")
        await write(ben, "where are you?")
        await ann.context.set_offline(False)
        await expect(ann.locator("#messages .text")).to_have_text(
            ["where are you?", "from the tunnel"]
        )
        await expect(ann.locator("#unsent li")).to_have_count(0)
        await expect(ben.locator("#messages .text")).to_have_count(2)


async def test_a_page_that_has_seen_the_room_empty_misses_nothing_either(
    browser: Browser, chat: Chat
) -> None:
    room = chat.new_room()
    async with wired(browser, chat, room) as (ann, wire):
        chat.fill(room, 60)  # behind its back: nobody is told
        await ann.evaluate(CONNECT_NOW)
        await expect(ann.locator("#messages .text").last).to_have_text("message 59")
        assert wire.page.url.endswith("?after=0")
        await expect(ann.locator("#messages .text")).to_have_count(60)


async def test_a_page_that_missed_too_much_gets_the_history_anew(
    browser: Browser, chat: Chat
) -> None:
    room = chat.new_room()
    async with chat.window(browser, "Ann", room) as ann:
        await live(ann)
        await write(ann, "long ago")
        await expect(ann.locator("#messages .text")).to_have_text("long ago")
        chat.fill(room, 201)  # behind its back: nobody is told
        await ann.evaluate(CONNECT_NOW)
        await expect(ann.locator("#messages .text").last).to_have_text("message 200")
        assert "long ago" not in await texts(ann)
        await expect(ann.locator("#messages .text").first).to_have_text("message 151")


async def test_a_message_deleted_during_a_loss_is_gone_when_the_page_is_back(
    browser: Browser, chat: Chat
) -> None:
    room = chat.new_room()
    async with chat.window(browser, "Ann", room) as ann:
        await live(ann)
        for text in ("stays", "goes", "stays, too"):
            await write(ann, text)
        await expect(ann.locator("#messages .text")).to_have_count(3)
        chat.run(DELETE)  # another process: nobody is told
        await ann.evaluate(CONNECT_NOW)
        await expect(ann.locator("#messages .text")).to_have_text(
            ["stays", "stays, too"]
        )
