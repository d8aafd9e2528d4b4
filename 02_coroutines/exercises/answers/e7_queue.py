"""Hints, check and solution of exercise 2.7, and what must not pass."""

from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

import tiny_loop
from stepping import record_tiny

from workshop.exercises import Wrong, shown
from workshop.pictures.timeline import Timeline

HINTS = (
    "A task that waits makes a future, puts it into a line, and awaits it. After it "
    "was woken another task may have been faster. So what must it do before it takes "
    "an item?",
    "Two lines: those who wait in `get`, and those who wait in `put`. `while` there is "
    "no item: wait in the line. After taking one wake the first of the *other* line. "
    "`set_result` gives `False` if that one has been cancelled: then wake the next.",
    "Who was woken and then cancelled must pass it on: around `await place` an `except "
    "tiny_loop.CancelledError:`, in it `if place in line: line.remove(place)`, else "
    "wake the next one of this line; then `raise`.",
)


def check(queue: Any) -> str:
    for scene in (
        _in_order,
        _full,
        _faster,
        _one_each,
        _cancelled,
        _woken_then_cancelled,
    ):
        _run(scene, queue)
    return "it waits, slows down, wakes one at a time, and loses no wake-up."


def _run(scene: Callable[[Any], Coroutine[Any, Any, Any]], queue: Any) -> None:
    try:
        tiny_loop.run(scene(queue))
    except tiny_loop.Deadlock:
        words = (scene.__doc__ or "").strip()
        raise Wrong(
            f"{words} Now all wait, and nobody will be woken: a wake-up was lost, or "
            "never given.",
            ask="Who has put something in or taken something out, and whom did it "
            "wake?",
        ) from None


async def _take(queue: Any, taken: list[Any]) -> None:
    taken.append(await queue.get())


async def _in_order(make: Any) -> None:
    """A task waits in get; then three items are put in, and two more are taken."""
    queue = make(3)
    taken: list[Any] = []
    first = tiny_loop.create_task(_take(queue, taken))
    await tiny_loop.sleep(1)
    if first.done():
        first.result()  # the learner's own error, with its line
        raise Wrong(
            f"The queue is empty, and get gave {shown(taken[0])}; it should wait.",
            ask="What can get give when there is nothing?",
        )
    for item in "abc":
        await queue.put(item)
    await first
    taken += [await queue.get(), await queue.get()]
    if taken != ["a", "b", "c"]:
        raise Wrong(
            f"a, b and c were put in; {', '.join(map(shown, taken))} came out.",
            ask="At which end does a new item stand, and from which end is one taken?",
        )


async def _full(make: Any) -> None:
    """Two items fill the queue, and a third one is to be put in."""
    queue = make(2)
    put: list[str] = []

    async def produce() -> None:
        for item in "abcd":
            await queue.put(item)
            put.append(item)

    producer = tiny_loop.create_task(produce())
    await tiny_loop.sleep(1)
    if len(put) != 2:
        raise Wrong(
            f"The queue has a size of 2, and {len(put)} items were put in with nobody "
            "taking one.",
            ask="What must put look at, before it adds an item?",
        )
    await queue.get()
    await tiny_loop.sleep(1)
    if len(put) != 3:
        raise Wrong(
            f"One item was taken, and the producer has put in {len(put)}; 3 were "
            "wanted.",
            ask="Whom must get wake when it has taken an item?",
        )
    rest = [await queue.get() for _ in range(3)]
    await producer
    if rest != ["b", "c", "d"]:
        raise Wrong(f"b, c and d were left; {', '.join(map(shown, rest))} came out.")


async def _faster(make: Any) -> None:
    """One task waits in get, an item comes, and another task is faster."""
    queue = make(2)
    taken: list[Any] = []
    waiting = tiny_loop.create_task(_take(queue, taken))
    await tiny_loop.sleep(1)
    await queue.put("a")  # wakes the one that waits; it runs in the next turn
    mine = await queue.get()
    await tiny_loop.sleep(1)
    if waiting.done():
        try:
            waiting.result()
        except IndexError:
            raise Wrong(
                "A task was woken, another one was faster, and the woken one took from "
                "an empty queue (IndexError).",
                ask="Is it sure, when a task runs again, that what it waited for is "
                "still true?",
            ) from None
        raise Wrong(
            f"One item was put in, and two were taken: {shown(mine)} and "
            f"{', '.join(map(shown, taken))}.",
            ask="Was the item handed over, and put into the queue as well?",
        )
    await queue.put("b")
    await waiting
    if (mine, taken) != ("a", ["b"]):
        raise Wrong(
            f"'a' and 'b' were put in; {shown(mine)} and {shown(taken)} came out."
        )
    await _faster_put(make)


