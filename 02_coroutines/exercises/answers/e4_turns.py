"""Hints, check and solution of exercise 2.4, and what must not pass."""

import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from exercises.e4_turns import turn

from workshop.exercises import Wrong, shown
from workshop.pictures.timeline import Timeline

HINTS = (
    "After one `send` a coroutine has had its turn. Where does it go then, and who is "
    "the next? At a counter people stand in a queue.",
    "A `deque` of those who are ready: take the first one from the left, send, and put "
    "it in again at the right. One that has ended is not put in again.",
    "Keep a coroutine's place with it: `ready = deque(enumerate(coros))`, and at its "
    "end `results[place] = stop.value`. The loop runs `while ready:`.",
)

Run = Callable[[Sequence[Coroutine[Any, Any, Any]]], Any]


async def speak(name: str, words: int, said: list[str]) -> str:
    for word in range(1, words + 1):
        said.append(f"{name}{word}")
        await turn()
    return name


def check(run: Run) -> str:
    said: list[str] = []
    results = _run(run, [speak("a", 3, said), speak("b", 1, said), speak("c", 2, said)])
    _require_order(said, "a1 b1 c1 a2 c2 a3".split())
    if not isinstance(results, list | tuple) or list(results) != ["a", "b", "c"]:
        raise Wrong(
            f"run gave {shown(results)}; the results in the order of the coroutines, "
            "['a', 'b', 'c'], were wanted.",
            ask="b ends first: where does its result belong?",
        )
    said = []
    some = [speak("d", 0, said), speak("e", 1, said), speak("f", 0, said)]
    results = _run(run, [*some, speak("g", 2, said)])
    if list(results) != ["d", "e", "f", "g"]:
        raise Wrong(
            f"With coroutines that end in their first turn run gave {shown(results)}; "
            "['d', 'e', 'f', 'g'] was wanted.",
            ask="What becomes of the one behind a coroutine that has ended?",
        )
    _require_order(said, ["e1", "g1", "g2"])
    some = [speak("h", 3, []), speak("i", 2, []), speak("j", 1, [])]
    results = _run(run, some)
    if list(results) != ["h", "i", "j"]:
        raise Wrong(
            f"With coroutines of which the last one ends first run gave "
            f"{shown(results)}; ['h', 'i', 'j'] was wanted.",
            ask="How long is your list when the first result is put into it?",
        )
    if list(run([])) != []:
        raise Wrong("With no coroutines an empty list was wanted.")
    return "each had its turn, and the results are in order."


def _run(run: Run, coros: list[Coroutine[Any, Any, Any]]) -> Any:
    try:
        results = run(coros)
    except RuntimeError as error:
        if "already awaited" not in str(error):
            raise
        raise Wrong(
            f"Python says: {error}. A coroutine that had ended was resumed.",
            ask="Who takes it out of the queue when it has ended?",
        ) from error
    except StopIteration:
        raise Wrong(
            "A StopIteration came out of run: a coroutine had ended, and the others "
            "had not.",
            ask="What should happen to the others when one of them returns?",
        ) from None
    left = [coro for coro in coros if getattr(coro, "cr_frame", None) is not None]
    for coro in left:
        coro.close()
    if left:
        raise Wrong(
            f"run has returned, and {len(left)} of {len(coros)} coroutines have not "
            "ended.",
            ask="When is there nobody left who is ready?",
        )
    return results


def _require_order(said: list[str], expected: list[str]) -> None:
    if said == expected:
        return
    raise Wrong(
        f"The order of the turns was {' '.join(said)}; {' '.join(expected)} was "
        "wanted.",
        ask="After one send: who is the next, and where does this one go?",
    )


async def work(name: str, turns: int) -> None:
    for _ in range(turns):
        time.sleep(0.1)  # it works, and all others wait
        await turn()


def picture(run: Run) -> Timeline:
    timeline = Timeline("2.4 · your run: three that take turns", echo=False)
    jobs = {"a": 3, "b": 1, "c": 2}
    with timeline.watching():
        run([timeline.drive(work(name, jobs[name]), name) for name in jobs])
    return timeline


def run(coros: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
    """Run all of them in turns, until the last has ended; give back their results."""
    results = [None] * len(coros)
    ready = deque(enumerate(coros))
    while ready:
        place, coro = ready.popleft()
        try:
            coro.send(None)
        except StopIteration as stop:
            results[place] = stop.value
        else:
            ready.append((place, coro))
    return results


def last_in_first_out(coros):
    results = [None] * len(coros)
    ready = list(enumerate(coros))
    while ready:
        place, coro = ready.pop()
        try:
            coro.send(None)
        except StopIteration as stop:
            results[place] = stop.value
        else:
            ready.append((place, coro))
    return results


def in_the_order_of_their_ends(coros):
    results = []
    ready = list(coros)
    while ready:
        coro = ready.pop(0)
        try:
            coro.send(None)
        except StopIteration as stop:
            results.append(stop.value)
        else:
            ready.append(coro)
    return results


def inserted_at_their_places(coros):
    results = []
    ready = list(enumerate(coros))
    while ready:
        place, coro = ready.pop(0)
        try:
            coro.send(None)
        except StopIteration as stop:
            results.insert(place, stop.value)
        else:
            ready.append((place, coro))
    return results


def polled_again(coros):
    results = [None] * len(coros)
    while None in results:
        for place, coro in enumerate(coros):
            try:
                coro.send(None)
            except StopIteration as stop:
                results[place] = stop.value
    return results


def ends_with_the_first(coros):
    results = []
    ready = list(coros)
    try:
        while ready:
            coro = ready.pop(0)
            coro.send(None)
            ready.append(coro)
    except StopIteration as stop:
        results.append(stop.value)
    return results


def removed_during_the_round(coros):
    results = {}
    ready = list(coros)
    while ready:
        for coro in ready:
            try:
                coro.send(None)
            except StopIteration as stop:
                results[coro] = stop.value
                ready.remove(coro)
    return [results[coro] for coro in coros]


def nothing_caught(coros):
    ready = list(coros)
    while ready:
        coro = ready.pop(0)
        coro.send(None)
        ready.append(coro)


def one_round(coros):
    results = [None] * len(coros)
    for place, coro in enumerate(coros):
        try:
            coro.send(None)
        except StopIteration as stop:
            results[place] = stop.value
    return results


def the_first_again(coros):
    results = [None] * len(coros)
    ready = list(enumerate(coros))
    while ready:
        place, coro = ready.pop(0)
        try:
            coro.send(None)
        except StopIteration as stop:
            results[place] = stop.value
        else:
            ready.insert(0, (place, coro))
    return results


def results_lost(coros):
    ready = list(coros)
    while ready:
        coro = ready.pop(0)
        try:
            coro.send(None)
            ready.append(coro)
        except StopIteration:
            pass
    return ready


WRONG = (
    (last_in_first_out, "The order of the turns was c1 c2 b1 a1 a2 a3"),
    (in_the_order_of_their_ends, "run gave ['b', 'c', 'a']"),
    (inserted_at_their_places, "the last one ends first run gave ['h', 'j', 'i']"),
    (polled_again, "A coroutine that had ended was resumed"),
    (ends_with_the_first, "2 of 3 coroutines have not ended"),
    (removed_during_the_round, "The order of the turns was a1 b1 c1 a2 a3 c2"),
    (nothing_caught, "A StopIteration came out of run"),
    (one_round, "3 of 3 coroutines have not ended"),
    (the_first_again, "The order of the turns was a1 a2 a3 b1 c1 c2"),
    (results_lost, "run gave []; the results in the order"),
)
