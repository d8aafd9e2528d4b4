"""Step 3: ``send`` puts a value in where it was left, ``throw`` an exception.

Now whoever drives the generator decides when a number comes. ``yield`` works in both
directions: out goes the average, in comes the next number. (PEP 342)
"""

from collections.abc import Generator


class Forget(Exception):
    """Thrown in to make an average begin anew."""


def averager() -> Generator[float | None, float, None]:
    total = 0.0
    count = 0
    average = None
    while True:
        try:
            number = yield average
        except Forget:
            total = 0.0
            count = 0
            average = None
        else:
            total += number
            count += 1
            average = total / count


def main() -> None:
    average = averager()
    print("to its first yield:", next(average))  # as send(None)
    print("send 10:", average.send(10))
    print("send 20:", average.send(20))
    print("throw Forget:", average.throw(Forget()))
    print("send 60:", average.send(60))
    average.close()  # throws GeneratorExit, which it does not catch
    try:
        average.send(1)
    except StopIteration:
        print("closed: it cannot go on")


if __name__ == "__main__":
    main()
