"""Hints, check and solution of exercise 1.2, and what must not pass."""

import asyncio
from collections.abc import Awaitable, Callable

from exercises.e2_letter import Post

from workshop.exercises import Wrong, shown

HINTS = (
    "What does the call of an `async def` give back, and who runs it? Python has "
    "written a warning about it.",
    "Only who awaits the letter knows when it has been sent. Which word is missing?",
)


class WatchedPost(Post):
    """Notes which letters somebody has begun to send."""

    def __init__(self) -> None:
        super().__init__()
        self.begun: list[str] = []

    async def send(self, letter: str) -> None:
        self.begun.append(letter)
        await super().send(letter)


async def check(invite: Callable[[str, Post], Awaitable[str]]) -> str:
    loop = asyncio.get_running_loop()
    post = WatchedPost()
    began = loop.time()
    said = await invite("Ada", post)
    seconds = loop.time() - began
    if not post.sent:
        when = "was never begun"
        if post.begun:
            when = "has begun, and was not awaited"
        else:
            await asyncio.sleep(1)  # does a task of it run later?
            if post.sent:
                when = "began only after invite had returned"
        raise Wrong(
            f"invite has returned, and no letter was sent: its sending {when}.",
            ask="Who waits until post.send is done?",
        )
    if len(post.sent) > 1:
        raise Wrong(f"{len(post.sent)} letters were sent; one was wanted.")
    if "Dear Ada" not in post.sent[0]:
        raise Wrong(f"The letter is {shown(post.sent[0])}; it began with 'Dear Ada'.")
    if seconds != 0.5:
        raise Wrong(
            f"invite took {seconds:g} s; the letter needs 0.5 s.",
            ask="What waits longer than the letter, and why does it not know the time?",
        )
    if said != "The letter to Ada was sent.":
        raise Wrong(
            f"invite gave {shown(said)}; 'The letter to Ada was sent.' was wanted.",
            ask="What does the last line of invite give back?",
        )
    return "the letter had been sent when invite said so."


async def invite(name: str, post: Post) -> str:
    """Send one letter to ``name``; say so when it has been sent."""
    await post.send(f"Dear {name}, please come on Friday.")
    return f"The letter to {name} was sent."


async def a_task_and_on(name, post):
    asyncio.create_task(post.send(f"Dear {name}, please come on Friday."))
    return f"The letter to {name} was sent."


async def a_loop_inside(name, post):
    asyncio.run(post.send(f"Dear {name}, please come on Friday."))
    return f"The letter to {name} was sent."


async def the_warning_filtered(name, post):
    import warnings

    warnings.simplefilter("ignore")
    post.send(f"Dear {name}, please come on Friday.")
    return f"The letter to {name} was sent."


async def a_task_and_a_pause(name, post):
    asyncio.create_task(post.send(f"Dear {name}, please come on Friday."))
    await asyncio.sleep(1)
    return f"The letter to {name} was sent."


async def a_task_and_a_short_pause(name, post):
    asyncio.create_task(post.send(f"Dear {name}, please come on Friday."))
    await asyncio.sleep(0)
    return f"The letter to {name} was sent."


async def a_block(name, post):
    import time

    asyncio.create_task(post.send(f"Dear {name}, please come on Friday."))
    time.sleep(0.5)
    return f"The letter to {name} was sent."


async def the_function_awaited(name, post):
    await post.send
    return f"The letter to {name} was sent."


async def the_coroutine_given_back(name, post):
    return post.send(f"Dear {name}, please come on Friday.")


async def the_end_given_back(name, post):
    return await post.send(f"Dear {name}, please come on Friday.")


async def gathered(name, post):
    asyncio.gather(post.send(f"Dear {name}, please come on Friday."))
    return f"The letter to {name} was sent."


WRONG = (
    (a_task_and_on, "its sending began only after invite had returned"),
    (a_loop_inside, "asyncio.run() cannot be called from a running event loop"),
    (the_warning_filtered, "its sending was never begun"),
    (a_task_and_a_pause, "invite took 1 s; the letter needs 0.5 s"),
    (a_task_and_a_short_pause, "its sending has begun, and was not awaited"),
    (a_block, "its sending began only after invite had returned"),
    (the_function_awaited, "TypeError was raised at line"),
    (the_coroutine_given_back, "its sending was never begun"),
    (the_end_given_back, "invite gave None"),
    (gathered, "its sending began only after invite had returned"),
)
