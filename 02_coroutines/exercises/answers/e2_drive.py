"""Hints, check and solution of exercise 2.2, and what must not pass."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from exercises.e2_drive import Question, order

from workshop.exercises import Wrong, shown

HINTS = (
    "What must be sent into a coroutine that has not begun? What comes out of `send`, "
    "and how do you see that there is no question any more?",
    "A loop without end: `send` gives the next question, and the answer to it is "
    "what is sent the next time. A `StopIteration` ends it, and has the result as "
    "its `value`.",
    "`question = coro.send(None)` first; then, for ever, `question = "
    "coro.send(answers[question.text])`; all of it in `try`, and `except StopIteration "
    "as stop: return stop.value`.",
)

ANSWERS = {"Which size?": "large", "With milk?": "yes", "Which colour?": "blue"}


async def survey() -> str:
    """Asks three times, from a coroutine further in."""
    colour = await ask("Which colour?")
    size = await ask("Which size?")
    milk = await ask("With milk?")
    return f"{colour}, {size}, {milk}"


async def ask(text: str) -> str:
    return await Question(text)


async def asks_nothing() -> str:
    return "nothing to ask"


async def fails() -> str:
    answer = await Question("Which colour?")
    raise LookupError(f"no coffee is {answer}")


def check(drive: Callable[[Any, Mapping[str, str]], Any]) -> str:
    _require(drive, order(), "one large coffee, milk: yes", "order")
    _require(drive, survey(), "blue, large, yes", "a coroutine with three questions")
    _require(drive, asks_nothing(), "nothing to ask", "a coroutine without a question")
    coro = fails()
    try:
        given = drive(coro, ANSWERS)
    except LookupError:
        return "every question was answered, and the result came back."
    raise Wrong(
        f"The coroutine raised a LookupError, and drive gave {shown(given)}.",
        ask="Which errors does your `except` take, and which one is yours?",
    )


def _require(drive: Any, coro: Any, expected: object, what: str) -> None:
    try:
        given = drive(coro, ANSWERS)
    except KeyError as error:
        if not isinstance(error.args[0], Question):
            raise
        raise Wrong(
            "Out comes a Question; its text is the key.",
            ask="Which attribute of the question is a key of `answers`?",
        ) from error
    except TypeError as error:
        if "'coroutine' object is not" in str(error):
            raise Wrong(
                "A coroutine knows send, not next; `for` calls next, too.",
                ask="What does the first send put in, when there is no question yet?",
            ) from error
        if "just-started" not in str(error):
            raise
        raise Wrong(
            "An answer was sent before there was a question: a coroutine that has not "
            "begun takes only None.",
            ask="What would receive the value, before the first line has run?",
        ) from error
    except StopIteration:
        raise Wrong(
            f"The StopIteration of {what} came out of drive: that is how a coroutine "
            "returns.",
            ask="Is every send inside your `try`, the first one, too?",
        ) from None
    if coro.cr_frame is not None:
        where = (
            "has not begun" if coro.cr_await is None else "still waits for an answer"
        )
        coro.close()
        raise Wrong(
            f"drive has returned {shown(given)}, and {what} {where}.",
            ask="How do you know that the coroutine has ended?",
        )
    if given != expected:
        ask = "Which object carries the result of a coroutine to its driver?"
        if isinstance(given, str):
            ask = "Which answer does the coroutine get for each of its questions?"
        raise Wrong(
            f"For {what} drive gave {shown(given)}; {shown(expected)} was wanted.", ask
        )


def drive(
    coro: Coroutine[Question, str | None, str], answers: Mapping[str, str]
) -> str:
    """Answer each question of ``coro`` by its text; give back what it returns."""
    try:
        question = coro.send(None)
        while True:
            question = coro.send(answers[question.text])
    except StopIteration as stop:
        return str(stop.value)


def sends_at_once(coro, answers):
    try:
        for answer in answers.values():
            coro.send(answer)
    except StopIteration as stop:
        return stop.value


def the_result_lost(coro, answers):
    try:
        question = coro.send(None)
        while True:
            question = coro.send(answers[question.text])
    except StopIteration:
        return question


def a_for_loop(coro, answers):
    for question in coro:
        coro.send(answers[question.text])


def begun_with_next(coro, answers):
    try:
        question = next(coro)
        while True:
            question = coro.send(answers[question.text])
    except StopIteration as stop:
        return stop.value


def the_question_as_a_key(coro, answers):
    try:
        question = coro.send(None)
        while True:
            question = coro.send(answers[question])
    except StopIteration as stop:
        return stop.value


def the_first_answer_again(coro, answers):
    try:
        question = coro.send(None)
        answer = answers[question.text]
        while True:
            coro.send(answer)
    except StopIteration as stop:
        return stop.value


def in_the_order_of_the_answers(coro, answers):
    try:
        coro.send(None)
        for answer in answers.values():
            coro.send(answer)
    except StopIteration as stop:
        return stop.value


def the_first_send_outside(coro, answers):
    question = coro.send(None)
    try:
        while True:
            question = coro.send(answers[question.text])
    except StopIteration as stop:
        return stop.value


def two_questions_only(coro, answers):
    try:
        question = coro.send(None)
        question = coro.send(answers[question.text])
        coro.send(answers[question.text])
    except StopIteration as stop:
        return stop.value


def every_error_taken(coro, answers):
    try:
        question = coro.send(None)
        while True:
            question = coro.send(answers[question.text])
    except Exception as error:
        return getattr(error, "value", None)


def the_stop_itself(coro, answers):
    try:
        question = coro.send(None)
        while True:
            question = coro.send(answers[question.text])
    except StopIteration as stop:
        return stop


def none_each_time(coro, answers):
    try:
        while True:
            coro.send(None)
    except StopIteration as stop:
        return stop.value


async def awaits_it(coro, answers):
    return await coro


WRONG = (
    (sends_at_once, "a coroutine that has not begun takes only None"),
    (the_result_lost, "For order drive gave <Question>"),
    (a_for_loop, "A coroutine knows send, not next"),
    (begun_with_next, "A coroutine knows send, not next"),
    (the_question_as_a_key, "Out comes a Question; its text is the key."),
    (the_first_answer_again, "Which answer does the coroutine get for each"),
    (in_the_order_of_the_answers, "For a coroutine with three questions drive gave"),
    (the_first_send_outside, "The StopIteration of a coroutine without a question"),
    (two_questions_only, "a coroutine with three questions still waits for an answer"),
    (every_error_taken, "The coroutine raised a LookupError"),
    (the_stop_itself, "For order drive gave StopIteration"),
    (none_each_time, "'one None coffee, milk: None'"),
    (awaits_it, "drive is a coroutine function"),
)
