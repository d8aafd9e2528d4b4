"""Hints, check and solution of exercise 1.8, and what must not pass."""

import asyncio
import gc
import weakref
from collections.abc import Callable
from typing import Any

from exercises.e8_vanished import Kept

from workshop.exercises import Wrong, shown

HINTS = (
    "The loop knows its tasks only weakly. Who else holds the task when `start` has "
    "returned?",
    "A set that the caller keeps, and the task in it, hold it. Who takes it out, and "
    "when? A task can call a function when it is done, whichever way it ends.",
    "`task.add_done_callback(kept.discard)`: the function is called with the task.",
)


class Mail:
    """A mail that waits for its answer; only the one who sends it knows it."""

    def __init__(self) -> None:
        self.answer = asyncio.get_running_loop().create_future()


async def send(sent: "list[weakref.ref[Mail]]") -> None:
    mail = Mail()
    sent.append(weakref.ref(mail))
    await mail.answer


async def check(start: Callable[[Any, Kept], None]) -> str:
    kept: Kept = set()
    await _check_alive(start, kept)
    await _check_forgotten(start, kept, send_nothing(), "has ended")
    await _check_forgotten(start, kept, fail(), "has failed")
    await _check_many(start, kept)
    await _check_not_begun(start, kept)
    return "a task is kept while it runs, and no longer."


async def _check_alive(start: Callable[[Any, Kept], None], kept: Kept) -> None:
    sent: list[weakref.ref[Mail]] = []
    given = start(send(sent), kept)  # type: ignore[func-returns-value]
    del given
    await asyncio.sleep(0.1)
    if not sent:
        raise Wrong(
            "The work has not begun, though start has returned and the loop has run.",
            ask="What makes a task of a coroutine?",
        )
    gc.collect()
    mail = sent[0]()
    if mail is None:
        raise Wrong(
            f"The task vanished in the middle of its work; kept holds {shown(kept)}.",
            ask="Who holds the task when start has returned?",
        )
    _require_tasks(kept)
    if len(kept) != 1:
        raise Wrong(
            f"One task runs, and kept holds {len(kept)}.",
            ask="When is it put in, and when is it taken out?",
        )
    mail.answer.set_result(None)
    await asyncio.sleep(0.1)
    _require_empty(kept, "has ended")


async def _check_forgotten(
    start: Callable[[Any, Kept], None], kept: Kept, work: Any, how: str
) -> None:
    start(work, kept)
    tasks = list(kept)
    await asyncio.sleep(0.5)
    for task in tasks:
        if task.done():
            task.exception()  # asked for: asyncio has nothing to complain of
    _require_empty(kept, how)


async def _check_many(start: Callable[[Any, Kept], None], kept: Kept) -> None:
    for _ in range(10):
        start(asyncio.sleep(0.2), kept)
    await asyncio.sleep(0.1)
    if len(kept) != 10:
        raise Wrong(
            f"Ten tasks run, and kept holds {len(kept)}.",
            ask="Does a new task drive an older one out?",
        )
    for task in list(kept):
        task.cancel()
    await asyncio.sleep(0.1)
    _require_empty(kept, "was cancelled")


async def _check_not_begun(start: Callable[[Any, Kept], None], kept: Kept) -> None:
    """Cancel a task before the loop has run it: no line of its work is run."""
    start(send_nothing(), kept)
    for task in list(kept):
        task.cancel()
    await asyncio.sleep(0.1)
    if kept:
        raise Wrong(
            "The task was cancelled before its first step, and kept still holds "
            f"{len(kept)}: it grows for ever.",
            ask="No line of the work has run then, and no `finally` in it. Who else "
            "hears of the task's end?",
        )


def _require_tasks(kept: Kept) -> None:
    for thing in kept:
        if not isinstance(thing, asyncio.Task):
            raise Wrong(
                f"kept holds {shown(thing)}; the task itself was wanted.",
                ask="What keeps a task alive: its coroutine, a weak reference, or it?",
            )


def _require_empty(kept: Kept, how: str) -> None:
    if kept:
        raise Wrong(
            f"The task {how}, and kept still holds {len(kept)}: it grows for ever.",
            ask="Who takes a task out, whichever way it ends?",
        )


async def send_nothing() -> None:
    await asyncio.sleep(0.1)


async def fail() -> None:
    await asyncio.sleep(0.1)
    raise ConnectionError("the mail server does not answer")


def start(work: Any, kept: Kept) -> None:
    """Run ``work`` in the background; its task is in ``kept`` while it runs."""
    task = asyncio.create_task(work)
    kept.add(task)
    task.add_done_callback(kept.discard)


def a_local_variable(work, kept):
    task = asyncio.create_task(work)
    task.set_name("welcome")


def only_grows(work, kept):
    kept.add(asyncio.create_task(work))


def a_weak_set(work, kept):
    import weakref

    kept = weakref.WeakSet()
    kept.add(asyncio.create_task(work))


def a_weak_reference(work, kept):
    import weakref

    kept.add(weakref.ref(asyncio.create_task(work)))


def the_coroutine_kept(work, kept):
    kept.add(work)
    asyncio.create_task(work)


def removed_at_once(work, kept):
    task = asyncio.create_task(work)
    kept.add(task)
    kept.discard(task)


def removed_by_a_call(work, kept):
    task = asyncio.create_task(work)
    kept.add(task)
    task.add_done_callback(kept.discard(task))


def removed_only_after_success(work, kept):
    async def run():
        await work
        kept.discard(task)

    task = asyncio.create_task(run())
    kept.add(task)


def removed_by_the_work_itself(work, kept):
    async def run():
        try:
            await work
        finally:
            kept.remove(task)

    task = asyncio.create_task(run())
    kept.add(task)


def the_callback_without_the_task(work, kept):
    task = asyncio.create_task(work)
    kept.add(task)
    task.add_done_callback(lambda: kept.discard(task))


def the_newest_only(work, kept):
    task = asyncio.create_task(work)
    kept.clear()
    kept.add(task)
    task.add_done_callback(kept.discard)


async def awaits_it(work, kept):
    task = asyncio.create_task(work)
    kept.add(task)
    await task
    kept.discard(task)


WRONG = (
    (a_local_variable, "The task vanished in the middle of its work"),
    (only_grows, "it grows for ever"),
    (a_weak_set, "The task vanished in the middle of its work"),
    (a_weak_reference, "The task vanished in the middle of its work"),
    (the_coroutine_kept, "kept holds <a coroutine>; the task itself was wanted"),
    (removed_at_once, "The task vanished in the middle of its work"),
    (removed_by_a_call, "The task vanished in the middle of its work"),
    (removed_only_after_success, "The task has failed, and kept still holds 1"),
    (removed_by_the_work_itself, "was cancelled before its first step"),
    (the_callback_without_the_task, "kept still holds 1: it grows for ever"),
    (the_newest_only, "Ten tasks run, and kept holds 1"),
    (awaits_it, "start is a coroutine function"),
)
