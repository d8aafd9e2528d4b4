"""Hints, check and solution of exercise 2.3, and what must not pass."""

from collections.abc import Generator, Sequence
from typing import Any

from workshop.exercises import Wrong, shown

HINTS = (
    "`await` calls `__await__`, and then goes through what that gives, as `yield from` "
    "does. Which kind of function can be left in the middle, and entered again with a "
    "value?",
    "`__await__` is a generator. What is yielded comes out at the "
    "driver. What is sent in is the value of the `yield`. How does it become the value "
    "of the `await`? And what if it is no possible answer?",
    "`answer = yield self` first. Then `while answer not in self.possible:` the same "
    "line once more, and behind the loop `return answer`.",
)

POSSIBLE = ("small", "large")


def check(question: Any) -> str:
    _check_await(question)
    _check_asks_again(question)
    _check_twice(question)
    _check_two(question)
    return "out comes the question, until a possible answer comes in."


async def ask(question: Any) -> Any:
    return await question


async def ask_twice(question: Any) -> Any:
    return [await question, await question]


def _check_await(make: Any) -> None:
    question = make("Which size?", POSSIBLE)
    coro = ask(question)
    try:
        out = coro.send(None)
    except StopIteration as stop:
        raise Wrong(
            f"`await` did not wait: its value is {shown(stop.value)}, and nothing was "
            "handed to the driver.",
            ask="At which word does a coroutine stand still?",
        ) from None
    except TypeError as error:
        if "__await__" not in str(error):
            raise
        raise Wrong(
            f"Python says: {error}. It wants something to go through, step by step.",
            ask="Which word in a function makes its call give a generator?",
        ) from error
    if out is not question:
        raise Wrong(
            f"Out came {shown(out)}; the question itself was wanted, so that the "
            "driver can see its text and more.",
            ask="What stands behind your `yield`?",
        )
    try:
        again = coro.send("large")
    except StopIteration as stop:
        if stop.value != "large":
            raise Wrong(
                f"The driver answered 'large', and the value of the `await` is "
                f"{shown(stop.value)}.",
                ask="What is the value of a `yield`, and where does yours go?",
            ) from None
    else:
        coro.close()
        raise Wrong(
            f"The driver answered 'large', which is possible, and {shown(again)} came "
            "out: it waits once more.",
            ask="What must be true of an answer, so that it yields again?",
        )


def _check_asks_again(make: Any) -> None:
    question = make("Which size?", POSSIBLE)
    coro = ask(question)
    coro.send(None)
    for answer in ("huge", "tiny"):
        try:
            out = coro.send(answer)
        except StopIteration as stop:
            raise Wrong(
                f"small and large are possible. The driver answered {answer!r}, and "
                f"`await` gave {shown(stop.value)}; the question once more was wanted.",
                ask="How often may a driver be wrong, and how often does yours ask?",
            ) from None
        if out is not question:
            raise Wrong(
                f"small and large are possible. The driver answered {answer!r}, and "
                f"{shown(out)} came out; the question once more was wanted.",
                ask="What stands behind your second `yield`?",
            )
    try:
        coro.send("small")
    except StopIteration as stop:
        if stop.value == "small":
            return
        raise Wrong(
            "The driver answered 'huge', 'tiny' and then 'small', and the value of the "
            f"`await` is {shown(stop.value)}.",
            ask="Which of the answers does it keep?",
        ) from None
    coro.close()
    raise Wrong("After two wrong answers a possible one came, and it waits once more.")


def _check_twice(make: Any) -> None:
    question = make("And now?", POSSIBLE)
    coro = ask_twice(question)
    try:
        coro.send(None)
        coro.send("small")
        coro.send("large")
    except StopIteration as stop:
        if stop.value != ["small", "large"]:
            raise Wrong(
                "The same question was awaited twice. The first answer was 'small', "
                f"the second 'large'; `await` gave {shown(stop.value)}.",
                ask="Does each `await` get a generator of its own?",
            ) from None
        return
    except RuntimeError as error:
        raise Wrong(
            f"The same question was awaited twice, and Python says: {error}.",
            ask="Does each `await` get a generator of its own?",
        ) from None
    coro.close()
    raise Wrong("The same question was awaited twice, and it waits a third time.")


