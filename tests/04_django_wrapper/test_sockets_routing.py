"""Routes: Django's own patterns, in a urlconf of their own."""

from contextlib import ExitStack

import pytest
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404
from django.test import override_settings
from django.urls import NoReverseMatch, include, path, re_path
from sockets.testing import SocketClient, SocketRefused


async def tell(socket, **arguments):
    await socket.accept()
    await socket.send_json(arguments)


rooms = [path("<slug:room>/", tell, name="room"), path("<slug:room>/<int:page>/", tell)]
urlpatterns = (
    path("ws/rooms/", include((rooms, "rooms"))),
    path("ws/users/<uuid:key>/", tell, name="user"),
    re_path(r"^ws/old/(?P<year>[0-9]{4})/$", tell),
    path("ws/always/", tell, {"answer": 42}),
    path("ws/<str:word>/", tell),
)


@pytest.fixture
def application(application):
    from sockets.dispatch import Dispatch  # now, since the apps are loaded

    sockets = {"URLCONF": urlpatterns}
    with override_settings(SOCKETS=sockets, ALLOWED_HOSTS=["testserver"]):
        yield Dispatch(application)


@pytest.mark.parametrize(
    ("address", "arguments"),
    [
        ("/ws/rooms/lobby/", {"room": "lobby"}),
        ("/ws/rooms/lobby/7/", {"room": "lobby", "page": 7}),
        ("/ws/old/1999/", {"year": "1999"}),
        ("/ws/always/", {"answer": 42}),
        ("/ws/caf%C3%A9/", {"word": "café"}),
        ("/ws/a%20b/?page=2", {"word": "a b"}),
    ],
)
async def test_a_path_gives_the_handler_its_arguments(application, address, arguments):
    async with SocketClient(application, address) as client:
        assert await client.receive_json() == arguments


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/ws/",
        "/ws/rooms/a b/",
        "/ws/rooms/lobby",
        "/ws/a/b/",
        "ws/a/",
    ],
)
async def test_a_path_that_nobody_has_is_a_404(application, address):
    with pytest.raises(SocketRefused, match="404"):
        async with SocketClient(application, address):
            pass


async def test_a_route_has_a_name(application):
    from sockets.routing import reverse

    assert reverse("rooms:room", room="lobby") == "/ws/rooms/lobby/"
    with pytest.raises(NoReverseMatch):
        reverse("rooms:room", room="no slug")
    with pytest.raises(NoReverseMatch):
        reverse("nothing")


async def test_a_handler_may_be_an_instance_with_a_coroutine_to_call(talk):
    from asgiref.sync import markcoroutinefunction

    class Greeting:
        def __init__(self, word):
            self.word = word
            markcoroutinefunction(self)

        async def __call__(self, socket):
            await socket.accept()
            await socket.send(self.word)

    async with talk(Greeting("hello")) as client:
        assert await client.receive() == "hello"


def test_a_route_s_parameter_may_be_called_name(application):
    from sockets.routing import reverse

    patterns = (path("ws/<slug:name>/", tell, name="board"),)
    with override_settings(SOCKETS={"URLCONF": patterns}):
        assert reverse("board", name="x") == "/ws/x/"


@pytest.mark.parametrize(
    ("address", "hint"),
    [
        ("/ws/always", " ('there is a route with a slash at the end')"),
        ("/ws/rooms/lobby", " ('there is a route with a slash at the end')"),
        ("/nothing", ""),
        ("/nothing/", ""),
    ],
)
async def test_a_slash_that_is_missing_at_the_end_is_told_to_the_log(
    application, address, hint, caplog
):
    with pytest.raises(SocketRefused) as refused:
        async with SocketClient(application, address):
            pass
    assert (refused.value.status, refused.value.body) == (404, "Nothing is here.\n")
    [record] = caplog.records
    line = f"refused {address!r} with 404: Nothing is here.{hint}"
    assert record.getMessage() == line


@pytest.mark.parametrize("error", [Http404, PermissionDenied, BadRequest])
async def test_what_a_handler_says_with_an_error_of_django_s_is_for_the_log(
    talk, error, caplog
):
    async def handler(socket):
        raise error("my text\x1b[31m")

    with pytest.raises(SocketRefused) as refused:
        async with talk(handler):
            pass
    assert "my text" not in refused.value.body
    [record] = caplog.records
    assert record.getMessage().endswith(" ('my text\\x1b[31m')")


