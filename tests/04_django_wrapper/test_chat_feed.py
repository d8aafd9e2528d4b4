"""A room's feed: every message once and in order, whatever happened on the way to it.

``chat.store`` stores and announces nothing, as if another process had said it.
"""

import asyncio

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from sockets.groups import groups


@pytest.fixture
async def room(chat):
    return await chat.room()


def follow(room):
    from chat import feed  # now, since the apps are loaded

    return feed.follow(room)


async def announce(chat, number, before):
    message = await chat.Message.objects.select_related("room").aget(pk=number)
    await sync_to_async(message.announce)(before)


async def hear(guest, *texts):
    """These messages, in this order, and no others between."""
    heard = [await guest.hear("message") for _ in texts]
    assert [said["text"] for said in heard] == list(texts)


async def test_a_gap_is_filled_before_what_comes_after_it_is_told(chat, room):
    async with chat.enter(room) as guest:
        await guest.hear("welcome")
        *_, two, three = await chat.store(room, "one", "two", "three")
        await announce(chat, three, before=two)
        await hear(guest, "one", "two", "three")
        await guest.say("four")
        await hear(guest, "four")
        await guest.hear("ack")
        await guest.quiet()


async def test_announcements_that_have_crossed_are_told_in_order(
    chat, room, monkeypatch
):
    monkeypatch.setattr("chat.feed.CROSSED", 2)  # a busy machine may stand still
    monkeypatch.setattr(chat.Room, "after", None)  # no need to ask the database
    async with chat.enter(room) as guest:
        await guest.hear("welcome")
        one, two, three = await chat.store(room, "one", "two", "three")
        await announce(chat, three, before=two)
        await announce(chat, two, before=one)
        await announce(chat, one, before=0)
        await hear(guest, "one", "two", "three")
        async with follow(room) as feed, asyncio.timeout(30):
            while feed.behind.is_set():
                await asyncio.sleep(0.001)
            await chat.Room.objects.acount()  # it would have asked before us
            await guest.quiet()
            assert not feed.task.done()


async def test_an_announcement_that_comes_twice_or_late_is_told_once(chat, room):
    async with chat.enter(room) as guest:
        await guest.hear("welcome")
        one, two = await chat.store(room, "one", "two")
        for number, before in ((one, 0), (one, 0), (two, one), (one, 0), (two, one)):
            await announce(chat, number, before)
        await hear(guest, "one", "two")
        await guest.quiet()


async def test_a_gap_that_a_deletion_has_made_hides_nothing(chat, room):
    async with chat.enter(room) as guest:
        await guest.hear("welcome")
        one, two = await chat.store(room, "one", "two")
        gone = chat.Message.objects.filter(pk=one)
        await sync_to_async(gone._raw_delete)("default")
        await announce(chat, two, before=one)
        await hear(guest, "two")


async def test_a_feed_that_may_have_lost_announcements_looks_into_the_database(
    chat, room
):
    async with chat.enter(room) as guest:
        await guest.hear("welcome")
        await chat.store(room, "one", "two")
        groups.deliver(room.news, None)
        await hear(guest, "one", "two")
        groups.deliver(room.news, None)
        await guest.say("three")
        await hear(guest, "three")


async def test_a_gap_is_read_once_for_all_who_are_in_the_room(chat, room, monkeypatch):
    after, asked = chat.Room.after, []

    def counted(self, number):
        asked.append(number)
        return after(self, number)

    monkeypatch.setattr(chat.Room, "after", counted)
    async with chat.enter(room) as anna, chat.enter(room) as ben:
        for person in (anna, ben):
            await person.hear("welcome")
        one, two, three = await chat.store(room, "one", "two", "three")
        await announce(chat, three, before=two)
        await announce(chat, two, before=one)
        for person in (anna, ben):
            await hear(person, "one", "two", "three")
    assert asked == [0]


