"""A blocking call is seen as ticks that did not happen."""

import asyncio
import threading
import time

import pytest
import what_blocks

from tests.support.fake_clock import block, story


def test_a_waiting_task_leaves_all_ticks_to_the_metronome() -> None:
    """Eight ticks fit into the time that the work waits."""
    told = story(what_blocks.waits())
    assert told.lines == ["ticks meanwhile: 8"]
    assert told.seconds == pytest.approx(0.86)


def test_a_blocking_task_stops_the_metronome(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not one tick happens, and none is made up for."""
    monkeypatch.setattr(time, "sleep", block)
    told = story(what_blocks.blocks())
    assert told.lines == ["ticks meanwhile: 0"]
    assert told.seconds == pytest.approx(0.86)


def test_a_blocking_call_in_a_thread_leaves_the_metronome_ticking(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The call blocks until eight ticks have happened: else it would never end."""
    tick = threading.Semaphore(0)

    async def metronome(ticks: list[int]) -> None:
        while True:
            await asyncio.sleep(0.001)
            ticks.append(len(ticks))
            tick.release()

    def sleep(seconds: float) -> None:
        while tick.acquire(blocking=False):  # those before the call do not count
            pass
        for _ in range(8):
            assert tick.acquire(timeout=30)

    monkeypatch.setattr(what_blocks, "metronome", metronome)
    monkeypatch.setattr(time, "sleep", sleep)
    asyncio.run(what_blocks.fixed())
    said, ticks = capsys.readouterr().out.rsplit(" ", 1)
    assert said == "ticks meanwhile:"
    assert int(ticks) >= 8


def test_no_program_blocks_for_more_than_half_a_second() -> None:
    """So a page that is closed can end the program within a second."""
    assert what_blocks.WORK <= 0.5
