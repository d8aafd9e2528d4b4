"""The same work in three ways, each with its own order and duration."""

import asyncio
import threading
import time
from time import perf_counter

import pytest
import three_ways

from tests.support.fake_clock import story


def test_tasks_wait_at_the_same_time() -> None:
    """Both waits together take as long as the longer one."""
    told = story(three_ways.as_tasks())
    assert told.lines == ["fetched", "received"]
    assert told.seconds == pytest.approx(0.225)


def test_plain_functions_wait_one_after_the_other(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Both waits take their sum, and hold the loop all the while."""
    start = perf_counter()
    asyncio.run(three_ways.one_after_the_other())
    assert perf_counter() - start >= 0.42  # a lower bound: no load can break it
    assert capsys.readouterr().out.split() == ["fetched", "received"]


def test_threads_wait_at_the_same_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``receive`` begins before ``fetch`` has ended: each is in a thread of its own."""
    both_are_here = threading.Barrier(2, timeout=30)
    monkeypatch.setattr(time, "sleep", lambda _: both_are_here.wait())
    monkeypatch.setattr(three_ways, "range", lambda _: [1], raising=False)
    asyncio.run(three_ways.in_threads())
    assert sorted(capsys.readouterr().out.split()) == ["fetched", "received"]
