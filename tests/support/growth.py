"""How the time of some work grows with its input."""

import math
import time
from collections.abc import Callable

FIRST_ROUNDS = 5  # without a look: the very first one is slow
ALL_ROUNDS = 50


def linear(work: Callable[[int], object], size: int) -> bool:
    """Whether ten times the input takes about ten times as long, and not a hundred.

    A busy machine makes a round slower, never quicker. So the quickest rounds are
    compared, and more rounds are made until they tell.

    Args:
        work: what is done; it gets the size of its input.
        size: the smaller one of the two that are compared.
    """
    few = many = math.inf
    for number in range(ALL_ROUNDS):
        few = min(few, seconds(work, size))
        many = min(many, seconds(work, 10 * size))
        if number >= FIRST_ROUNDS and many < 40 * few:
            return True
    return False


def seconds(work: Callable[[int], object], size: int) -> float:
    before = time.process_time()
    work(size)
    return time.process_time() - before
