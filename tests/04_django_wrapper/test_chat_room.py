"""A room's websocket: who comes in, what they hear, what becomes of what they say."""

import asyncio
import json
import re
from threading import Event

import pytest
from asgiref.sync import sync_to_async
from django.test import override_settings
from sockets.groups import groups
from sockets.testing import SocketRefused
from websockets.asyncio.client import connect

from workshop.pages.serving import serving


async def test_a_guest_is_welcomed_under_a_made_up_name(chat):
    room = await chat.room(name="Tea", slug="tea")
    async with chat.enter(room) as guest:
        welcome = await guest.hear("welcome")
        assert welcome.pop("user").startswith("guest-")
        assert welcome == {
            "type": "welcome",
            "room": "tea",
            "guest": True,
            "last": 0,
            "recovered": False,
            "room_id": room.pk,
        }


async def test_a_client_with_no_cookie_and_no_origin_is_a_guest(chat):
    async with chat.enter(await chat.room(), headers={"origin": None}) as guest:
        assert (await guest.hear("welcome"))["user"].startswith("guest-")


async def test_a_user_is_welcomed_by_name(chat):
    async with chat.enter(await chat.room(), await chat.user("agnes")) as anna:
        welcome = await anna.hear("welcome")
        assert (welcome["user"], welcome["guest"]) == ("agnes", False)


async def test_a_guest_s_chosen_name_is_the_same_everywhere_and_marked(chat):
    room, browser = await chat.room(), await chat.browser()
    await browser.post("/accounts/name/", {"name": "zoë"})
    page = await browser.get(room.get_absolute_url())
    async with chat.enter(room, browser=browser) as guest:
        name = (await guest.hear("welcome"))["user"]
    assert re.fullmatch(r"zoë \(guest-[0-9a-f]{4}\)", name)
    assert (page.context["me"], page.context["chosen"]) == (name, "zoë")


async def test_a_message_comes_to_everyone_once_and_its_sender_gets_an_ack(chat):
    room = await chat.room()
    anna, ben = await chat.user(), await chat.user()
    async with chat.enter(room, anna) as first, chat.enter(room, ben) as second:
        await first.hear("welcome")
        await second.hear("welcome")
        await first.say("hello", key="k1")
        heard = await second.hear("message")
        assert await first.hear("message") == heard
        assert await first.hear("ack") == {
            "type": "ack",
            "key": "k1",
            "id": heard["id"],
        }
        await first.quiet()
        await second.quiet()
    stored = await chat.Message.objects.aget(pk=heard["id"])
    assert (stored.user_id, stored.name, stored.text) == (anna.pk, str(anna), "hello")
    assert {k: heard[k] for k in ("room", "user", "text")} == {
        "room": room.slug,
        "user": str(anna),
        "text": "hello",
    }


async def test_a_message_sent_again_is_acknowledged_again_and_stored_once(chat):
    room = await chat.room()
    async with chat.enter(room) as guest, chat.enter(room) as other:
        for person in (guest, other):
            await person.hear("welcome")
        await guest.say("twice", key="same")
        await guest.hear("message")
        first = await guest.hear("ack")
        await guest.say("twice", key="same")
        assert await guest.hear("ack") == first
        await other.hear("message")
        await other.quiet()
    assert await chat.Message.objects.filter(room=room).acount() == 1


@pytest.mark.parametrize("who", ["two users", "two guests", "a guest and nobody"])
async def test_a_key_is_its_author_s_own(chat, who):
    """Nobody learns the id of another's message by its key, nor keeps it from them."""
    room = await chat.room()
    first = {"user": await chat.user()}
    second = {"user": await chat.user()}
    if who != "two users":
        first, second = {"browser": await chat.guest(room)}, {}
    if who == "two guests":
        second = {"browser": await chat.guest(room)}
    async with chat.enter(room, **first) as anna, chat.enter(room, **second) as ben:
        for person in (anna, ben):
            await person.hear("welcome")
        await anna.say("from Anna", key="1")
        await anna.hear("message")
        ack = await anna.hear("ack")
        assert (await ben.hear("message"))["text"] == "from Anna"
        await ben.say("from Ben", key="1")
        assert (await ben.hear("message"))["text"] == "from Ben"
        assert await ben.hear("ack") != ack
        assert (await anna.hear("message"))["text"] == "from Ben"


