"""Hints, check and solution of exercise 4.6, and what must not pass."""

from collections.abc import Awaitable, Callable
from typing import Any

from exercises.answers.prepare import raise_failure
from exercises.e6_live_poll import (
    BadMessage,
    Counter,
    Refused,
    Socket,
    SocketClient,
    SocketRefused,
    User,
    application,
    groups,
    path,
    urlpatterns,
    votes,
)

from workshop.exercises import Wrong, shown

HINTS = (
    "Which of the four wishes has to be met before `accept()`? Where must a vote stand "
    "so that the next socket finds it, and under which key?",
    "A group, and its `publish_json`. `Counter` can count `votes.values()`. A vote for "
    "beer must not get into `votes`.",
    'Before `accept()`: `raise Refused(401, "…")`. Then `async with groups.join('
    '"poll", socket):` around the loop, and in it the check of the choice, '
    "`votes[socket.user.pk] = choice`, and `publish_json` of the `Counter`.",
)


class Voter:
    """A client with a name, for sentences."""

    def __init__(self, name: str, socket: SocketClient) -> None:
        self.name = name
        self.socket = socket

    async def hears(self, result: dict[str, int], why: str) -> None:
        try:
            heard = await self.socket.receive_json()
        except AssertionError as error:
            raise_failure()
            said = str(error).partition(";")[0].partition(": ")[2]
            raise Wrong(
                f"{why}, and {self.name} did not hear the result: {said}.",
                ask="Who is in the group, and who only gets an answer?",
            ) from None
        # A choice without votes may be left out, or be told as 0.
        told = dict.fromkeys(("tea", "coffee"), 0) | result
        if heard not in (result, told):
            raise Wrong(
                f"{why}, and {self.name} heard {shown(heard)}; {result} was wanted.",
                ask="Under which key is a vote kept, and what is counted?",
            )


async def check(poll: Callable[[Socket], Awaitable[None]]) -> str:
    votes.clear()
    urlpatterns[:] = [path("poll/", poll)]
    ann = await User.objects.acreate(username="ann")
    bob = await User.objects.acreate(username="bob")
    await _nobody_without_a_name()
    async with _client(ann) as first, _client(bob) as second:
        one = Voter("Ann", first)
        two = Voter("Bob", second)
        both = (one, two)
        await _vote(one, "tea", both, {"tea": 1}, "Ann voted for tea")
        await _vote(two, "tea", both, {"tea": 2}, "Then Bob voted for tea")
        result = {"tea": 1, "coffee": 1}
        await _vote(one, "coffee", both, result, "Then Ann voted for coffee")
        async with _client(ann) as third:
            other = Voter("Ann", third)
            everybody = (one, two, other)
            told = "Then Ann voted for tea from a second page"
            await _vote(other, "tea", everybody, {"tea": 2}, told)
            await second.send("beer")
            await _beer(second)
        told = "Bob's vote for beer was refused, then Ann voted for coffee"
        await _vote(one, "coffee", (one,), {"tea": 1, "coffee": 1}, told)
    raise_failure()
    return "one vote for each account, and everybody hears each result."


def _client(user: Any = None) -> SocketClient:
    return SocketClient(application, "/poll/", user=user, seconds=1)


async def _nobody_without_a_name() -> None:
    status = 0
    try:
        async with _client():
            pass
    except SocketRefused as refused:
        status = refused.status
    except AssertionError:
        raise_failure()
        raise
    raise_failure()
    if status != 401:
        told = f"was refused with {status}" if status else "was let in"
        raise Wrong(
            f"A client that is not logged in {told}; 401 was wanted, before accept().",
            ask="Who is socket.user then, and when do you look?",
        )


async def _vote(
    voter: Voter,
    choice: str,
    everybody: tuple[Voter, ...],
    result: dict[str, int],
    why: str,
) -> None:
    await voter.socket.send(choice)
    for each in everybody:
        await each.hears(result, why)


async def _beer(socket: SocketClient) -> None:
    try:
        code, _ = await socket.closed()
    except AssertionError as error:
        raise_failure()
        said = str(error).partition(";")[0].partition(": ")[2]
        raise Wrong(
            f"Bob voted for beer, and was not closed with 1008: {said}.",
            ask="Who looks at the choice before it is counted?",
        ) from None
    if code != 1008:
        raise_failure()
        raise Wrong(
            f"Bob voted for beer, and was closed with {code}; 1008 was wanted.",
            ask="Whose fault is it, the peer's or yours?",
        )


async def poll(socket: Socket) -> None:
    """Take votes for tea or coffee; tell everybody the result after each."""
    if not socket.user.is_authenticated:
        raise Refused(401, "Log in first.")
    await socket.accept()
    async with groups.join("poll", socket):
        async for choice in socket:
            if choice not in ("tea", "coffee"):
                raise BadMessage("tea or coffee")
            votes[socket.user.pk] = choice
            await groups.publish_json("poll", Counter(votes.values()))


