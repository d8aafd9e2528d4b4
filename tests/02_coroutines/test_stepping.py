"""Stepping through the tiny loop: every state is that of a real run."""

import socketserver
import sys
import time
from contextlib import suppress
from typing import Any

import pytest
import tiny_fetch_receive
import tiny_loop
import tiny_programs
import tiny_tools
from stepping import Stepper, record_tiny

from workshop.pictures.stepper import State


def cards(state: State, title: str) -> list[str]:
    [box] = [box for box in state.boxes if box.title == title]
    return [f"{card.name} {card.about}" for card in box.cards]


def finished(stepper: Stepper) -> Stepper:
    stepper.run()
    return stepper


def test_the_first_state_has_main_ready_and_nothing_run() -> None:
    stepper = Stepper(tiny_fetch_receive.main)
    assert cards(stepper.state, "Ready") == ["main not begun"]
    assert cards(stepper.state, "Just ran") == []


def test_one_step_is_one_call_of_the_loop() -> None:
    stepper = Stepper(tiny_fetch_receive.main)
    stepper.step()
    assert cards(stepper.state, "Just ran") == ["main now waiting"]
    assert cards(stepper.state, "Ready") == ["fetch not begun", "receive not begun"]
    assert cards(stepper.state, "Waiting") == ["main for fetch"]
    stepper.step()
    stepper.step()
    sleeping = ["receive until 0.225 s", "fetch until 2.000 s"]
    assert cards(stepper.state, "Sleeping") == sleeping
    stepper.step()
    assert "the loop slept 0.225 s" in stepper.state.happened
    assert cards(stepper.state, "Ready") == ["wake up receive"]


def test_sleeping_takes_no_time_and_the_clock_jumps() -> None:
    stepper = finished(Stepper(tiny_fetch_receive.main))
    assert stepper.state.detail == "clock 2.250 s"
    printed = [state for state in stepper.states if state.printed]
    assert printed[0].detail == "clock 2.000 s"


def test_a_state_marks_the_line_of_each_task() -> None:
    stepper = Stepper(tiny_fetch_receive.main)
    for _ in range(3):
        stepper.step()
    lines = {
        mark.name: stepper.state.source[number - stepper.state.first_line].strip()
        for number, marks in stepper.state.marks.items()
        for mark in marks
    }
    assert lines["main"] == "await task1"
    assert lines["fetch"].startswith("await tiny_loop.sleep(2)")
    assert lines["receive"].startswith("await tiny_loop.sleep(0.225)")


def test_a_step_back_shows_the_state_before_and_runs_nothing() -> None:
    stepper = Stepper(tiny_fetch_receive.main)
    stepper.step()
    first = stepper.state
    stepper.step()
    assert stepper.back() and stepper.state is first
    assert stepper.step() and stepper.state is not first
    assert len(stepper.states) == 3
    while stepper.back():
        pass
    assert stepper.state is stepper.states[0]


def test_a_step_after_the_end_changes_nothing() -> None:
    stepper = finished(Stepper(tiny_programs.takes_turns))
    last = stepper.state
    assert not stepper.step() and stepper.state is last
    assert last.happened == "takes_turns returned None. The program is over."


def test_tasks_that_sleep_for_zero_take_turns() -> None:
    stepper = finished(Stepper(tiny_programs.takes_turns))
    numbers = [f"{name} {n}" for n in (1, 2, 3) for name in ("one", "two")]
    assert list(stepper.state.printed) == numbers


def test_a_cancelled_task_cleans_up_before_it_ends() -> None:
    stepper = finished(Stepper(tiny_programs.is_cancelled))
    assert stepper.state.detail == "clock 1.500 s"
    assert cards(stepper.state, "Done")[0] == "tidy was cancelled"


def test_a_cancelled_task_is_seen_to_have_the_error_thrown_in_at_its_line() -> None:
    states = finished(Stepper(tiny_programs.is_cancelled)).states
    thrown = next(state for state in states if "thrown in" in state.happened)
    line = next(n for n, text in enumerate(thrown.source) if "sleep(10)" in text)
    where = thrown.first_line + line
    assert f"CancelledError thrown in at line {where}" in thrown.happened


def test_a_task_that_is_a_bare_sleep_can_be_stepped_through() -> None:
    async def main() -> None:
        await tiny_tools.gather(tiny_loop.sleep(1), tiny_loop.sleep(2))

    assert finished(Stepper(main)).state.detail == "clock 2.000 s"


def test_a_task_that_waits_for_a_socket_is_shown_as_such() -> None:
    stepper = finished(Stepper(tiny_programs.talks_over_a_socket))
    waiting = [state for state in stepper.states if cards(state, "For a socket")]
    assert cards(waiting[0], "For a socket")[0].startswith("listener for socket")
    assert "received b'ping'" in stepper.state.printed