async def test_a_route_of_the_layer_s_own_path_is_django_s(application):
    from sockets import routing

    patterns = (
        routing.path("ws/<slug:name>/", tell, {"answer": 42}, name="board"),
        routing.re_path("^old/(?P<year>[0-9]+)/$", tell),
        routing.path("in/", include([routing.path("<int:page>/", tell)])),
    )
    with override_settings(SOCKETS={"URLCONF": patterns}):
        assert routing.reverse("board", name="x") == "/ws/x/"
        for address, arguments in (
            ("/ws/x/", {"name": "x", "answer": 42}),
            ("/old/1999/", {"year": "1999"}),
            ("/in/7/", {"page": 7}),
        ):
            async with SocketClient(application, address) as client:
                assert await client.receive_json() == arguments


# Callable objects, and limits of one route


class Counter:
    """A handler with a setting; one object serves all websockets of its route."""

    def __init__(self, start):
        self.start = start

    async def __call__(self, socket):
        await socket.accept()
        await socket.send_json(self.start)


async def test_an_object_with_an_async_call_is_a_handler(talk):
    async with talk(Counter(7)) as client:
        assert await client.receive_json() == 7


async def test_an_object_with_a_plain_call_is_none(talk, caplog):
    class View:
        def __call__(self, socket):
            """As a view of old."""

    with pytest.raises(SocketRefused, match="500"):
        await talk(View()).__aenter__()
    assert "View is not one" in caplog.text


async def sizes(socket):
    await socket.accept()
    async for message in socket:
        await socket.send_json(len(message))


@pytest.fixture
def two_routes(application):
    """``two_routes(MESSAGE_BYTES=…)``: /large/ has such limits, /usual/ has not."""
    from sockets.dispatch import Dispatch  # now, since the apps are loaded
    from sockets.routing import limited

    async def large(socket):
        await sizes(socket)

    def two_routes(**limits):
        inner = [path("large/", limited(**limits)(large))]
        routes = (path("", include(inner)), path("usual/", sizes))
        stack.enter_context(override_settings(SOCKETS={"URLCONF": routes}))
        return Dispatch(None)

    with ExitStack() as stack:
        stack.enter_context(override_settings(ALLOWED_HOSTS=["testserver"]))
        yield two_routes


@pytest.mark.parametrize(
    ("limits", "messages", "goodbye"),
    [
        ({"MESSAGE_BYTES": 70_000}, ["x" * 70_000], (1009, "this message is too long")),
        ({"MESSAGES_AT_ONCE": 5_000}, ["x"] * 1_200, (1008, "too many messages")),
    ],
)
async def test_one_route_may_have_limits_of_its_own(
    two_routes, limits, messages, goodbye
):
    application = two_routes(**limits, INBOX=2_000)
    async with SocketClient(application, "/large/") as client:
        for message in messages:
            await client.send(message)
        for message in messages:
            assert await client.receive_json() == len(message)
    async with SocketClient(application, "/usual/") as client:
        for message in messages:
            await client.send(message)
        while (event := await client._next())["type"] == "websocket.send":
            pass
        assert (event["code"], event["reason"]) == goodbye


async def test_a_route_s_limit_of_groups_holds_for_its_handler(talk):
    from sockets.groups import groups
    from sockets.routing import limited

    @limited(GROUPS=101)
    async def handler(socket):
        await socket.accept()
        for number in range(102):
            await groups.add(f"group-{number}", socket)
            await socket.send_json(number)

    async with talk(handler) as client:
        for number in range(101):
            assert await client.receive_json() == number
        assert await client.closed() == (1008, "too many groups")


@pytest.mark.parametrize("limits", [{"MESSAGE_BYTE": 1}, {"GROUPS": 0}, {"INBOX": "9"}])
async def test_a_limit_that_is_none_is_an_error_in_words(two_routes, limits, caplog):
    application = two_routes(**limits)
    with pytest.raises(SocketRefused, match="500"):
        await SocketClient(application, "/large/").__aenter__()
    [(name, value)] = limits.items()
    assert f"limited by numbers over 0, and not by {name}={value!r}" in caplog.text
    async with SocketClient(application, "/usual/") as client:
        await client.send("still here")
        assert await client.receive_json() == 10
