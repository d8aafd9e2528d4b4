"""What gives control back and what does not, and when a task begins."""

import time

import pytest
import waiting

from tests.support.fake_clock import block, story


def test_a_tick_happens_only_where_an_await_gave_way() -> None:
    """Awaiting a done task or a coroutine without a wait gives nobody a turn."""
    assert story(waiting.which_gives_way()).lines == [
        "after create_task: 0 ticks",
        "await asyncio.sleep(0): 1 tick",
        "await a coroutine that has nothing to wait for: 0 ticks",
        "await a task: 2 ticks",
        "await the same task, now done: 0 ticks",
    ]


def test_a_coroutine_that_is_only_called_never_begins() -> None:
    """Python says so when the last one who could await it is gone."""
    told = story(waiting.only_called())
    assert told.printed == [
        (0.0, "called: coroutine"),
        (0.3, "Python warns: coroutine 'fetch' was never awaited"),
        (0.3, "fetch begins"),
        (0.3, "awaited: an answer"),
    ]


def test_a_task_begins_when_the_current_one_gives_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither time nor an await that has nothing to wait for lets it begin."""
    monkeypatch.setattr(time, "sleep", block)
    told = story(waiting.scheduled())
    assert told.printed == [
        (0.0, "created: Task"),
        (0.3, "0.3 s later: it has not begun"),
        (0.3, "still not"),
        (0.3, "fetch begins"),
        (0.3, "done: True"),
    ]


def test_coroutines_awaited_directly_take_turns_only_as_tasks() -> None:
    """The first two run one after the other, the last two beside each other."""
    told = story(waiting.one_task_or_two())
    assert [line.split()[0].strip(",") for line in told.lines] == [
        *("first", "first", "second", "second"),
        *("third", "fourth", "third", "fourth"),
    ]
    assert told.seconds == pytest.approx(0.6)
