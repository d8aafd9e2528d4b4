"""Exercise 2.2 · Drive it by hand

12 minutes, after section 4 of the notebook.
Check it: python3 -m workshop exercise 2.2

``order`` is a coroutine that asks questions. No event loop is here: you drive it. Write
``drive``: it starts the coroutine, takes each question that comes out, sends in the
answer, and gives back what the coroutine returns.
"""

from collections.abc import Coroutine, Generator, Mapping


class Question:
    """A wish: the driver sends in the answer."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __await__(self) -> Generator["Question", str, str]:
        answer = yield self
        return answer


async def order() -> str:
    size = await Question("Which size?")
    if size == "small":
        return "one small coffee"
    milk = await Question("With milk?")
    return f"one {size} coffee, milk: {milk}"


# ↓ Your turn begins here.
def drive(
    coro: Coroutine[Question, str | None, str], answers: Mapping[str, str]
) -> str:
    """Answer each question of ``coro`` by its text; give back what it returns."""
    return "nothing was driven"


# ↑ Your turn ends here.


if __name__ == "__main__":
    print(drive(order(), {"Which size?": "large", "With milk?": "yes"}))
