"""From a subroutine to await: what each step prints, and claims 7 and 9."""

import importlib
import inspect

import pytest
import step2_generator
import step3_send_and_throw
import step6_await

PRINTED = {
    "step1_subroutine": [
        "10 comes in, the average is 10",
        "20 comes in, the average is 15",
        "60 comes in, the average is 30",
    ],
    "step2_generator": [
        "made, and suspended before its first line: {'numbers': [10, 20, 60]}",
        "next: 10.0",
        "next: 15.0",
        "suspended 4 lines after its def, with total=30.0 count=2",
        "next: 30.0",
        "one more: nothing: it has returned, its frame is gone",
        "frame: None",
    ],
    "step3_send_and_throw": [
        "to its first yield: None",
        "send 10: 10.0",
        "send 20: 15.0",
        "throw Forget: None",
        "send 60: 60.0",
        "closed: it cannot go on",
    ],
    "step4_yield_from": [
        "send 10: 10.0",
        "send 20: 15.0",
        "two_days stands aside, inside averager",
        "send None: Monday returns, and Tuesday's first yield is 0.0",
        "send 7: 7.0",
        "send 8: 7.5",
        "send 9: 8.0",
        "returned: Monday 15, Tuesday 8",
    ],
    "step5_awaitable_class": ["the wish: Number('the first')", "the answer: 10"],
    "step6_await": [
        "Number('Monday, one') is wanted 1 lines into averager: 10",
        "Number('Monday, two') is wanted 2 lines into averager: 20",
        "Number('Tuesday, one') is wanted 1 lines into averager: 7",
        "Number('Tuesday, two') is wanted 2 lines into averager: 8",
        "returned: Monday 15, Tuesday 7.5",
    ],
}


@pytest.mark.parametrize("step", PRINTED)
def test_a_step_prints_what_its_lesson_tells(
    step: str, capsys: pytest.CaptureFixture[str]
) -> None:
    module = importlib.reload(importlib.import_module(step))  # step 1 keeps globals
    module.main()
    assert capsys.readouterr().out.splitlines() == PRINTED[step]


def test_claim_7_a_subroutine_keeps_nothing_and_a_coroutine_keeps_its_frame() -> None:
    coro = step6_await.averager("Monday")
    coro.send(None)
    frame = coro.cr_frame
    first_line = frame.f_lineno
    assert "first" not in frame.f_locals
    coro.send(10)
    assert coro.cr_frame is frame  # left and entered again: the same frame,
    assert frame.f_lineno > first_line  # further down,
    assert coro.cr_frame.f_locals["first"] == 10  # with its variables
    with pytest.raises(StopIteration):
        coro.send(20)
    assert coro.cr_frame is None  # returned: it is gone


def test_claim_9_a_generator_and_a_coroutine_are_driven_by_the_same_two_calls() -> None:
    generator = step3_send_and_throw.averager()
    coroutine = step6_await.averager("Monday")
    assert inspect.isgenerator(generator) and inspect.iscoroutine(coroutine)
    for driven in (generator, coroutine):
        driven.send(None)
    assert generator.send(10) == 10
    assert repr(coroutine.send(10)) == "Number('Monday, two')"
    with pytest.raises(ZeroDivisionError):
        generator.throw(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        coroutine.throw(ZeroDivisionError())


def test_two_generators_do_not_disturb_each_other() -> None:
    one, two = step2_generator.averages([1, 3]), step2_generator.averages([10, 30])
    assert [next(one), next(two), next(one), next(two)] == [1, 10, 2, 20]


def test_a_wish_that_nobody_answers_is_an_error_of_the_driver() -> None:
    with pytest.raises(ValueError, match="more wishes than answers"):
        step6_await.drive(step6_await.two_days(), [1, 2])
