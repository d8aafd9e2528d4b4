"""The picture of a program between two steps, and the tape of its lines."""

import asyncio
import sys
from itertools import pairwise
from xml.etree import ElementTree

import produce_consume
import pytest

from workshop.pictures.line_by_line import Tape
from workshop.pictures.stepper import Box, Card, Mark, State

TRAMPOLINE = (
    produce_consume.main,
    [produce_consume.produce, produce_consume.consume],
)
TASKS = (
    lambda: asyncio.run(produce_consume.main_tasks()),
    [produce_consume.produce_task, produce_consume.consume_task],
)


async def tape_of(program: tuple) -> Tape:
    return await asyncio.to_thread(Tape, *program, "queue", produce_consume.CAPACITY)


def test_a_state_names_who_is_where_in_its_text() -> None:
    state = State(
        "Step 7",
        "clock 0.450 s",
        [Box("Ready", "ready"), Box("Running", "run", [Card("receive", "item = 1")])],
        ["async def receive():", "    await sleep(1)"],
        10,
        {11: [Mark("receive")]},
        "The loop resumed receive.",
        ["task one awaited"],
    )
    assert str(state).splitlines() == [
        "Step 7 · clock 0.450 s",
        "  Ready: empty",
        "  Running: receive (item = 1)",
        "   10 async def receive():",
        ">  11     await sleep(1)  ◀ receive",
        "The loop resumed receive.",
        "| task one awaited",
    ]


def test_a_state_is_drawn_as_well_formed_svg_whatever_its_words_are() -> None:
    state = State("<b>", "a & b", [Box("<i>", "run", [Card("<task>", '"')])], ["<>"])
    drawing = ElementTree.fromstring(state.svg())
    assert "<task>" in "".join(drawing.itertext())


@pytest.mark.parametrize("program", [TRAMPOLINE, TASKS], ids=["trampoline", "tasks"])
async def test_a_tape_shows_the_queue_filling_and_draining_item_by_item(
    program: tuple,
) -> None:
    tape = await tape_of(program)
    lengths = [len(state.boxes[2].cards) for state in tape.states]
    changes = [b - a for a, b in pairwise(lengths) if a != b]
    assert changes == [1, 1, 1, -1, -1, -1] * 2 + [1, -1]
    printed = list(tape.states[-1].printed)
    assert printed[:4] == ["produced 1", "produced 2", "produced 3", "consumed 1"]
    assert len(printed) == 2 * produce_consume.ITEMS


async def test_a_tape_tells_who_gives_way_to_whom() -> None:
    happened = [state.happened for state in (await tape_of(TRAMPOLINE)).states]
    first = happened.index(
        "produce yields 'consume' to the trampoline, and keeps its variables."
    )
    assert happened[first + 1] == "consume begins."
    assert "produce returns." in happened
    assert "produce goes on where it left off." in happened
    assert not any("consume returns" in words for words in happened)


async def test_a_tape_marks_the_line_that_is_about_to_run() -> None:
    for state in (await tape_of(TASKS)).states:
        running = [card.name for card in state.boxes[0].cards]
        marked = [mark.name for marks in state.marks.values() for mark in marks]
        assert set(running) <= set(marked)
        assert len(running) <= 1


async def test_a_tape_prints_nothing_and_leaves_no_trace_function_behind(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = sys.gettrace()
    Tape(*TRAMPOLINE, "queue", produce_consume.CAPACITY)
    assert sys.gettrace() is before
    assert capsys.readouterr().out == ""
