"""The chat's pages: what they answer, to whom, and under which policy.

Django's AsyncClient gets no path right that is not ASCII: for those it is Client.
"""

import pytest
from asgiref.sync import sync_to_async
from django.template.loader import render_to_string
from django.test import Client, RequestFactory, override_settings
from django.urls import reverse
from django.views.defaults import server_error

PASSWORD = "a long enough one"


async def test_the_lobby_is_there_from_the_first_migration(chat):
    browser = await chat.browser()
    assert (await browser.get("/rooms/lobby/")).status_code == 200
    assert "Lobby" in (await browser.get("/rooms/")).content.decode()


async def test_a_room_s_page_says_where_its_websocket_is_and_who_one_is(chat):
    room = await chat.room(name="Чайная 2", slug="чайная-2")
    anna, browser = await chat.user(), Client()
    await browser.aforce_login(anna)
    context = (await sync_to_async(browser.get)(room.get_absolute_url())).context
    path = "%D1%87%D0%B0%D0%B9%D0%BD%D0%B0%D1%8F-2"
    assert context["websocket_path"] == f"/ws/rooms/{path}/"
    assert context["older_url"] == f"/rooms/{path}/messages/"
    assert (context["me"], context["is_guest"]) == (str(anna), False)


async def test_a_guest_keeps_a_made_up_name_from_page_to_page(chat):
    room, browser = await chat.room(), await chat.browser()
    first, second = [await browser.get(room.get_absolute_url()) for _ in range(2)]
    assert first.context["is_guest"]
    assert first.context["me"].startswith("guest-")
    assert first.context["me"] == second.context["me"]


@pytest.mark.parametrize("page", ["/rooms/", "/rooms/lobby/", "/accounts/login/"])
async def test_a_page_may_run_scripts_of_this_site_s_own_files_only(chat, page):
    answer = await (await chat.browser()).get(page)
    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    text = answer.content.decode()
    assert "<script>" not in text and "style=" not in text and "onclick" not in text


async def test_an_unknown_room_has_no_page(chat):
    assert (await (await chat.browser()).get("/rooms/nowhere/")).status_code == 404


async def test_a_room_of_members_answers_401_to_guests_and_403_to_others(chat):
    member, other = await chat.user(), await chat.user()
    room = await chat.room(member, name="The <i>few</i>")
    for page in (room.get_absolute_url(), reverse("older", args=[room.slug])):
        page = f"{page}?before=1"
        assert (await (await chat.browser()).get(page)).status_code == 401
        assert (await (await chat.browser(other)).get(page)).status_code == 403
        assert (await (await chat.browser(member)).get(page)).status_code == 200
    refused = await (await chat.browser()).get(room.get_absolute_url())
    assert "The &lt;i&gt;few&lt;/i&gt;" in refused.content.decode()


async def test_a_page_for_a_guest_s_name_can_be_loaded_again(chat):
    browser = await chat.browser()
    wrong = await browser.post("/accounts/name/", {"name": "a b"})
    assert wrong.context["form"].errors
    again = await browser.get("/accounts/name/")  # the address of that page
    assert again.status_code == 200
    assert not again.context["form"].errors


async def test_a_list_without_a_room_says_so(chat):
    request = RequestFactory().get("/rooms/")
    page = render_to_string("chat/rooms.html", {"rooms": []}, request)
    assert "There is no room yet." in page


async def test_a_page_that_is_missing_has_the_look_of_the_others(chat):
    with override_settings(DEBUG=False, ALLOWED_HOSTS=["testserver"]):
        for path, words in (
            ("/nothing", "There is no such page"),
            ("/rooms/nowhere/", "There is no such room"),
        ):
            answer = await (await chat.browser()).get(path)
            assert answer.status_code == 404
            assert words in answer.content.decode()
            assert 'name="viewport"' in answer.content.decode()


async def test_a_form_that_is_too_old_is_refused_in_words(chat):
    browser = Client(enforce_csrf_checks=True)
    answer = await sync_to_async(browser.post)("/rooms/", {"name": "Tea"})
    assert answer.status_code == 403
    assert "This form was too old" in answer.content.decode()


async def test_a_page_for_staff_is_refused_to_others_in_words(chat):
    browser = await chat.browser(await chat.user())
    answer = await browser.get("/metrics")
    assert answer.status_code == 403
    assert "You may not see this page" in answer.content.decode()


def test_an_error_of_the_server_has_a_page(chat):
    answer = server_error(RequestFactory().get("/"))
    assert answer.status_code == 500
    assert "Something went wrong here" in answer.content.decode()


async def test_older_messages_come_fifty_at_a_time_oldest_first(chat):
    room, browser = await chat.room(), await chat.browser()
    ids = await chat.store(room, *map(str, range(70)))
    older = reverse("older", args=[room.slug])
    first = (await browser.get(older, {"before": ids[60]})).json()
    assert [message["id"] for message in first["messages"]] == ids[10:60]
    assert first["more"] is True
    last = (await browser.get(older, {"before": ids[10]})).json()
    assert [message["id"] for message in last["messages"]] == ids[:10]
    assert last["more"] is False