async def _faster_put(make: Any) -> None:
    """The same for put: a place becomes free, and another task is faster."""
    queue = make(1)
    await queue.put("a")
    tiny_loop.create_task(queue.put("b"))
    await tiny_loop.sleep(1)
    await queue.get()  # wakes the one that waits in put
    await queue.put("c")  # and takes its place
    await tiny_loop.sleep(1)
    held = len(getattr(queue, "items", "c"))
    if held > 1:
        raise Wrong(
            f"The queue has a size of 1, and holds {held} items: a task that waited in "
            "put was woken, and another one was faster.",
            ask="What must put look at again, when it has been woken?",
        )
    rest = [await queue.get(), await queue.get()]
    if rest != ["c", "b"]:
        raise Wrong(f"'c' and then 'b' were wanted; {shown(rest)} came out.")


async def _one_each(make: Any) -> None:
    """Thirty tasks wait in get, and thirty items come, one in a turn."""
    queue = make(1)
    taken: list[Any] = []
    for _ in range(30):
        tiny_loop.create_task(_take(queue, taken))
    await tiny_loop.sleep(1)
    loop = tiny_loop.get_loop()
    steps = 0
    call_soon = loop.call_soon

    def count(call: Callable[[], object]) -> None:
        nonlocal steps
        steps += 1
        call_soon(call)

    loop.call_soon = count  # type: ignore[method-assign]
    for n in range(30):
        await queue.put(n)
        await tiny_loop.sleep(1)
    del loop.call_soon
    if taken != list(range(30)):
        raise Wrong(
            f"Thirty waited, thirty items came, and {len(taken)} were taken: "
            f"{shown(taken)}.",
            ask="In which order are they woken?",
        )
    if steps > 200:  # about four for each item; to wake all makes some 500
        raise Wrong(
            "Thirty waited, thirty items came one after the other, and tasks were "
            f"woken {steps} times. One item is for one task: with a thousand that "
            "wait each item would wake a thousand.",
            ask="How many futures get a result when one item is put in?",
        )


async def _cancelled(make: Any) -> None:
    """Two tasks wait in get, the first is cancelled, and one item is put in."""
    queue = make(2)
    taken: list[Any] = []
    first = tiny_loop.create_task(_take(queue, taken))
    second = tiny_loop.create_task(_take(queue, taken))
    await tiny_loop.sleep(1)
    first.cancel()
    await queue.put("a")
    await second
    if taken != ["a"]:
        raise Wrong(f"The second one should get 'a'; it got {shown(taken)}.")
    if not first.done() or not isinstance(first.error, tiny_loop.CancelledError):
        raise Wrong(
            "The first one was cancelled, and has not ended with a CancelledError.",
            ask="Where does your `except` let the error go on?",
        )


async def _woken_then_cancelled(make: Any) -> None:
    """Two tasks wait in get, an item wakes the first, which is cancelled at once."""
    queue = make(2)
    taken: list[Any] = []
    first = tiny_loop.create_task(_take(queue, taken))
    second = tiny_loop.create_task(_take(queue, taken))
    await tiny_loop.sleep(1)
    await queue.put("a")
    first.cancel()
    await second
    if taken != ["a"]:
        raise Wrong(f"The second one should get 'a'; it got {shown(taken)}.")


async def _scene(make: Any) -> None:
    queue = make(2)

    async def produce() -> None:
        for n in range(5):
            await tiny_loop.sleep(0.1)
            await queue.put(n)

    async def consume() -> None:
        for _ in range(5):
            await queue.get()
            await tiny_loop.sleep(0.5)

    producer = tiny_loop.create_task(produce())
    await tiny_loop.create_task(consume())
    await producer


def picture(queue: Any) -> Timeline:
    return record_tiny(_scene(queue), "2.7 · your Queue: a slow consumer")


