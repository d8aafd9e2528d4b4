"""Hints, check and solution of exercise 2.6, and what must not pass."""

import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import tiny_loop
from stepping import RecordedLoop

from workshop.exercises import Wrong, shown
from workshop.exercises.turns import Turns
from workshop.pictures.timeline import Timeline

HINTS = (
    "Two things go on at the same time: the work, and an alarm that sleeps. What does "
    "the alarm do when it rings? Who switches it off when the work is done in time?",
    "The alarm is a second task: it sleeps, then it cancels the first one. `wait_for` "
    "awaits the first one. When a `CancelledError` comes, only the alarm knows who has "
    "cancelled: the alarm, or somebody else. A function inside `wait_for` can set a "
    "variable of `wait_for` that it names in `nonlocal`.",
    "A variable `rang = False`, which the alarm sets (`nonlocal rang`) before it "
    "cancels. `try: return await task`, `except tiny_loop.CancelledError:` raise "
    "`TimeoutError` if it rang, else go on with `raise`; `finally:` cancel the alarm.",
)

AGAIN = "What could wake the task that waits, in place of its looking?"

WaitFor = Callable[[Coroutine[Any, Any, Any], float], Awaitable[Any]]


class WatchedLoop(tiny_loop.Loop):
    """The tiny loop, which counts its calls and notices those who never wait."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)  # RecordedLoop's, for the picture
        self.turns = Turns(AGAIN)

    def call_soon(self, call: Callable[[], object]) -> None:
        super().call_soon(call)
        self.turns.one_more()  # a call that is lost would look like a deadlock

    def block(self, seconds: float) -> None:
        self.turns.slept()
        super().block(seconds)


class PictureLoop(WatchedLoop, RecordedLoop):
    """The same for the picture: a run that never ends must not be drawn."""


class Work:
    """Takes its time, and notes how it ended."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.ended = ""

    async def do(self) -> str:
        try:
            await tiny_loop.sleep(self.seconds)
            self.ended = "returned"
            return "an answer"
        except tiny_loop.CancelledError:
            await tiny_loop.sleep(0.25)  # cleaning up
            self.ended = "cancelled"
            raise

    async def fail(self) -> None:
        await tiny_loop.sleep(self.seconds)
        raise ConnectionError("the line is dead")


def check(wait_for: WaitFor) -> str:
    for scene in (_in_time, _too_late, _failed, _cancelled):
        _run(scene, wait_for)
    return "in time, too late, failed and cancelled are four different things."


def _run(
    scene: Callable[[WaitFor], Coroutine[Any, Any, Any]], wait_for: WaitFor
) -> None:
    try:
        WatchedLoop().run(scene(wait_for))
    except tiny_loop.Deadlock:
        raise Wrong(
            "All tasks wait, and no timer is left.",
            ask="What does wait_for wait for, and who will wake it?",
        ) from None


async def _in_time(wait_for: WaitFor) -> None:
    work = Work(0.5)
    began = time.monotonic()
    try:
        given = await wait_for(work.do(), 2)
    except TimeoutError:
        raise Wrong(
            "The work needed 0.5 s of 2 s, and TimeoutError was raised.",
            ask="What has ended first, and how do you see that?",
        ) from None
    seconds = round(time.monotonic() - began, 6)
    if given != "an answer":
        raise Wrong(
            f"wait_for gave {shown(given)}; the result of the work, 'an answer', was "
            "wanted.",
            ask="What does `await task` give, and where does it go?",
        )
    if seconds != 0.5:
        raise Wrong(
            f"The work was done after 0.5 s, and wait_for returned after {seconds:g} "
            "s.",
            ask="Who is waited for when the work is done?",
        )
    await tiny_loop.sleep(0)  # a cancelled task ends in a step of its own
    left = len(tiny_loop.get_loop().tasks) - 1
    if left:
        raise Wrong(
            f"The work was done in time, and {left} task is left: the alarm is still "
            "on, and will cancel somebody.",
            ask="Who switches it off, whichever way the work ends?",
        )