async def test_a_key_that_was_another_message_s_is_refused(chat):
    """Those who have no session are one author: they had better choose long keys."""
    room = await chat.room()
    async with chat.enter(room) as guest, chat.enter(room) as other:
        for person in (guest, other):
            await person.hear("welcome")
        await guest.say("one", key="1")
        await other.hear("message")
        await other.say("two", key="1")
        assert (await other.hear("error"))["code"] == "no_key"
        await other.say("two", key="2")
        assert (await other.hear("message"))["text"] == "two"


async def test_the_last_fifty_messages_come_first_oldest_first(chat):
    room = await chat.room()
    ids = await chat.store(room, *map(str, range(52)))
    async with chat.enter(room) as guest:
        welcome = await guest.hear("welcome")
        assert (welcome["last"], welcome["recovered"]) == (ids[-1], False)
        heard = [(await guest.hear("message"))["id"] for _ in range(50)]
        assert heard == ids[2:]
        await guest.quiet()


async def test_a_person_who_comes_back_gets_all_that_came_after_their_last_message(
    chat,
):
    room, elsewhere = await chat.room(), await chat.room()
    ids = await chat.store(room, *map(str, range(60)))
    await chat.store(elsewhere, "not here")
    async with chat.enter(room, query=f"?after={ids[3]}") as guest:
        welcome = await guest.hear("welcome")
        assert (welcome["last"], welcome["recovered"]) == (ids[-1], True)
        heard = [(await guest.hear("message"))["id"] for _ in range(56)]
        assert heard == ids[4:]
        await guest.quiet()


async def test_a_person_who_missed_nothing_gets_nothing(chat):
    room = await chat.room()
    [last] = await chat.store(room, "seen")
    async with chat.enter(room, query=f"?after={last}") as guest:
        welcome = await guest.hear("welcome")
        assert (welcome["last"], welcome["recovered"]) == (last, True)
        await guest.quiet()


async def test_a_person_who_missed_more_than_can_be_given_is_told_so(chat, monkeypatch):
    monkeypatch.setattr("chat.models.MISSED", 3)
    room = await chat.room()
    ids = await chat.store(room, *map(str, range(60)))
    async with chat.enter(room, query=f"?after={ids[-5]}") as guest:
        assert (await guest.hear("welcome"))["recovered"] is False
        heard = [(await guest.hear("message"))["id"] for _ in range(50)]
        assert heard == ids[10:]


@pytest.mark.parametrize(
    "after", ["999999999", "-1", "x", "", "1.5", "9" * 18, "9" * 5000, "%00", "%D9%A3x"]
)
async def test_an_id_that_cannot_be_is_no_id(chat, after):
    room = await chat.room()
    [last] = await chat.store(room, "hello")
    async with chat.enter(room, query=f"?after={after}") as guest:
        assert (await guest.hear("welcome"))["recovered"] is False
        assert (await guest.hear("message"))["id"] == last


@pytest.mark.parametrize("whose", ["another room's", "a deleted message's"])
async def test_an_id_that_is_no_message_of_the_room_recovers_nothing(chat, whose):
    """What came after it cannot be known: it might be a part only."""
    room = await chat.room()
    await chat.store(room, "one")
    [number] = await chat.store(await chat.room(), "elsewhere")
    if whose == "a deleted message's":
        [number] = await chat.store(room, "gone")
        await chat.Message.objects.filter(pk=number).adelete()
    await chat.store(room, "two")
    async with chat.enter(room, query=f"?after={number}") as guest:
        assert (await guest.hear("welcome"))["recovered"] is False
        assert (await guest.hear("message"))["text"] == "one"
        assert (await guest.hear("message"))["text"] == "two"


@pytest.mark.parametrize("number", [0, 1, 200, 201])
async def test_a_person_who_has_seen_the_room_empty_gets_all_or_is_told_so(
    chat, number
):
    room = await chat.room()
    await chat.Message.objects.abulk_create(
        chat.Message(room=room, name="old", text="x", key=str(key))
        for key in range(number)
    )
    async with chat.enter(room, query="?after=0") as guest:
        assert (await guest.hear("welcome"))["recovered"] is (number <= 200)
        for _ in range(50 if number > 200 else number):
            await guest.hear("message")
        await guest.quiet()


