"""Hints, check and solution of exercise 2.3, and what must not pass."""

from collections.abc import Generator
from typing import Any

from workshop.exercises import Wrong, shown

HINTS = (
    "`await` calls `__await__`, and then goes through what that gives, as `yield from` "
    "does. Which kind of function can be left in the middle, and entered again with a "
    "value?",
    "`__await__` is a generator, with one `yield`. What is yielded comes out at the "
    "driver. What is sent in is the value of the `yield`. How does it become the value "
    "of the `await`?",
    "`answer = yield self`, and then `return answer`.",
)


def check(question: Any) -> str:
    _check_await(question)
    _check_twice(question)
    _check_two(question)
    return "out comes the question, in goes the answer, as often as one likes."


async def ask(question: Any) -> Any:
    return await question


async def ask_twice(question: Any) -> Any:
    return [await question, await question]


def _check_await(make: Any) -> None:
    question = make("Your name?")
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
        again = coro.send("Ada")
    except StopIteration as stop:
        if stop.value != "Ada":
            raise Wrong(
                f"The driver answered 'Ada', and the value of the `await` is "
                f"{shown(stop.value)}.",
                ask="What is the value of a `yield`, and where does yours go?",
            ) from None
    else:
        coro.close()
        raise Wrong(
            f"The driver answered, and {shown(again)} came out: it waits once more.",
            ask="How many times does it yield?",
        )


def _check_twice(make: Any) -> None:
    question = make("And now?")
    coro = ask_twice(question)
    try:
        coro.send(None)
        coro.send("first")
        coro.send("second")
    except StopIteration as stop:
        if stop.value != ["first", "second"]:
            raise Wrong(
                "The same question was awaited twice. The first answer was 'first', "
                f"the second 'second'; `await` gave {shown(stop.value)}.",
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
    one = ask(make("one"))
    two = ask(make("two"))
    questions = [one.send(None), two.send(None)]
    texts = [getattr(question, "text", None) for question in questions]
    values = []
    for coro, answer in ((one, 1), (two, 2)):
        try:
            coro.send(answer)
        except StopIteration as stop:
            values.append(stop.value)
    if texts != ["one", "two"] or values != [1, 2]:
        raise Wrong(
            f"Two questions at the same time: their texts were {shown(texts)}, and the "
            f"values {shown(values)}; ['one', 'two'] and [1, 2] were wanted.",
            ask="Does the text belong to the class, or to each question?",
        )


class Question:
    """A wish: out comes the question itself, in goes the answer to it."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __await__(self) -> Generator["Question", str, str]:
        answer = yield self
        return answer


class AsyncAwait:
    def __init__(self, text):
        self.text = text

    async def __await__(self):
        return self.text


class ReturnsSelf:
    def __init__(self, text):
        self.text = text

    def __await__(self):
        return self


class OneGenerator:
    def __init__(self, text):
        self.text = text
        self.generator = self.wait()

    def wait(self):
        answer = yield self
        return answer

    def __await__(self):
        return self.generator


class YieldsTheText:
    def __init__(self, text):
        self.text = text

    def __await__(self):
        answer = yield self.text
        return answer


class ForgetsTheAnswer:
    def __init__(self, text):
        self.text = text

    def __await__(self):
        yield self


class ReturnsTheText:
    def __init__(self, text):
        self.text = text

    def __await__(self):
        yield self
        return self.text


class ReturnsAList:
    def __init__(self, text):
        self.text = text

    def __await__(self):
        return iter([])


class YieldsTwice:
    def __init__(self, text):
        self.text = text

    def __await__(self):
        yield self
        answer = yield self
        return answer


class RemembersTheAnswer:
    def __init__(self, text):
        self.text = text
        self.answer = None

    def __await__(self):
        if self.answer is None:
            self.answer = yield self
        return self.answer


class AwaitsItself:
    def __init__(self, text):
        self.text = text

    def __await__(self):
        answer = yield from self
        return answer


WRONG = (
    (AsyncAwait, "Python says: __await__() returned a coroutine"),
    (ReturnsSelf, "Python says: __await__() returned non-iterator"),
    (OneGenerator, "The same question was awaited twice"),
    (YieldsTheText, "Out came 'Your name?'; the question itself was wanted"),
    (ForgetsTheAnswer, "the value of the `await` is None"),
    (ReturnsTheText, "the value of the `await` is 'Your name?'"),
    (ReturnsAList, "`await` did not wait"),
    (YieldsTwice, "it waits once more"),
    (RemembersTheAnswer, "`await` gave ['first', 'first']"),
    (AwaitsItself, "TypeError was raised at line"),
)
