"""Step 5: an object with ``__await__`` is a wish that one can wait for.

``__await__`` returns an iterator; what it yields goes out to the driver, what is sent
in comes back. Here the wish yields *itself*, so that the driver can read what is
wanted. (PEP 492, "Awaitable Objects")
"""

from collections.abc import Generator


class Number:
    """The wish for a number."""

    def __init__(self, label: str) -> None:
        self.label = label

    def __repr__(self) -> str:
        return f"Number({self.label!r})"

    def __await__(self) -> Generator["Number", float, float]:
        number = yield self
        return number


def main() -> None:
    waiting = Number("the first").__await__()
    print("the wish:", next(waiting))
    try:
        waiting.send(10)
    except StopIteration as stop:
        print("the answer:", stop.value)


if __name__ == "__main__":
    main()
