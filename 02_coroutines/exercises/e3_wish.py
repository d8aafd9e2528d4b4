"""Exercise 2.3 · A wish of your own

10 minutes, after section 4 of the notebook.
Check it: python3 -m workshop exercise 2.3

``await Question("Your name?")`` should hand the question to the driver, wait, and have
the driver's answer as its value. Write ``Question``. It keeps its text, and ``await``
can use it more than once.
"""

from collections.abc import Generator


# ↓ Your turn begins here.
class Question:
    """A wish: out comes the question itself, in goes the answer to it."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __await__(self) -> Generator["Question", str, str]:
        return self.text


# ↑ Your turn ends here.


async def greet() -> str:
    name = await Question("Your name?")
    return f"Hello {name}!"


def main() -> None:
    coro = greet()
    question = coro.send(None)
    print("out comes:", question.text)
    try:
        coro.send("Ada")
    except StopIteration as stop:
        print("returned:", stop.value)


if __name__ == "__main__":
    main()