def test_a_program_that_raises_shows_its_traceback_from_the_learners_lines_only() -> (
    None
):
    stepper = finished(Stepper(tiny_programs.one_fails))
    text = "\n".join(stepper.state.printed)
    assert text.endswith("ConnectionError: no answer")
    assert "tiny_programs.py" in text and "await task" in text
    assert "tiny_loop" not in text and "stepping" not in text


def test_an_exception_that_nobody_asked_for_is_named() -> None:
    async def main() -> None:
        tiny_loop.Task(tiny_programs.fails())
        await tiny_loop.sleep(1)

    state = finished(Stepper(main)).state
    assert (
        "No task asked for this error: ConnectionError('no answer')" in state.happened
    )


def test_a_deadlock_is_named_with_who_waits_where() -> None:
    happened = finished(Stepper(tiny_programs.deadlocks)).state.happened
    assert "all wait" in happened
    for name in ("deadlocks at line", "one at line", "two at line"):
        assert name in happened


def test_a_task_that_never_gives_way_is_told_apart_from_one_that_waits() -> None:
    stepper = finished(Stepper(tiny_programs.starves, patience=0.05))
    words = "starves has run for 0.05 s and does not give control back"
    assert words in stepper.state.happened
    assert cards(stepper.state, "Ready") == ["one not begun"]
    assert cards(stepper.state, "Just ran") == ["starves runs on"]
    assert cards(stepper.state, "Done") == []


def test_a_library_s_endless_loop_is_ended_as_the_learner_s_own() -> None:
    async def serves() -> None:
        handler = socketserver.BaseRequestHandler
        with socketserver.TCPServer(("127.0.0.1", 0), handler) as server:
            server.serve_forever(poll_interval=0.01)

    stepper = finished(Stepper(serves, patience=0.05))
    assert "does not give control back" in stepper.state.happened


def test_a_stepper_that_is_thrown_away_in_a_long_step_leaves_in_peace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failed: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", failed.append)
    old = [Stepper(tiny_fetch_receive.main)]
    old[0].step()

    async def throws_away() -> None:
        # In one line: the watchdog looks before it, and next in what it calls.
        time.sleep(0.1), old.clear()  # type: ignore[func-returns-value]

    stepper = finished(Stepper(throws_away, patience=0.05))
    assert "does not give control back" in stepper.state.happened
    assert not failed


@pytest.mark.parametrize(
    "program",
    [
        tiny_fetch_receive.main,
        tiny_programs.takes_turns,
        tiny_programs.is_cancelled,
        tiny_programs.one_fails,
        tiny_programs.talks_over_a_socket,
        tiny_programs.deadlocks,
    ],
)
def test_a_task_is_never_shown_in_two_places_at_once(program: Any) -> None:
    for state in finished(Stepper(program)).states:
        places = [box for box in state.boxes if box.title not in ("Just ran", "Done")]
        shown = [
            card.about if card.name == "wake up" else card.name
            for box in places
            for card in box.cards
            if card.name != "tell"
        ]
        assert len(shown) == len(set(shown)), (state.heading, shown)


def test_any_program_of_the_learners_can_be_stepped_through() -> None:
    async def mine() -> str:
        await tiny_loop.sleep(3)
        return "mine"

    stepper = finished(Stepper(mine))
    assert "mine returned 'mine'" in stepper.state.happened
    assert "<svg" in stepper.svg() and "Step" in str(stepper)


def test_the_recorder_draws_a_program_on_the_tiny_loop() -> None:
    timeline = record_tiny(tiny_programs.takes_turns(), "turns")
    rows = timeline.spans()
    assert set(rows) == {"takes_turns", "one", "two"}
    assert sum(span.kind == "run" for span in rows["one"]) == 4
    assert {note.track.name for note in timeline.notes if note.track} == {"one", "two"}
    places = {span.place.text for row in rows.values() for span in row if span.place}
    assert any(text.startswith("await gather") for text in places)
    assert not any("yield" in text for text in places)  # the loop's lines are hidden


def test_the_recorder_tells_cancelled_from_raised_on_the_tiny_loop() -> None:
    async def main() -> None:
        task = tiny_loop.Task(tiny_loop.sleep(60), "cancelled")
        failing = tiny_loop.Task(tiny_programs.fails(), "raised")
        with suppress(ConnectionError):
            await failing
        task.cancel()

    timeline = record_tiny(main(), "ends")
    ends = {name: track.outcome.value for track, name in timeline.names().items()}
    assert ends == {"main": "returned", "cancelled": "cancelled", "raised": "raised"}