def _check_two(make: Any) -> None:
    """Two questions that wait at the same time have nothing in common."""
    one = ask(make("one", ["1"]))
    two = ask(make("two", ["2"]))
    questions = [one.send(None), two.send(None)]
    texts = [getattr(question, "text", None) for question in questions]
    values = []
    for coro, answer in ((one, "1"), (two, "2")):
        try:
            coro.send(answer)
        except StopIteration as stop:
            values.append(stop.value)
    if texts != ["one", "two"] or values != ["1", "2"]:
        raise Wrong(
            f"Two questions at the same time: their texts were {shown(texts)}, and the "
            f"values {shown(values)}; ['one', 'two'] and ['1', '2'] were "
            "wanted.",
            ask="Does the text belong to the class, or to each question?",
        )


class Question:
    """A wish: out comes the question, until a possible answer comes in."""

    def __init__(self, text: str, possible: Sequence[str]) -> None:
        self.text = text
        self.possible = possible

    def __await__(self) -> Generator["Question", str, str]:
        answer = yield self
        while answer not in self.possible:
            answer = yield self
        return answer


class AsyncAwait:
    def __init__(self, text, possible):
        self.text = text
        self.possible = possible

    async def __await__(self):
        return self.text


class ReturnsSelf:
    def __init__(self, text, possible):
        self.text = text
        self.possible = possible

    def __await__(self):
        return self


class OneGenerator:
    def __init__(self, text, possible):
        self.text = text
        self.possible = possible
        self.generator = self.wait()

    def wait(self):
        answer = yield self
        while answer not in self.possible:
            answer = yield self
        return answer

    def __await__(self):
        return self.generator


class YieldsTheText:
    def __init__(self, text, possible):
        self.text = text
        self.possible = possible

    def __await__(self):
        answer = yield self.text
        return answer


class ForgetsTheAnswer:
    def __init__(self, text, possible):
        self.text = text
        self.possible = possible

    def __await__(self):
        yield self


class ReturnsTheText:
    def __init__(self, text, possible):
        self.text = text
        self.possible = possible

    def __await__(self):
        yield self
        return self.text


class ReturnsAList:
    def __init__(self, text, possible):
        self.text = text
        self.possible = possible

    def __await__(self):
        return iter([])


class YieldsTwice:
    def __init__(self, text, possible):
        self.text = text
        self.possible = possible

    def __await__(self):
        yield self
        answer = yield self
        return answer


class RemembersTheAnswer:
    def __init__(self, text, possible):
        self.text = text
        self.possible = possible
        self.answer = None

    def __await__(self):
        while self.answer not in self.possible:
            self.answer = yield self
        return self.answer


class TakesAnyAnswer:
    """As Number in the notebook."""

    def __init__(self, text, possible):
        self.text = text
        self.possible = possible

    def __await__(self):
        answer = yield self
        return answer


class AsksTwiceAtMost:
    def __init__(self, text, possible):
        self.text = text
        self.possible = possible

    def __await__(self):
        answer = yield self
        if answer not in self.possible:
            answer = yield self
        return answer


class AsksAgainWithTheText:
    def __init__(self, text, possible):
        self.text = text
        self.possible = possible

    def __await__(self):
        answer = yield self
        while answer not in self.possible:
            answer = yield self.text
        return answer


class KeepsTheFirstAnswer:
    def __init__(self, text, possible):
        self.text = text
        self.possible = possible

    def __await__(self):
        answer = yield self
        again = answer
        while again not in self.possible:
            again = yield self
        return answer


class AwaitsItself:
    def __init__(self, text, possible):
        self.text = text
        self.possible = possible

    def __await__(self):
        answer = yield from self
        return answer


WRONG = (
    (AsyncAwait, "Python says: __await__() returned a coroutine"),
    (ReturnsSelf, "Python says: __await__() returned non-iterator"),
    (OneGenerator, "The same question was awaited twice"),
    (YieldsTheText, "Out came 'Which size?'; the question itself was wanted"),
    (ForgetsTheAnswer, "the value of the `await` is None"),
    (ReturnsTheText, "the value of the `await` is 'Which size?'"),
    (ReturnsAList, "`await` did not wait"),
    (YieldsTwice, "it waits once more"),
    (RemembersTheAnswer, "`await` gave ['small', 'small']"),
    (TakesAnyAnswer, "The driver answered 'huge', and `await` gave 'huge'"),
    (AsksTwiceAtMost, "The driver answered 'tiny', and `await` gave 'tiny'"),
    (AsksAgainWithTheText, "and 'Which size?' came out"),
    (KeepsTheFirstAnswer, "the value of the `await` is 'huge'"),
    (AwaitsItself, "TypeError was raised at line"),
)
