"""Hints, check and solution of exercise 2.5, and what must not pass."""

import time
from collections.abc import Callable, Coroutine, Sequence
from heapq import heappop, heappush
from typing import Any

from exercises.e5_timers import Clock, pause

from workshop.exercises import Wrong
from workshop.pictures.timeline import Timeline

HINTS = (
    "All run to their first pause. Then: who is the first to go on, at what time of "
    "`clock.now()`, and how long is it until then?",
    "Keep for each coroutine *when it is due*, `clock.now() + seconds`, and not how "
    "long it pauses. A heap gives the smallest first. Two may be due at the same "
    "time: put a number that counts upwards between the time and the coroutine.",
    "`due, number, coro = heappop(timers)`, then `clock.sleep(max(due - clock.now(), "
    "0))`, then `send`, and for a new pause `heappush(timers, (clock.now() + seconds, "
    "next(numbers), coro))`. At the start all are due now.",
)

Run = Callable[[Sequence[Coroutine[Any, Any, Any]], Clock], Any]

QUESTIONS = 200  # times that a loop may ask a clock between two sleeps


class CountingClock(Clock):
    """A clock that ``sleep`` moves, and ``work``; it counts."""

    def __init__(self) -> None:
        self.time = 0.0
        self.sleeps = 0
        self.questions = 0

    def now(self) -> float:
        self.questions += 1
        if self.questions > QUESTIONS:
            raise Wrong(
                f"The clock was asked {QUESTIONS} times, and nobody slept in between: "
                "that is busy waiting. It keeps a processor at work for nothing.",
                ask="You know when the first one is due. How long can the loop sleep?",
            )
        return self.time

    def sleep(self, seconds: float) -> None:
        if seconds < 0:
            raise Wrong(
                f"clock.sleep({seconds:g}): nobody can sleep for less than nothing.",
                ask="What if somebody was due a moment ago?",
            )
        if seconds > 0:
            self.sleeps += 1
            self.questions = 0
        self.time += seconds

    def work(self, seconds: float) -> None:
        """Stands for a step of a coroutine that takes so long."""
        self.time += seconds


async def speak(
    name: str, pauses: Sequence[float], said: list[str], clock: Any
) -> None:
    for seconds in pauses:
        await pause(seconds)
        said.append(f"{name} at {round(clock.time, 6):g} s")


def check(run: Run) -> str:
    _require(run, {"a": [3], "b": [1], "c": [2]}, "b at 1 s, c at 2 s, a at 3 s", 3)
    _require(
        run,
        {"a": [1, 1, 1], "b": [1.5, 1]},
        "a at 1 s, b at 1.5 s, a at 2 s, b at 2.5 s, a at 3 s",
        5,
    )
    _require(run, {"a": [1], "b": [1], "c": [1]}, "a at 1 s, b at 1 s, c at 1 s", 1)
    _require(run, {"a": [], "b": [0, 1], "c": []}, "b at 0 s, b at 1 s", 1)
    _require_while_one_works(run, a_pauses=1, wanted="a at 1 s, b at 1.5 s")
    _require_while_one_works(run, a_pauses=0.3, wanted="a at 0.5 s, b at 1.5 s")
    run([], CountingClock())
    return "all pauses at the same time, and no look at the clock in vain."


def _require(run: Run, jobs: dict[str, list[float]], wanted: str, sleeps: int) -> None:
    clock = CountingClock()
    said: list[str] = []
    coros = [speak(name, jobs[name], said, clock) for name in jobs]
    _run(run, coros, clock)
    told = ", ".join(said)
    pauses = "; ".join(f"{name}: {jobs[name]}" for name in jobs)
    if told != wanted:
        raise Wrong(
            f"Pauses {pauses}. They went on: {told or 'never'}. Wanted: {wanted}.",
            ask="Who is due first, and at which time of the clock?",
        )
    if clock.sleeps > sleeps:
        raise Wrong(
            f"Pauses {pauses}. The loop slept {clock.sleeps} times; {sleeps} times are "
            "enough, each time until the first one is due.",
            ask="Why does it wake when nobody is due?",
        )


