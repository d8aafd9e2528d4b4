"""Step 4: ``yield from`` lets a generator call another one, and stands aside.

A value that the driver sends goes straight to the inner one, and so does an error. A
value that the inner one yields goes straight to the driver. The value that the inner
one *returns* is the value of the whole expression. So a long piece of work can be cut
into functions again. (PEP 380)
"""

from collections.abc import Generator
from typing import Any

Numbers = Generator[float | None, float | None, float]


def averager() -> Numbers:
    total = 0.0
    count = 0
    average = 0.0
    while True:
        number = yield average
        if number is None:  # the end of these numbers
            return average
        total += number
        count += 1
        average = total / count


def two_days() -> Generator[float | None, float | None, str]:
    monday = yield from averager()
    tuesday = yield from averager()
    return f"Monday {monday:g}, Tuesday {tuesday:g}"


def main() -> None:
    days: Any = two_days()
    next(days)
    for number in (10, 20):
        print(f"send {number}: {days.send(number)}")
    print("two_days stands aside, inside", days.gi_yieldfrom.__name__)
    print("send None: Monday returns, and Tuesday's first yield is", days.send(None))
    for number in (7, 8, 9):
        print(f"send {number}: {days.send(number)}")
    try:
        days.send(None)
    except StopIteration as stop:
        print("returned:", stop.value)


if __name__ == "__main__":
    main()
