"""What staff do in the admin, seen from the room."""

import pytest


@pytest.fixture
async def staff(chat):
    return await chat.browser(await chat.user(is_staff=True, is_superuser=True))


async def test_a_message_that_staff_delete_disappears_at_once(chat, staff):
    room = await chat.room()
    [number] = await chat.store(room, "rude")
    async with chat.enter(room) as guest:
        await guest.hear("welcome")
        await guest.hear("message")
        page = f"/admin/chat/message/{number}/delete/"
        assert (await staff.post(page, {"post": "yes"})).status_code == 302
        assert await guest.hear("deleted") == {"type": "deleted", "id": number}
    assert not await chat.Message.objects.filter(pk=number).aexists()


async def test_many_messages_deleted_at_once_disappear_each(chat, staff):
    room = await chat.room()
    ids = await chat.store(room, "one", "two", "three")
    async with chat.enter(room, query=f"?after={ids[-1]}") as guest:
        await guest.hear("welcome")
        form = {"action": "delete_selected", "_selected_action": ids[:2], "post": "yes"}
        assert (await staff.post("/admin/chat/message/", form)).status_code == 302
        deleted = {(await guest.hear("deleted"))["id"] for _ in range(2)}
        assert deleted == set(ids[:2])
        await guest.quiet()


async def test_a_deletion_that_is_rolled_back_is_not_told(chat):
    from asgiref.sync import sync_to_async
    from django.db import transaction

    room = await chat.room()
    [number] = await chat.store(room, "stays")

    def delete_and_fail():
        with transaction.atomic():
            chat.Message.objects.get(pk=number).delete()
            transaction.set_rollback(True)

    async with chat.enter(room, query=f"?after={number}") as guest:
        await guest.hear("welcome")
        await sync_to_async(delete_and_fail)()
        await guest.quiet()


async def test_staff_close_all_of_a_person_s_websockets_and_nobody_else_s(chat, staff):
    anna, ben, room = await chat.user(), await chat.user(), await chat.room()
    async with (
        chat.enter(room, anna) as first,
        chat.enter(await chat.room(), anna) as second,
        chat.enter(room, ben) as other,
    ):
        for person in (first, second, other):
            await person.hear("welcome")
        form = {"action": "close_users", "_selected_action": [anna.pk]}
        assert (await staff.post("/admin/auth/user/", form)).status_code == 302
        for person in (first, second):
            assert await person.end() == (1008, "Staff have closed your connection.")
        await other.quiet()


@pytest.mark.parametrize("session", [True, False])
async def test_staff_close_one_guest_s_websockets_and_no_other_guest_s(
    chat, staff, session
):
    """By a message of theirs. Without a session, a guest is one websocket."""
    room = await chat.room()
    rude, nice = [
        {"browser": await chat.guest(room)} if session else {} for _ in range(2)
    ]
    async with (
        chat.enter(room, **rude) as first,
        chat.enter(room, **(rude or nice)) as second,
        chat.enter(room, **nice) as other,
    ):
        for person in (first, second, other):
            await person.hear("welcome")
        await first.say("rude")
        said = await other.hear("message")
        form = {"action": "close_authors", "_selected_action": [said["id"]]}
        assert (await staff.post("/admin/chat/message/", form)).status_code == 302
        for person in (first, second) if session else (first,):
            assert await person.end() == (1008, "Staff have closed your connection.")
        await other.quiet()


async def test_staff_set_in_the_admin_who_may_enter(chat, staff):
    member, other, room = await chat.user(), await chat.user(), await chat.room()
    form = {"name": room.name, "slug": room.slug, "members_only": "on"}
    async with chat.enter(room, other) as outsider:
        await outsider.hear("welcome")
        page = f"/admin/chat/room/{room.pk}/change/"
        answer = await staff.post(page, form | {"members": [member.pk]})
        assert answer.status_code == 302
        assert (await outsider.end())[0] == 1012
    async with chat.enter(room, member) as inside:
        await inside.hear("welcome")


@pytest.mark.parametrize(
    "page", ["room/add/", "room/", "message/", "message/1/change/"]
)
async def test_the_admin_s_pages_open(chat, staff, page):
    if "1" in page:
        [number] = await chat.store(await chat.room(), "<b>bold</b>")
        page = page.replace("1", str(number))
    answer = await staff.get(f"/admin/chat/{page}")
    assert answer.status_code == 200
    assert "<b>bold</b>" not in answer.content.decode()


async def test_nobody_can_write_another_one_s_words_in_the_admin(chat, staff):
    assert (await staff.get("/admin/chat/message/add/")).status_code == 403