class Queue:
    """First in, first out; never more than ``size`` items."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.items: deque[Any] = deque()
        self.getters: deque[tiny_loop.Future] = deque()
        self.putters: deque[tiny_loop.Future] = deque()

    async def put(self, item: Any) -> None:
        """Add an item; wait while the queue is full."""
        while len(self.items) >= self.size:
            await self.wait_in(self.putters)
        self.items.append(item)
        self.wake_first(self.getters)

    async def get(self) -> Any:
        """Take the oldest item; wait while there is none."""
        while not self.items:
            await self.wait_in(self.getters)
        item = self.items.popleft()
        self.wake_first(self.putters)
        return item

    async def wait_in(self, line: deque[tiny_loop.Future]) -> None:
        place = tiny_loop.Future()
        line.append(place)
        try:
            await place
        except tiny_loop.CancelledError:
            if place in line:
                line.remove(place)
            else:  # it was woken already: the wake-up is for the next one
                self.wake_first(line)
            raise

    def wake_first(self, line: deque[tiny_loop.Future]) -> None:
        while line:
            if line.popleft().set_result():
                return


class IfForWhile:
    def __init__(self, size):
        self.size = size
        self.items = deque()
        self.getters = deque()
        self.putters = deque()

    async def put(self, item):
        if len(self.items) >= self.size:
            place = tiny_loop.Future()
            self.putters.append(place)
            await place
        self.items.append(item)
        if self.getters:
            self.getters.popleft().set_result()

    async def get(self):
        if not self.items:
            place = tiny_loop.Future()
            self.getters.append(place)
            await place
        item = self.items.popleft()
        if self.putters:
            self.putters.popleft().set_result()
        return item


class IfForWhileInPut:
    def __init__(self, size):
        self.size = size
        self.items = deque()
        self.getters = deque()
        self.putters = deque()

    async def put(self, item):
        if len(self.items) >= self.size:
            place = tiny_loop.Future()
            self.putters.append(place)
            await place
        self.items.append(item)
        while self.getters:
            if self.getters.popleft().set_result():
                break

    async def get(self):
        while not self.items:
            place = tiny_loop.Future()
            self.getters.append(place)
            await place
        item = self.items.popleft()
        if self.putters:
            self.putters.popleft().set_result()
        return item


class WakesAll:
    def __init__(self, size):
        self.size = size
        self.items = deque()
        self.waiting = []

    async def change(self):
        place = tiny_loop.Future()
        self.waiting.append(place)
        await place

    def tell(self):
        for place in self.waiting:
            place.set_result()
        self.waiting = []

    async def put(self, item):
        while len(self.items) >= self.size:
            await self.change()
        self.items.append(item)
        self.tell()

    async def get(self):
        while not self.items:
            await self.change()
        item = self.items.popleft()
        self.tell()
        return item


class CancelledKeepsItsPlace:
    def __init__(self, size):
        self.size = size
        self.items = deque()
        self.getters = deque()
        self.putters = deque()

    async def put(self, item):
        while len(self.items) >= self.size:
            place = tiny_loop.Future()
            self.putters.append(place)
            await place
        self.items.append(item)
        if self.getters:
            self.getters.popleft().set_result()

    async def get(self):
        while not self.items:
            place = tiny_loop.Future()
            self.getters.append(place)
            await place
        item = self.items.popleft()
        if self.putters:
            self.putters.popleft().set_result()
        return item


class WakeUpLost:
    def __init__(self, size):
        self.size = size
        self.items = deque()
        self.getters = deque()
        self.putters = deque()

    async def put(self, item):
        while len(self.items) >= self.size:
            await self.wait_in(self.putters)
        self.items.append(item)
        self.wake(self.getters)

    async def get(self):
        while not self.items:
            await self.wait_in(self.getters)
        item = self.items.popleft()
        self.wake(self.putters)
        return item

    async def wait_in(self, line):
        place = tiny_loop.Future()
        line.append(place)
        await place

    def wake(self, line):
        while line:
            if line.popleft().set_result():
                return


class Polls:
    def __init__(self, size):
        self.size = size
        self.items = deque()

    async def put(self, item):
        while len(self.items) >= self.size:
            await tiny_loop.sleep(0.01)
        self.items.append(item)

    async def get(self):
        while not self.items:
            await tiny_loop.sleep(0.01)
        return self.items.popleft()


class LastInFirstOut:
    def __init__(self, size):
        self.size = size
        self.items = []
        self.getters = deque()

    async def put(self, item):
        self.items.append(item)
        if self.getters:
            self.getters.popleft().set_result()

    async def get(self):
        while not self.items:
            place = tiny_loop.Future()
            self.getters.append(place)
            await place
        return self.items.pop()


class PutNeverWaits:
    def __init__(self, size):
        self.size = size
        self.items = deque()
        self.getters = deque()

    async def put(self, item):
        self.items.append(item)
        if self.getters:
            self.getters.popleft().set_result()

    async def get(self):
        while not self.items:
            place = tiny_loop.Future()
            self.getters.append(place)
            await place
        return self.items.popleft()


class GetWakesNobody:
    def __init__(self, size):
        self.size = size
        self.items = deque()
        self.getters = deque()
        self.putters = deque()

    async def put(self, item):
        while len(self.items) >= self.size:
            place = tiny_loop.Future()
            self.putters.append(place)
            await place
        self.items.append(item)
        if self.getters:
            self.getters.popleft().set_result()

    async def get(self):
        while not self.items:
            place = tiny_loop.Future()
            self.getters.append(place)
            await place
        return self.items.popleft()


class PutWakesNobody:
    def __init__(self, size):
        self.size = size
        self.items = deque()
        self.getters = deque()

    async def put(self, item):
        self.items.append(item)

    async def get(self):
        while not self.items:
            place = tiny_loop.Future()
            self.getters.append(place)
            await place
        return self.items.popleft()


class GivesNone:
    def __init__(self, size):
        self.size = size
        self.items = deque()

    async def put(self, item):
        self.items.append(item)

    async def get(self):
        return self.items.popleft() if self.items else None


WRONG = (
    (IfForWhile, "the woken one took from an empty queue"),
    (IfForWhileInPut, "The queue has a size of 1, and holds 2 items"),
    (WakesAll, "One item is for one task"),
    (CancelledKeepsItsPlace, "the first is cancelled, and one item is put in"),
    (WakeUpLost, "an item wakes the first, which is cancelled at once"),
    (Polls, "One item is for one task"),
    (LastInFirstOut, "a, b and c were put in"),
    (PutNeverWaits, "4 items were put in with nobody taking one"),
    (GetWakesNobody, "the producer has put in 2; 3 were wanted"),
    (PutWakesNobody, "a wake-up was lost, or never given"),
    (GivesNone, "The queue is empty, and get gave None"),
)
