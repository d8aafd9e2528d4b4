"""Step 2: a generator is left at ``yield`` and entered again at the same place.

Its variables live in its frame, which is kept while it is suspended. There can be many
averages now, and nobody else can disturb them. But this one fetches its numbers itself.
"""

from collections.abc import Generator, Iterable
from typing import Any


def averages(numbers: Iterable[float]) -> Generator[float, None, None]:
    total = 0.0
    for count, number in enumerate(numbers, 1):
        total += number
        yield total / count  # left here, entered again here


def main() -> None:
    average: Any = averages([10, 20, 60])
    print("made, and suspended before its first line:", average.gi_frame.f_locals)
    print("next:", next(average))
    print("next:", next(average))
    frame = average.gi_frame
    total = frame.f_locals["total"]
    count = frame.f_locals["count"]
    line = frame.f_lineno - frame.f_code.co_firstlineno
    print(f"suspended {line} lines after its def, with total={total} count={count}")
    print("next:", next(average))
    print("one more:", next(average, "nothing: it has returned, its frame is gone"))
    print("frame:", average.gi_frame)


if __name__ == "__main__":
    main()