async def _too_late(wait_for: WaitFor) -> None:
    work = Work(60)
    began = time.monotonic()
    try:
        given = await wait_for(work.do(), 2)
    except TimeoutError:
        seconds = round(time.monotonic() - began, 6)
    except tiny_loop.CancelledError:
        raise Wrong(
            "The time was over, and a CancelledError came out; TimeoutError was "
            "wanted.",
            ask="Which line turns the one into the other, and is it reached? A nested "
            "function that sets a variable of wait_for must name it in `nonlocal`, or "
            "it sets one of its own.",
        ) from None
    else:
        seconds = round(time.monotonic() - began, 6)
        raise Wrong(
            "The work takes 60 s, the time-out was 2 s, and wait_for gave "
            f"{shown(given)} after {seconds:g} s; TimeoutError was wanted.",
            ask="What happens after 2 s, and who does it?",
        )
    if not work.ended:
        raise Wrong(
            f"TimeoutError was raised after {seconds:g} s, and the work goes on: it "
            "was not cancelled, or has not cleaned up yet.",
            ask="Who awaits the work after it was cancelled?",
        )
    if seconds != 2.25:
        raise Wrong(
            f"TimeoutError was raised after {seconds:g} s; 2.25 s were wanted: the "
            "time-out, and the clean-up of the work.",
            ask="What else is waited for?",
        )


async def _failed(wait_for: WaitFor) -> None:
    try:
        given = await wait_for(Work(0.5).fail(), 2)
    except ConnectionError:
        await tiny_loop.sleep(0)
        left = len(tiny_loop.get_loop().tasks) - 1
        if left:
            raise Wrong(
                f"The work has failed, and {left} task is left: the alarm is still on.",
                ask="Which clause of a `try` is run in all cases?",
            ) from None
        return
    except TimeoutError:
        raise Wrong(
            "The work raised a ConnectionError after 0.5 s, and wait_for a "
            "TimeoutError.",
            ask="Which errors does your `except` take?",
        ) from None
    raise Wrong(
        f"The work raised a ConnectionError, and wait_for gave {shown(given)}.",
        ask="Where has the error gone?",
    )


async def _cancelled(wait_for: WaitFor) -> None:
    """Somebody else cancels the task that waits: that is no time-out."""
    work = Work(60)
    raised: list[str] = []

    async def visitor() -> None:
        try:
            await wait_for(work.do(), 30)
        except BaseException as error:
            raised.append(type(error).__name__)
            raise

    task = tiny_loop.create_task(visitor())
    await tiny_loop.sleep(1)
    task.cancel()
    try:
        await task
    except (tiny_loop.CancelledError, TimeoutError):
        pass
    if raised == ["TimeoutError"]:
        raise Wrong(
            "After 1 s of 30 s somebody else cancelled the task that waits, and it "
            "got a TimeoutError; a CancelledError was wanted.",
            ask="How can wait_for know whether it was the alarm?",
        )
    if raised != ["CancelledError"]:
        raise Wrong(
            "Somebody else cancelled the task that waits, and it got "
            f"{', '.join(raised) or 'nothing'}; a CancelledError was wanted.",
            ask="Where has it ended?",
        )
    if work.ended != "cancelled":
        raise Wrong(
            "Somebody else cancelled the task that waits, and its work goes on.",
            ask="Who cancels the work then?",
        )


async def _scene(wait_for: WaitFor) -> None:
    await wait_for(Work(0.5).do(), 2)
    try:
        await wait_for(Work(60).do(), 1)
    except TimeoutError:
        print("a time-out")


def picture(wait_for: WaitFor) -> Timeline:
    timeline = Timeline("2.6 · your wait_for: in time, too late")
    with timeline.watching():
        PictureLoop(timeline).run(_scene(wait_for))
    return timeline


async def wait_for(work: Coroutine[Any, Any, Any], seconds: float) -> Any:
    """The result of ``work``; ``TimeoutError`` where it takes more than ``seconds``."""
    task = tiny_loop.create_task(work)
    rang = False

    async def alarm() -> None:
        nonlocal rang
        await tiny_loop.sleep(seconds)
        rang = True
        task.cancel()

    bell = tiny_loop.create_task(alarm())
    try:
        return await task
    except tiny_loop.CancelledError:
        if not rang:  # somebody else has cancelled
            raise
        raise TimeoutError from None
    finally:
        bell.cancel()


async def the_alarm_left_on(work, seconds):
    task = tiny_loop.create_task(work)

    async def alarm():
        await tiny_loop.sleep(seconds)
        task.cancel()

    tiny_loop.create_task(alarm())
    try:
        return await task
    except tiny_loop.CancelledError:
        raise TimeoutError