async def test_an_older_message_is_the_same_object_as_on_the_websocket(chat):
    room, browser = await chat.room(), await chat.browser()
    await chat.store(room, "hello")
    async with chat.enter(room) as guest:
        await guest.hear("welcome")
        said = await guest.hear("message")
    older = reverse("older", args=[room.slug])
    answer = await browser.get(older, {"before": said["id"] + 1})
    assert answer.json()["messages"] == [said]


@pytest.mark.parametrize("before", ["", "x", "-1", "9" * 5000, "1.5"])
async def test_an_id_that_cannot_be_is_a_bad_request(chat, before):
    answer = await (await chat.browser()).get(
        "/rooms/lobby/messages/", {"before": before}
    )
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Tea & cake", "tea-cake"),
        ("Комната 7", "комната-7"),
        ("会议室", "会议室"),
        ("غرفة", "غرفة"),
        ("द\u200dद", "दद"),
        ("<img src=x onerror=alert(1)>", "img-srcx-onerroralert1"),
    ],
)
async def test_anyone_can_open_a_room_in_any_alphabet(chat, name, slug):
    browser = await chat.browser()
    answer = await browser.post("/rooms/", {"name": name})
    assert (answer.status_code, answer.url) == (302, reverse("room", args=[slug]))
    page = await sync_to_async(Client().get)(answer.url)
    assert page.status_code == 200
    assert "<img src=x" not in page.content.decode()


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "A room needs a name."),
        ("   ", "A room needs a name."),
        ("x" * 81, "A room's name has at most 80 characters."),
        ("a/b", "A room's name has no slashes."),
        ("a\\b", "A room's name has no slashes."),
        ("a\u202eb", "A room's name has no control characters."),
        ("!?", "A room's name has at least one letter or digit."),
        ("\u3164", "A room's name has no invisible characters."),
        ("Lobby\u3164", "A room's name has no invisible characters."),
        ("Lob\u00adby", "A room's name has no control characters."),
        ("\u200d\u200c", "A room's name has at least one letter or digit."),
        ("Lobby", "There is a room of this or a similar name already."),
        ("lobby!", "There is a room of this or a similar name already."),
    ],
)
async def test_a_name_that_no_room_can_have_gets_its_sentence(chat, name, sentence):
    before = await chat.Room.objects.acount()
    answer = await (await chat.browser()).post("/rooms/", {"name": name})
    assert answer.context["form"].errors["name"] == [sentence]
    assert await chat.Room.objects.acount() == before


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "Write a name."),
        ("x" * 41, "A name has at most 40 characters."),
        ("<b>bold</b>", "A name has letters, digits and @ . + - _ only."),
        ("a b", "A name has letters, digits and @ . + - _ only."),
        ("\u3164", "A name has no invisible characters."),
        ("ann\u115f", "A name has no invisible characters."),
        ("Taken-One", "This name is taken: somebody has signed up with it."),
    ],
)
async def test_a_name_that_no_guest_can_have_gets_its_sentence(chat, name, sentence):
    if name == "Taken-One":
        await chat.user("taken-one")
    answer = await (await chat.browser()).post("/accounts/name/", {"name": name})
    assert answer.context["form"].errors["name"] == [sentence]
    assert answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("/rooms/lobby/", "/rooms/lobby/"),
        ("https://evil.example/", "/rooms/"),
        ("//evil.example/", "/rooms/"),
        ("", "/rooms/"),
    ],
)
async def test_a_guest_who_chose_a_name_comes_back_to_this_site_s_page(
    chat, asked, given
):
    form = {"name": "zoë", "next": asked}
    answer = await (await chat.browser()).post("/accounts/name/", form)
    assert (answer.status_code, answer.url) == (302, given)


async def test_a_new_user_is_logged_in_can_log_out_and_in_again(chat):
    browser = await chat.browser()
    form = {"username": "fay", "password1": PASSWORD, "password2": PASSWORD}
    answer = await browser.post("/accounts/signup/", form)
    assert (answer.status_code, answer.url) == (302, "/rooms/")
    assert (await browser.get("/rooms/lobby/")).context["me"] == "fay"
    assert (await browser.post("/accounts/logout/")).status_code == 302
    assert (await browser.get("/rooms/lobby/")).context["is_guest"]
    form = {"username": "fay", "password": PASSWORD, "next": "/rooms/lobby/"}
    answer = await browser.post("/accounts/login/", form)
    assert (answer.status_code, answer.url) == (302, "/rooms/lobby/")


@pytest.mark.parametrize(
    ("name", "password", "field"),
    [
        ("taken-two", PASSWORD, "username"),
        ("<b>", PASSWORD, "username"),
        ("x" * 151, PASSWORD, "username"),
        ("gus", "12345678", "password2"),
        ("\u3164", PASSWORD, "username"),
        ("lobby\uffa0", PASSWORD, "username"),
    ],
)
async def test_a_sign_up_that_is_wrong_says_where(chat, name, password, field):
    if name == "taken-two":
        await chat.user(name)
    form = {"username": name, "password1": password, "password2": password}
    answer = await (await chat.browser()).post("/accounts/signup/", form)
    assert answer.status_code == 200
    assert list(answer.context["form"].errors) == [field]