@pytest.mark.parametrize("announced", ["before", "after"])
async def test_a_message_said_while_the_history_is_read_comes_once_and_after_it(
    chat, monkeypatch, announced
):
    """Stored before the history is read or after it; announced at that moment."""
    from chat.names import person_of  # now, since the apps are loaded

    room, read = await chat.room(), chat.Room.history
    anna = person_of(await chat.user(), None)

    def history(self, after):
        if announced == "before":
            self.say(anna, "new", "k")
        found = read(self, after)
        if announced == "after":
            self.say(anna, "new", "k")
        return found

    await chat.store(room, "old")
    monkeypatch.setattr(chat.Room, "history", history)
    async with chat.enter(room) as guest:
        assert (await guest.hear("welcome"))["type"] == "welcome"
        assert (await guest.hear("message"))["text"] == "old"
        assert (await guest.hear("message"))["text"] == "new"
        await guest.quiet()


async def test_a_message_of_the_history_that_is_announced_late_comes_once(chat):
    """Stored before the history is read, announced after it was sent."""
    room = await chat.room()
    await chat.store(room, "one")
    async with chat.enter(room) as guest:
        await guest.hear("welcome")
        said = await guest.hear("message")
        late = f"0 {said['id']} {json.dumps(said)}"
        await groups.publish(room.news, late)
        await guest.say("two")
        assert (await guest.hear("message"))["text"] == "two"
        await guest.hear("ack")
        await guest.quiet()


async def test_typing_is_told_with_the_name(chat):
    room = await chat.room()
    async with (
        chat.enter(room, await chat.user("cleo")) as cleo,
        chat.enter(room) as guest,
    ):
        await cleo.hear("welcome")
        await guest.hear("welcome")
        await cleo.send_json({"type": "typing"})
        assert await guest.hear("typing") == {"type": "typing", "user": "cleo"}


async def test_presence_tells_who_is_here_once_and_who_has_left(chat):
    room, dora, emil = (
        await chat.room(),
        await chat.user("dora"),
        await chat.user("emil"),
    )

    async def told(*users):
        while (await first.receive_json()).get("users") != list(users):
            pass

    async with chat.enter(room, emil) as first:
        await first.hear("welcome")
        await told("emil")
        async with chat.enter(room, dora), chat.enter(room, dora):
            await told("dora", "emil")
        await told("emil")


@pytest.mark.parametrize(
    ("text", "key", "code"),
    [
        ("", "k", "empty"),
        (" \n\t ", "k", "empty"),
        ("\u200b\u200d\ufeff", "k", "empty"),  # zero width
        ("\u00ad", "k", "empty"),  # a soft hyphen
        ("\u115f\u1160\u3164\uffa0\u2800", "k", "empty"),  # fillers
        ("\U000e0041\U000e0100\ufe0f\u034f", "k", "empty"),  # tags, selectors
        ("x" * 2001, "k", "too_long"),
        ("a\x00b", "k", "control"),
        ("a\x1bb", "k", "control"),
        ("a\x9bb", "k", "control"),
        ("hello", "", "no_key"),
        ("hello", "k" * 65, "no_key"),
        ("hello", 7, "no_key"),
        ("hello", "\x00", "no_key"),
        (7, "k", "bad_message"),
        (["hello"], "k", "bad_message"),
    ],
)
async def test_a_message_that_cannot_be_stored_is_answered_with_its_error(
    chat, text, key, code
):
    room = await chat.room()
    async with chat.enter(room) as guest:
        await guest.hear("welcome")
        await guest.say(text, key)
        error = await guest.hear("error")
        assert error.keys() == {"type", "code", "detail"}
        assert error["code"] == code
        await guest.say("still open")
        await guest.hear("message")
    assert await chat.Message.objects.filter(room=room).acount() == 1


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("", "bad_json"),
        ("{", "bad_json"),
        (b"{}", "bad_json"),
        ("NaN", "bad_json"),
        ("[" * 10_000, "bad_json"),
        ('{"type": "message", "text": "\\ud800", "key": "k"}', "bad_json"),
        ("[]", "bad_message"),
        ("null", "bad_message"),
        ('"typing"', "bad_message"),
        ("{}", "bad_message"),
        ('{"type": "shout"}', "bad_message"),
        ('{"type": ["message"]}', "bad_message"),
        ('{"type": "message", "key": "k"}', "bad_message"),
        ('{"type": "message", "text": "hello"}', "no_key"),
    ],
)
async def test_a_text_that_is_no_message_is_answered_with_an_error(chat, message, code):
    async with chat.enter(await chat.room()) as guest:
        await guest.hear("welcome")
        await guest.send(message)
        assert (await guest.hear("error"))["code"] == code
        await guest.quiet()


