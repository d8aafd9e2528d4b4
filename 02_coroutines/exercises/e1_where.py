"""Exercise 2.1 · Where does it stand?

5 minutes, after section 3 of the notebook.
Check it: python3 -m workshop exercise 2.1

A cash till takes amounts and tells the sum. ``main`` uses it four times. Which four
numbers does it say? Put your guess into ``says``, then check it. Afterwards
``python3 02_coroutines/exercises/e1_where.py``, in a terminal, prints the numbers.
"""

from collections.abc import Callable, Generator


def till() -> Generator[int, int | None, None]:
    total = 0
    while True:
        amount = yield total
        if amount is not None:
            total += amount


def main(say: Callable[[int], None] = print) -> None:
    cash = till()
    say(next(cash))
    say(cash.send(30))
    say(next(cash))
    say(cash.send(50))


# ↓ Your turn begins here.
says = [-1, -1, -1, -1]
# ↑ Your turn ends here.


if __name__ == "__main__":
    main()
