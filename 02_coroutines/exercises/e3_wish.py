"""Exercise 2.3 · A wish of your own

10 minutes, after section 4 of the notebook.
Check it: python3 -m workshop exercise 2.3

``await Question("Which size?", ["small", "large"])`` hands the question to the driver,
and waits. An answer that is not among the possible ones is not taken: the question goes
to the driver once more. As soon as an answer comes that is in ``possible``, it is the
value of the ``await``. Write ``Question``. The same ``Question`` can be awaited more
than once, and asks anew each time.
"""

from collections.abc import Generator, Sequence


# ↓ Your turn begins here.
class Question:
    """A wish: out comes the question, until a possible answer comes in."""

    def __init__(self, text: str, possible: Sequence[str]) -> None:
        self.text = text
        self.possible = possible

    def __await__(self) -> Generator["Question", str, str]:
        return self.text


# ↑ Your turn ends here.


async def order() -> str:
    size = await Question("Which size?", ["small", "large"])
    return f"one {size} coffee"


def main() -> None:
    coro = order()
    question = coro.send(None)
    print("out comes:", question.text)
    question = coro.send("huge")
    print("out comes:", question.text)
    try:
        coro.send("large")
    except StopIteration as stop:
        print("returned:", stop.value)


if __name__ == "__main__":
    main()
