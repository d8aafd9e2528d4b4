"""Hints, check and solution of exercise 1.3, and what must not pass."""

from collections import Counter

from exercises.e3_who_prints_first import main

from workshop.exercises import Wrong, shown

HINTS = (
    "A new task does not run yet. Which is the first line of `main` at which `main` "
    "really has to wait?",
    "`await helper(say)` runs `helper` as a part of `main`, like a call. And what is "
    "there to wait for in `await one`, the second time?",
    "Up to `after helper` only `main` runs. Then `one` has its turn. Nothing is to be "
    "waited for in the second `await one`, so `two` has to wait for `await two`.",
)


async def check(prints: list[str]) -> str:
    printed: list[str] = []
    await main(printed.append)
    if not isinstance(prints, list | tuple):
        raise Wrong(
            f"prints is {shown(prints)}; a list of the six texts was wanted.",
            ask="Which brackets make a list?",
        )
    if Counter(map(str, prints)) != Counter(printed):
        missing = list((Counter(printed) - Counter(map(str, prints))).elements())
        raise Wrong(
            f"The list has {len(prints)} texts, and these are missing: "
            f"{', '.join(missing) or 'none, but one stands there twice'}.",
            ask="Which six texts are there in the program?",
        )
    place = {text: prints.index(text) for text in printed}
    if place["one"] < place["main"]:
        raise Wrong(
            "'one' stands before 'main'. Making a task does not start it: it begins "
            "when the task that made it has to wait.",
            ask="Has main waited for anything before it prints 'main'?",
        )
    if place["one"] < place["after helper"]:
        raise Wrong(
            "'one' stands before 'after helper'. main does not give control back while "
            "it awaits helper, since helper waits for nothing.",
            ask="What would helper need in it, so that others run meanwhile?",
        )
    if place["two"] < place["after one"]:
        raise Wrong(
            "'two' stands before 'after one'. The task one is done when it is awaited "
            "again, and to await a task that is done does not give control back.",
            ask="What is there to wait for in the second `await one`?",
        )
    right = 0
    while right < len(printed) and prints[right] == printed[right]:
        right += 1
    if right < len(printed):
        raise Wrong(
            f"The first {right} are right; {prints[right]!r} does not come next.",
            ask="At which line does main stand then, and must it wait there?",
        )
    return (
        "main gives control back twice: at the first `await one`, and at `await two`."
    )


prints = ["main", "helper", "after helper", "one", "after one", "two"]

WRONG = (
    (
        ["one", "main", "helper", "after helper", "two", "after one"],
        "Making a task does not start it",
    ),
    (
        ["main", "one", "helper", "after helper", "after one", "two"],
        "main does not give control back while it awaits helper",
    ),
    (
        ["main", "helper", "one", "after helper", "after one", "two"],
        "main does not give control back while it awaits helper",
    ),
    (
        ["main", "helper", "after helper", "one", "two", "after one"],
        "to await a task that is done does not give control back",
    ),
    (
        ["main", "after helper", "helper", "one", "after one", "two"],
        "The first 1 are right; 'after helper' does not come next",
    ),
    (["main", "helper", "after helper", "one", "two"], "are missing: after one"),
    ("main, helper, after helper, one, after one, two", "a list of the six texts"),
)
