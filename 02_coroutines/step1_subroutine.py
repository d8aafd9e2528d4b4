"""Step 1: a subroutine begins at its start, returns once, and keeps nothing.

The story of the six steps: numbers come in one by one, and after each we want the
average so far. Somebody has to remember the sum and the count.
"""

total = 0.0  # a function forgets its variables, so they live out here:
count = 0  # one average for the whole program, and anybody can disturb it


def average(number: float) -> float:
    global total, count
    total += number
    count += 1
    return total / count


def main() -> None:
    for number in (10, 20, 60):
        print(f"{number} comes in, the average is {average(number):g}")


if __name__ == "__main__":
    main()