async def test_more_than_is_read_at_once_is_told_whole(chat, room, monkeypatch):
    for module in ("models", "feed"):
        monkeypatch.setattr(f"chat.{module}.MISSED", 3)
    async with chat.enter(room) as guest:
        await guest.hear("welcome")
        texts = [str(number) for number in range(10)]
        await chat.store(room, *texts)
        groups.deliver(room.news, None)
        await hear(guest, *texts)
        await guest.quiet()


@pytest.mark.parametrize("change", ["deleted", "for members only"])
async def test_after_a_loss_the_door_decides_who_may_still_be_here(chat, room, change):
    async with chat.enter(room) as guest:
        await guest.hear("welcome")
        same = chat.Room.objects.filter(pk=room.pk)
        if change == "deleted":
            await sync_to_async(same._raw_delete)("default")  # which nobody is told
        else:
            await same.aupdate(members_only=True)
        groups.deliver(room.news, None)
        assert await guest.end() == (1012, "Come in again.")


async def test_a_gap_that_cannot_be_read_closes_with_1013_and_a_new_visit_gets_all(
    chat, room, monkeypatch
):
    def fail(self, number):
        raise OperationalError("the database is away")

    async with chat.enter(room) as guest:
        await guest.hear("welcome")
        with monkeypatch.context() as patch:
            patch.setattr(chat.Room, "after", fail)
            one, two = await chat.store(room, "one", "two")
            await announce(chat, two, before=one)
            assert await guest.end() == (1013, "the room cannot be read")
        async with chat.enter(room, query="?after=0") as again:
            assert (await again.hear("welcome"))["recovered"] is True
            await hear(again, "one", "two")
            await again.say("three")
            await hear(again, "three")


async def test_a_feed_that_has_failed_is_followed_by_nobody_who_comes_later(
    room, monkeypatch
):
    monkeypatch.setattr(type(room), "after", None)
    async with follow(room) as feed:
        groups.deliver(room.news, None)
        await asyncio.wait([feed.task])
        async with follow(room) as another:
            assert another is not feed
        async with follow(room) as another:
            assert not another.task.done()


async def test_a_room_that_cannot_be_read_at_first_can_be_entered_later(
    chat, room, monkeypatch
):
    def fail(self):
        raise OperationalError("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr(chat.Room, "last", fail)
        async with chat.enter(room) as guest:
            assert (await guest.end())[0] == 1011
    async with chat.enter(room) as guest:
        await guest.hear("welcome")
        await guest.say("hello")
        await hear(guest, "hello")


async def test_a_message_sent_again_is_announced_again(chat, room):
    """Its process was killed when it had stored it, and before it told anybody."""
    async with chat.enter(room) as guest, chat.enter(room) as other:
        for person in (guest, other):
            await person.hear("welcome")
        [number] = await chat.store(room, "hello")
        message = await chat.Message.objects.aget(pk=number)
        await guest.say("hello", key=message.key)
        assert (await guest.hear("ack"))["id"] == number
        await hear(guest, "hello")
        await hear(other, "hello")
        await other.quiet()


async def test_the_last_one_to_leave_ends_the_feed(chat, room):
    before = asyncio.all_tasks()
    async with chat.enter(room) as guest:
        await guest.hear("welcome")
        async with chat.enter(room) as other:
            await other.hear("welcome")
        await guest.say("still here")
        await hear(guest, "still here")
    assert asyncio.all_tasks() == before
    assert not groups.members


async def test_to_say_something_takes_three_queries_in_one_transaction(chat, room):
    from chat.names import person_of  # now, since the apps are loaded

    me = person_of(await chat.user(), None)

    def say():
        with CaptureQueriesContext(connection) as queries:
            room.say(me, "hello", "key")
        return [query["sql"].split()[0] for query in queries]

    said = await sync_to_async(say)()
    assert said == ["BEGIN", "SELECT", "SELECT", "INSERT", "COMMIT"]
