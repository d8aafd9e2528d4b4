"""How tasks end: each program's lines, and the moments at which they appear."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import lifetimes
import pytest

from tests.support.fake_clock import story

TOLD = {
    lifetimes.with_gather: [
        (0.2, "one is done"),
        (0.4, "main sees: two has no answer"),
        (0.6, "three is done"),  # it ran on
        (0.8, "main ends"),
    ],
    lifetimes.with_task_group: [
        (0.2, "one is done"),
        (0.4, "three is cancelled"),
        (0.4, "main sees: two has no answer"),  # after all have ended
        (0.8, "main ends"),
    ],
    lifetimes.with_timeout: [
        (0.0, "work begins"),
        (0.4, "cancelled at the await"),
        (0.4, "cleaning up"),
        (0.6, "cleaned up"),
        (0.6, "main sees: TimeoutError"),  # 0.2 s after the time was out
    ],
    lifetimes.cancelled: [
        (0.0, "work begins"),
        (0.3, "cancel() has returned, done: False"),
        (0.3, "cancelled at the await"),
        (0.3, "cleaning up"),
        (0.5, "cleaned up"),
        (0.5, "main sees: CancelledError, done: True"),
    ],
    lifetimes.shielded: [
        (0.3, "main gives up waiting, cancelled: False"),
        (0.6, "saving is done"),
    ],
    lifetimes.nobody_retrieves: [
        (0.4, "nothing was heard of it, done: True"),
        (0.4, "the loop says: Task exception was never retrieved"),
        (0.4, "main ends"),
    ],
    lifetimes.nobody_keeps: [
        (0.2, "is it there? True"),
        (0.2, "the loop says: Task was destroyed but it is pending!"),
        (0.2, "is it there? False"),
    ],
    lifetimes.somebody_keeps: [
        (0.2, "is it there? True"),
        (0.4, "one is done"),
    ],
}


@pytest.mark.parametrize("program", lifetimes.PROGRAMS, ids=lambda p: p.__name__)
def test_each_program_tells_its_story_in_order(
    program: Callable[[], Coroutine[Any, Any, None]],
) -> None:
    """Every line appears at its moment and in its place."""
    assert story(program()).printed == TOLD[program]


def test_main_runs_the_programs_that_are_named() -> None:
    """``python lifetimes.py shielded`` runs one."""
    assert story(lifetimes.main("shielded")).lines[0] == "shielded:"
    assert len(story(lifetimes.main("shielded")).lines) == 3


@pytest.mark.parametrize(
    "program", [lifetimes.nobody_retrieves, lifetimes.nobody_keeps]
)
def test_the_loop_s_exception_handler_is_put_back(
    program: Callable[[], Coroutine[Any, Any, None]],
) -> None:
    """A notebook's loop goes on as it was."""

    def handler(loop: asyncio.AbstractEventLoop, complaint: dict[str, Any]) -> None:
        """Stands for the notebook's own."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(handler)
        await program()
        assert loop.get_exception_handler() is handler

    story(main())