async def work_and_speak(said: list[str], clock: CountingClock) -> None:
    clock.work(0.5)
    await speak("b", [1], said, clock)


def _require_while_one_works(run: Run, a_pauses: float, wanted: str) -> None:
    """Two coroutines, of which the second needs time for its first step."""
    clock = CountingClock()
    said: list[str] = []
    a = speak("a", [a_pauses], said, clock)
    _run(run, [a, work_and_speak(said, clock)], clock)
    told = ", ".join(said)
    if told != wanted:
        raise Wrong(
            f"a asks for a pause of {a_pauses:g} s. Then b works for 0.5 s, and asks "
            f"for a pause of 1 s. They went on: {told or 'never'}. Wanted: {wanted}.",
            ask="When has each of them asked for its pause, and what does the clock "
            "say then?",
        )


def _run(run: Run, coros: list[Coroutine[Any, Any, Any]], clock: Clock) -> None:
    try:
        run(coros, clock)
    except TypeError as error:
        if "'<' not supported" not in str(error):
            raise
        raise Wrong(
            f"Python says: {error}. Two were due at the same time, and the heap had to "
            "compare what stands behind the time.",
            ask="What could stand between both, is always different, and can be "
            "compared?",
        ) from error
    except RuntimeError as error:
        if "already awaited" not in str(error):
            raise
        raise Wrong(
            f"Python says: {error}. A coroutine that had ended was resumed.",
            ask="Who takes it out when it has ended?",
        ) from error
    except StopIteration:
        raise Wrong(
            "A StopIteration came out of run: one coroutine had ended, and that is all "
            "that it means.",
            ask="What should happen to the others then?",
        ) from None
    left = [coro for coro in coros if getattr(coro, "cr_frame", None) is not None]
    for coro in left:
        coro.close()
    if left:
        raise Wrong(
            f"run has returned, and {len(left)} of {len(coros)} coroutines still "
            "pause.",
            ask="When is there nobody left?",
        )


def picture(run: Run) -> Timeline:
    timeline = Timeline("2.5 · your run: three pauses", echo=False)
    jobs = {"a": [3.0], "b": [1.0, 1.0], "c": [2.0]}
    with timeline.watching():
        run([timeline.drive(_pauses(jobs[name]), name) for name in jobs], SeenClock())
    return timeline


class SeenClock(CountingClock):
    """Moves the clock of the picture, too."""

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        time.sleep(seconds)


async def _pauses(pauses: Sequence[float]) -> None:
    for seconds in pauses:
        await pause(seconds)


def run(coros: Sequence[Coroutine[Any, Any, Any]], clock: Clock) -> None:
    """Run all of them until the last has ended; each pauses as long as it asks to."""
    timers: list[Any] = []
    number = 0
    for coro in coros:
        heappush(timers, (clock.now(), number, coro))
        number += 1
    while timers:
        due, _, coro = heappop(timers)
        clock.sleep(max(due - clock.now(), 0))
        try:
            seconds = coro.send(None)
        except StopIteration:
            continue
        heappush(timers, (clock.now() + seconds, number, coro))
        number += 1


def polls(coros, clock):
    timers = [(clock.now(), coro) for coro in coros]
    while timers:
        for due, coro in list(timers):
            if clock.now() >= due:
                timers.remove((due, coro))
                try:
                    timers.append((clock.now() + coro.send(None), coro))
                except StopIteration:
                    pass


def polls_with_naps(coros, clock):
    timers = [(clock.now(), coro) for coro in coros]
    while timers:
        for due, coro in list(timers):
            if clock.now() >= due - 1e-9:
                timers.remove((due, coro))
                try:
                    timers.append((clock.now() + coro.send(None), coro))
                except StopIteration:
                    pass
        clock.sleep(0.25)


def compares_coroutines(coros, clock):
    timers = []
    for coro in coros:
        heappush(timers, (clock.now(), coro))
    while timers:
        due, coro = heappop(timers)
        clock.sleep(max(due - clock.now(), 0))
        try:
            heappush(timers, (clock.now() + coro.send(None), coro))
        except StopIteration:
            pass