async def every_cancelling_is_a_time_out(work, seconds):
    task = tiny_loop.create_task(work)

    async def alarm():
        await tiny_loop.sleep(seconds)
        task.cancel()

    bell = tiny_loop.create_task(alarm())
    try:
        return await task
    except tiny_loop.CancelledError:
        raise TimeoutError
    finally:
        bell.cancel()


async def sleeps_then_looks(work, seconds):
    task = tiny_loop.create_task(work)
    await tiny_loop.sleep(seconds)
    if task.done():
        return task.result()
    task.cancel()
    raise TimeoutError


async def not_awaited_after_cancelling(work, seconds):
    task = tiny_loop.create_task(work)
    step = seconds / 100
    for _ in range(100):
        if task.done():
            return task.result()
        await tiny_loop.sleep(step)
    task.cancel()
    raise TimeoutError


async def looks_at_the_clock_afterwards(work, seconds):
    import time

    began = time.monotonic()
    result = await work
    if time.monotonic() - began > seconds:
        raise TimeoutError
    return result


async def cancelled_and_not_translated(work, seconds):
    task = tiny_loop.create_task(work)

    async def alarm():
        await tiny_loop.sleep(seconds)
        task.cancel()

    bell = tiny_loop.create_task(alarm())
    try:
        return await task
    finally:
        bell.cancel()


async def without_nonlocal(work, seconds):
    task = tiny_loop.create_task(work)
    rang = False

    async def alarm():
        await tiny_loop.sleep(seconds)
        rang = True
        task.cancel()

    bell = tiny_loop.create_task(alarm())
    try:
        return await task
    except tiny_loop.CancelledError:
        if rang:
            raise TimeoutError
        raise
    finally:
        bell.cancel()


async def polls_each_turn(work, seconds):
    import time

    task = tiny_loop.create_task(work)
    end = time.monotonic() + seconds
    while not task.done():
        if time.monotonic() >= end:
            task.cancel()
        await tiny_loop.sleep(0)
    return task.result()


async def every_error_is_a_time_out(work, seconds):
    task = tiny_loop.create_task(work)

    async def alarm():
        await tiny_loop.sleep(seconds)
        task.cancel()

    bell = tiny_loop.create_task(alarm())
    try:
        return await task
    except BaseException:
        raise TimeoutError
    finally:
        bell.cancel()


async def switched_off_only_after_success(work, seconds):
    task = tiny_loop.create_task(work)
    rang = False

    async def alarm():
        nonlocal rang
        await tiny_loop.sleep(seconds)
        rang = True
        task.cancel()

    bell = tiny_loop.create_task(alarm())
    try:
        result = await task
    except tiny_loop.CancelledError:
        if rang:
            raise TimeoutError
        raise
    bell.cancel()
    return result


async def the_error_raised_in_the_alarm(work, seconds):
    task = tiny_loop.create_task(work)

    async def alarm():
        await tiny_loop.sleep(seconds)
        raise TimeoutError

    bell = tiny_loop.create_task(alarm())
    result = await task
    bell.cancel()
    return result


async def asyncios_own(work, seconds):
    import asyncio

    return await asyncio.wait_for(work, seconds)


WRONG = (
    (the_alarm_left_on, "1 task is left: the alarm is still on"),
    (every_cancelling_is_a_time_out, "somebody else cancelled the task that waits"),
    (sleeps_then_looks, "wait_for returned after 2 s"),
    (not_awaited_after_cancelling, "TimeoutError was raised after 2 s, and the work"),
    (looks_at_the_clock_afterwards, "TimeoutError was raised after 60 s"),
    (
        cancelled_and_not_translated,
        "a CancelledError came out; TimeoutError was wanted",
    ),
    (without_nonlocal, "must name it in `nonlocal`"),
    (polls_each_turn, "looks again and again"),
    (every_error_is_a_time_out, "The work raised a ConnectionError after 0.5 s"),
    (switched_off_only_after_success, "The work has failed, and 1 task is left"),
    (the_error_raised_in_the_alarm, "wait_for gave 'an answer' after 60 s"),
    (asyncios_own, "RuntimeError was raised at line"),
)