@pytest.mark.parametrize(
    "text",
    [
        "x" * 2000,
        "two\nlines\tand a tab",
        "<script>alert(1)</script>",
        "שלום 你好 नमस्ते 👩‍💻",
        "❤️",
        "می‌خواهم",
        "'; DROP TABLE chat_room; --",
        "{{ 7 * 7 }}",
    ],
)
async def test_any_text_comes_out_as_it_went_in(chat, text):
    async with chat.enter(await chat.room()) as guest:
        await guest.hear("welcome")
        await guest.say(text)
        assert (await guest.hear("message"))["text"] == text


async def test_an_unknown_room_is_not_found(chat):
    room = chat.Room(slug="no-such-room")
    with pytest.raises(SocketRefused, match="404"):
        await chat.enter(room).__aenter__()


@pytest.mark.parametrize(
    "slug", ["a b", "a%00b", "<script>", "a/b", "%2e%2e", "x" * 81]
)
async def test_an_address_that_no_room_can_have_is_not_found(chat, slug):
    with pytest.raises(SocketRefused, match="404"):
        await chat.enter(chat.Room(slug=slug)).__aenter__()


async def test_a_room_of_members_refuses_guests_with_401_and_others_with_403(chat):
    member, other = await chat.user(), await chat.user()
    room = await chat.room(member)
    with pytest.raises(SocketRefused, match="401"):
        await chat.enter(room).__aenter__()
    with pytest.raises(SocketRefused, match="403"):
        await chat.enter(room, other).__aenter__()
    async with chat.enter(room, member) as inside:
        await inside.hear("welcome")


async def test_a_room_in_another_alphabet_is_entered_by_its_name(chat):
    room = await chat.room(name="Чайная", slug="чайная")
    async with chat.enter(room) as guest:
        assert (await guest.hear("welcome"))["room"] == "чайная"


async def test_a_deleted_room_is_closed_with_1008_and_a_reason(chat):
    room = await chat.room()
    await chat.store(room, "hello")
    async with chat.enter(room) as guest:
        await guest.hear("welcome")
        await guest.hear("message")
        await guest.hear("presence")
        await room.adelete()  # its message goes with it, without a word
        assert await guest.closed() == (1008, "This room has been deleted.")


async def test_a_member_who_has_lost_the_right_to_a_room_may_not_write_there(chat):
    member = await chat.user()
    room = await chat.room(member)
    async with chat.enter(room, member) as inside:
        await inside.hear("welcome")
        await room.members.through.objects.all().adelete()  # which rings no bell
        await inside.say("let me stay")
        assert (await inside.hear("error"))["code"] == "not_allowed"
        assert (await inside.end())[0] == 1008
    assert not await chat.Message.objects.filter(room=room).aexists()


async def test_a_user_who_is_no_more_may_not_write(chat):
    anna, room = await chat.user(), await chat.room()
    async with chat.enter(room, anna) as inside:
        await inside.hear("welcome")
        await anna.adelete()
        await inside.say("am I?")
        assert (await inside.hear("error"))["code"] == "not_allowed"


async def test_nobody_writes_in_a_room_that_another_process_has_deleted(chat):
    room = await chat.room()
    async with chat.enter(room) as guest:
        await guest.hear("welcome")
        await sync_to_async(chat.Room.objects.filter(pk=room.pk)._raw_delete)("default")
        await guest.say("is anybody here?")
        assert (await guest.hear("error"))["code"] == "not_allowed"
        assert (await guest.end())[0] == 1008


@pytest.mark.parametrize("change", ["member removed", "room removed", "members only"])
async def test_a_change_of_rights_makes_everybody_come_in_anew(chat, change):
    member = await chat.user()
    room = await chat.room(*([] if change == "members only" else [member]))
    async with chat.enter(room, member) as inside:
        await inside.hear("welcome")
        if change == "member removed":
            await room.members.aremove(member)
        elif change == "room removed":
            await member.rooms.aclear()
        else:
            room.members_only = True
            await room.asave()
        assert (await inside.end())[0] == 1012
    with pytest.raises(SocketRefused, match="403"):
        await chat.enter(room, member).__aenter__()