async def one_vote_for_each_socket(socket):
    if not socket.user.is_authenticated:
        raise Refused(401, "Log in first.")
    await socket.accept()
    async with groups.join("poll", socket):
        async for choice in socket:
            if choice not in ("tea", "coffee"):
                raise BadMessage("tea or coffee")
            votes[id(socket)] = choice
            await groups.publish_json("poll", Counter(votes.values()))


async def every_vote_counts(socket):
    if not socket.user.is_authenticated:
        raise Refused(401, "Log in first.")
    await socket.accept()
    async with groups.join("poll", socket):
        async for choice in socket:
            if choice not in ("tea", "coffee"):
                raise BadMessage("tea or coffee")
            votes[len(votes)] = choice
            await groups.publish_json("poll", Counter(votes.values()))


async def only_the_voter_hears(socket):
    if not socket.user.is_authenticated:
        raise Refused(401, "Log in first.")
    await socket.accept()
    async for choice in socket:
        if choice not in ("tea", "coffee"):
            raise BadMessage("tea or coffee")
        votes[socket.user.pk] = choice
        await socket.send_json(Counter(votes.values()))


async def beer_is_counted(socket):
    if not socket.user.is_authenticated:
        raise Refused(401, "Log in first.")
    await socket.accept()
    async with groups.join("poll", socket):
        async for choice in socket:
            votes[socket.user.pk] = choice
            await groups.publish_json("poll", Counter(votes.values()))


async def beer_is_kept(socket):
    if not socket.user.is_authenticated:
        raise Refused(401, "Log in first.")
    await socket.accept()
    async with groups.join("poll", socket):
        async for choice in socket:
            votes[socket.user.pk] = choice
            if choice not in ("tea", "coffee"):
                raise BadMessage("tea or coffee")
            await groups.publish_json("poll", Counter(votes.values()))


async def beer_is_passed_over(socket):
    if not socket.user.is_authenticated:
        raise Refused(401, "Log in first.")
    await socket.accept()
    async with groups.join("poll", socket):
        async for choice in socket:
            if choice in ("tea", "coffee"):
                votes[socket.user.pk] = choice
                await groups.publish_json("poll", Counter(votes.values()))


async def beer_is_a_value_error(socket):
    if not socket.user.is_authenticated:
        raise Refused(401, "Log in first.")
    await socket.accept()
    async with groups.join("poll", socket):
        async for choice in socket:
            if choice not in ("tea", "coffee"):
                raise ValueError("tea or coffee")
            votes[socket.user.pk] = choice
            await groups.publish_json("poll", Counter(votes.values()))


async def refused_after_accept(socket):
    await socket.accept()
    if not socket.user.is_authenticated:
        await socket.close(4401)
        return
    async with groups.join("poll", socket):
        async for choice in socket:
            if choice not in ("tea", "coffee"):
                raise BadMessage("tea or coffee")
            votes[socket.user.pk] = choice
            await groups.publish_json("poll", Counter(votes.values()))


async def refused_with_403(socket):
    if not socket.user.is_authenticated:
        raise Refused(403, "Log in first.")
    await socket.accept()
    async with groups.join("poll", socket):
        async for choice in socket:
            if choice not in ("tea", "coffee"):
                raise BadMessage("tea or coffee")
            votes[socket.user.pk] = choice
            await groups.publish_json("poll", Counter(votes.values()))


async def publish_is_not_awaited(socket):
    if not socket.user.is_authenticated:
        raise Refused(401, "Log in first.")
    await socket.accept()
    async with groups.join("poll", socket):
        async for choice in socket:
            if choice not in ("tea", "coffee"):
                raise BadMessage("tea or coffee")
            votes[socket.user.pk] = choice
            groups.publish_json("poll", Counter(votes.values()))


WRONG = (
    (one_vote_for_each_socket, "Then Ann voted for tea from a second page"),
    (every_vote_counts, "Then Ann voted for coffee, and Ann heard"),
    (only_the_voter_hears, "Ann voted for tea, and Bob did not hear the result"),
    (beer_is_counted, "Bob voted for beer, and was not closed with 1008"),
    (beer_is_kept, "Bob's vote for beer was refused, then Ann voted for coffee"),
    (beer_is_passed_over, "Bob voted for beer, and was not closed with 1008"),
    (beer_is_a_value_error, "ValueError was raised at line"),
    (refused_after_accept, "A client that is not logged in was let in"),
    (refused_with_403, "was refused with 403; 401 was wanted"),
    (publish_is_not_awaited, "Ann voted for tea, and Ann did not hear the result"),
)
