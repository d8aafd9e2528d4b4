"""Hints, check and solution of exercise 2.1, and what must not pass."""

from exercises.e1_where import main

from workshop.exercises import Wrong, shown

HINTS = (
    "What has run when `till()` has been called, and nothing else? How far does the "
    "first `next` go?",
    "`send(30)` does two things: the `yield` at which the till stands becomes 30, and "
    "then it runs on to the next `yield`. What is the total by then?",
    "`next` is `send(None)`: an amount of nothing changes nothing. So the first number "
    "is the total at the start, and the third is the second once more.",
)


def check(says: list[int]) -> str:
    said: list[int] = []
    main(said.append)
    if not isinstance(says, list | tuple) or len(says) != len(said):
        raise Wrong(
            f"says is {shown(says)}; a list of four numbers was wanted.",
            ask="How often does main say something?",
        )
    if list(says) == said:
        return "each step runs from one `yield` to the next, and gives what is there."
    if any(not isinstance(value, int) for value in says):
        raise Wrong(
            f"says is {shown(says)}; four numbers were wanted. next and send give what "
            "the `yield` yields, each time.",
            ask="What stands behind the word `yield`?",
        )
    if says[0] != said[0]:
        raise Wrong(
            f"The first number is not {says[0]}. The call till() runs nothing; the "
            "first next runs from the first line to the first `yield`.",
            ask="What is the total there?",
        )
    if says[1] == said[0]:
        raise Wrong(
            f"The second number is not {says[1]}. send does not give what was yielded "
            "before; it runs on to the next `yield`, and gives what is yielded there.",
            ask="Which lines run between the two yields?",
        )
    if says[1] != said[1]:
        raise Wrong(
            f"The second number is not {says[1]}. What is sent in becomes the value of "
            "the `yield` at which the till stands.",
            ask="What is amount then, and what is the total?",
        )
    if says[2] != said[2]:
        raise Wrong(
            f"The third number is not {says[2]}. next is send(None): the till goes "
            "round once more, and with an amount of None.",
            ask="What does the `if` do with None?",
        )
    raise Wrong(
        f"The fourth number is not {says[3]}.",
        ask="What was the total before, and what is sent in?",
    )


says = [0, 30, 30, 80]

WRONG = (
    ([0, 0, 30, 30], "send does not give what was yielded before"),
    ([30, 30, 50, 80], "The call till() runs nothing"),
    ([30, 30, 80, 80], "The first number is not 30"),
    ([0, 30, 0, 50], "next is send(None)"),
    ([0, 30, 60, 110], "The third number is not 60"),
    ([0, 30, 30, 50], "The fourth number is not 50"),
    ([0, None, 30, None], "four numbers were wanted"),
    ([0, 30, 80], "a list of four numbers was wanted"),
)