def the_last_first(coros, clock):
    timers = [(clock.now(), number, coro) for number, coro in enumerate(coros)]
    number = len(timers)
    while timers:
        timers.sort()
        due, _, coro = timers.pop()
        clock.sleep(max(due - clock.now(), 0))
        try:
            timers.append((clock.now() + coro.send(None), number, coro))
            number += 1
        except StopIteration:
            pass


def sleeps_the_whole_pause(coros, clock):
    timers = []
    number = 0
    for coro in coros:
        heappush(timers, (0, number, coro))
        number += 1
    while timers:
        seconds, _, coro = heappop(timers)
        clock.sleep(seconds)
        try:
            heappush(timers, (coro.send(None), number, coro))
            number += 1
        except StopIteration:
            pass


def in_rounds(coros, clock):
    ready = list(coros)
    while ready:
        pauses = []
        for coro in list(ready):
            try:
                pauses.append(coro.send(None))
            except StopIteration:
                ready.remove(coro)
        if pauses:
            clock.sleep(max(pauses))


def less_than_nothing(coros, clock):
    timers = []
    number = 0
    for coro in coros:
        heappush(timers, (-1.0, number, coro))
        number += 1
    while timers:
        due, _, coro = heappop(timers)
        clock.sleep(due - clock.now())
        try:
            heappush(timers, (clock.now() + coro.send(None), number, coro))
            number += 1
        except StopIteration:
            pass


def late_and_not_at_once(coros, clock):
    timers = []
    number = 0
    for coro in coros:
        heappush(timers, (clock.now(), number, coro))
        number += 1
    while timers:
        due, _, coro = heappop(timers)
        clock.sleep(due - clock.now())
        try:
            seconds = coro.send(None)
        except StopIteration:
            continue
        heappush(timers, (clock.now() + seconds, number, coro))
        number += 1


def the_clock_asked_too_early(coros, clock):
    timers = [(clock.now(), number, coro) for number, coro in enumerate(coros)]
    number = len(timers)
    while timers:
        due, _, coro = heappop(timers)
        clock.sleep(max(due - clock.now(), 0))
        now = clock.now()
        try:
            seconds = coro.send(None)
        except StopIteration:
            continue
        heappush(timers, (now + seconds, number, coro))
        number += 1


def seconds_left(coros, clock):
    left = dict.fromkeys(coros, 0)
    while left:
        coro = min(left, key=left.get)
        seconds = left[coro]
        if seconds:
            clock.sleep(seconds)
            for other in left:
                left[other] -= seconds
        try:
            left[coro] = coro.send(None)
        except StopIteration:
            del left[coro]


def one_for_each_time(coros, clock):
    ready = list(coros)
    timers = {}
    while ready or timers:
        for coro in ready:
            try:
                timers[clock.now() + coro.send(None)] = coro
            except StopIteration:
                pass
        ready = []
        if timers:
            due = min(timers)
            clock.sleep(due - clock.now())
            ready = [timers.pop(due)]


def ends_with_the_first(coros, clock):
    timers = []
    number = 0
    for coro in coros:
        heappush(timers, (clock.now(), number, coro))
        number += 1
    while timers:
        due, _, coro = heappop(timers)
        clock.sleep(max(due - clock.now(), 0))
        heappush(timers, (clock.now() + coro.send(None), number, coro))
        number += 1


WRONG = (
    (polls, "that is busy waiting"),
    (polls_with_naps, "3 times are enough"),
    (compares_coroutines, "the heap had to compare what stands behind the time"),
    (the_last_first, "Wanted: b at 1 s, c at 2 s, a at 3 s"),
    (sleeps_the_whole_pause, "They went on: b at 1 s, c at 3 s, a at 6 s"),
    (in_rounds, "They went on: a at 3 s, b at 3 s, c at 3 s"),
    (less_than_nothing, "nobody can sleep for less than nothing"),
    (late_and_not_at_once, "clock.sleep(-0.2): nobody can sleep for less than nothing"),
    (the_clock_asked_too_early, "They went on: a at 1 s, b at 1 s"),
    (seconds_left, "b works for 0.5 s"),
    (one_for_each_time, "2 of 3 coroutines still pause"),
    (ends_with_the_first, "A StopIteration came out of run"),
)
