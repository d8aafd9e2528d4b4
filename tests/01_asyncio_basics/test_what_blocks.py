"""A blocking call is seen as ticks that did not happen."""

import asyncio
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
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Most of the eight ticks happen, also on a busy machine."""
    asyncio.run(what_blocks.mended())
    said, ticks = capsys.readouterr().out.rsplit(" ", 1)
    assert said == "ticks meanwhile:"
    assert 2 <= int(ticks) <= 9


def test_no_program_blocks_for_more_than_half_a_second() -> None:
    """So a page that is closed can end the program within a second."""
    assert what_blocks.WORK <= 0.5