async def test_a_ping_is_answered_with_a_pong(chat):
    async with chat.enter(await chat.room()) as guest:
        await guest.hear("welcome")
        await guest.send_json({"type": "ping"})
        assert await guest.hear("pong") == {"type": "pong"}


async def test_a_guest_who_changes_the_name_comes_in_anew_in_every_tab(chat):
    room = await chat.room()
    browser, other = await chat.guest(room), await chat.guest(room)
    async with (
        chat.enter(room, browser=browser) as first,
        chat.enter(room, browser=browser) as second,
        chat.enter(room, browser=other) as somebody_else,
    ):
        for person in (first, second, somebody_else):
            await person.hear("welcome")
        await browser.post("/accounts/name/", {"name": "zoë"})
        for person in (first, second):
            assert await person.end() == (1012, "You have another name now.")
        async with chat.enter(room, browser=browser) as again:
            assert (await again.hear("welcome"))["user"].startswith("zoë (guest-")
        await somebody_else.quiet()


async def test_a_user_whose_name_staff_change_comes_in_anew(chat):
    room = await chat.room()
    staff = await chat.user(is_staff=True, is_superuser=True)
    anna, ben = await chat.user("annna"), await chat.user()
    async with chat.enter(room, anna) as first, chat.enter(room, ben) as second:
        for person in (first, second):
            await person.hear("welcome")
        browser = await chat.browser(staff)
        page = f"/admin/auth/user/{anna.pk}/change/"
        form = {"username": "anna-maria", "is_active": "on"}
        form |= {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
        assert (await browser.post(page, form)).status_code == 302
        assert await first.end() == (1012, "You have another name now.")
        await second.quiet()


async def test_a_person_who_says_too_much_is_closed_with_1008(chat):
    limits = {"URLCONF": "websocket_app.websocket_urls", "MESSAGES_AT_ONCE": 5}
    with override_settings(SOCKETS=limits | {"MESSAGES_PER_SECOND": 0.001}):
        async with chat.enter(await chat.room()) as guest:
            await guest.hear("welcome")
            for _ in range(6):
                await guest.send_json({"type": "typing"})
            assert await guest.end() == (1008, "too many messages")


async def test_messages_stored_by_two_threads_are_announced_in_order(chat, monkeypatch):
    """The first one's announcement waits for the second one's, which must not come."""
    room, publish = await chat.room(), groups.publish_sync
    first, second = Event(), Event()

    def publish_sync(group, text):
        if "one" in text:
            first.set()
            second.wait(0.3)
        elif "two" in text:
            second.set()
        publish(group, text)

    monkeypatch.setattr(groups, "publish_sync", publish_sync)
    with override_settings(ALLOWED_HOSTS=["127.0.0.1"]):
        async with serving(chat.application) as url:
            address = f"{url.replace('http', 'ws')}/ws/rooms/{room.slug}/"
            async with connect(address) as anna, connect(address) as ben:
                for client, text in ((anna, "one"), (ben, "two")):
                    message = {"type": "message", "text": text, "key": text}
                    await client.send(json.dumps(message))
                    assert await asyncio.to_thread(first.wait, 5)
                heard = [await next_message(anna) for _ in range(2)]
    assert [said["text"] for said in heard] == ["one", "two"]
    assert heard[0]["id"] < heard[1]["id"]


async def next_message(client):
    async for text in client:
        if (said := json.loads(text))["type"] == "message":
            return said
    raise AssertionError("closed before the message came")


async def test_a_log_out_closes_every_room_of_this_session_and_no_other(chat):
    anna, room = await chat.user(), await chat.room()
    browser = await chat.browser(anna)
    cookie = {"cookie": f"sessionid={browser.cookies['sessionid'].value}"}
    async with (
        chat.enter(room, headers=cookie) as first,
        chat.enter(await chat.room(), headers=cookie) as second,
        chat.enter(room, anna) as her_phone,
        chat.enter(room, await chat.user()) as ben,
    ):
        for person in (first, second, her_phone, ben):
            await person.hear("welcome")
        assert (await browser.post("/accounts/logout/")).status_code == 302
        for person in (first, second):
            assert await person.end() == (4401, "logged out")
        await her_phone.quiet()
        await ben.quiet()
