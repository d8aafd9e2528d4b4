"""Hints, check and solution of exercise 2.7, and what must not pass."""

from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

import tiny_loop
from stepping import RecordedLoop

from workshop.exercises import Wrong, shown
from workshop.exercises.turns import Turns
from workshop.pictures.timeline import Timeline

HINTS = (
    "A task that waits makes a future, puts it into a line, and awaits it. After it "
    "was woken another task may have been faster. So what must it do before it takes "
    "an item?",
    "Two lines: those who wait in `get`, and those who wait in `put`. `while` there is "
    "no item: wait in the line. After taking one wake the first of the *other* line. "
    "`set_result` gives `False` if that one has been cancelled: then wake the next.",
    "A task that was woken and then cancelled must wake another in its place: around "
    "`await place` an `except tiny_loop.CancelledError:`, in it `if place in line: "
    "line.remove(place)`, else wake the next one of this line; then `raise`.",
)


AGAIN = "Which future does it await, and who calls `set_result` of that?"


class WatchedLoop(tiny_loop.Loop):
    """The tiny loop, which counts its calls and notices those who never wait."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)  # RecordedLoop's, for the picture
        self.turns = Turns(AGAIN)

    def call_soon(self, call: Callable[[], object]) -> None:
        super().call_soon(call)
        self.turns.one_more()  # a call that is lost would look like a deadlock

    def block(self, seconds: float) -> None:
        self.turns.slept()
        super().block(seconds)


class PictureLoop(WatchedLoop, RecordedLoop):
    """The same for the picture: a run that never ends must not be drawn."""


def check(queue: Any) -> str:
    for scene in (_in_order, _full, _faster, _one_each):
        _run(scene, queue, "Who has changed the queue, and whom did it wake?")
    for scene in (_cancelled, _cancelled_in_put):
        _run(scene, queue, "`set_result` gives False for a cancelled one. Who is next?")
    for scene in (_woken_then_cancelled, _woken_then_cancelled_in_put):
        _run(
            scene,
            queue,
            "It was woken, and will not take its turn. To whom must it pass the "
            "wake-up on, before its CancelledError goes on?",
        )
    return "it waits, slows down, wakes one at a time, and loses no wake-up."


def _run(
    scene: Callable[[Any], Coroutine[Any, Any, Any]], queue: Any, ask: str
) -> None:
    try:
        WatchedLoop().run(scene(queue))
    except tiny_loop.Deadlock:
        words = (scene.__doc__ or "").strip()
        raise Wrong(
            f"{words} Now all wait, and nobody will be woken: a wake-up was lost, or "
            "never given.",
            ask,
        ) from None


async def _take(queue: Any, taken: list[Any]) -> None:
    taken.append(await queue.get())


async def _in_order(make: Any) -> None:
    """A task waits in get; then three items are put in, and two more are taken."""
    queue = make(3)
    taken: list[Any] = []
    loop = tiny_loop.get_loop()
    assert isinstance(loop, WatchedLoop)
    first = tiny_loop.create_task(_take(queue, taken))
    await tiny_loop.sleep(1)
    if loop.turns.all > 10:
        raise Wrong(
            "A task waits in get for 1 s, and nobody puts anything in. It was resumed "
            f"{loop.turns.all} times meanwhile: it looks again and again.",
            ask="Which future does it await, and who calls `set_result` of that?",
        )
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
    assert isinstance(loop, WatchedLoop)
    before = loop.turns.all
    for n in range(30):
        await queue.put(n)
        await tiny_loop.sleep(1)
    steps = loop.turns.all - before
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


async def _cancelled_in_put(make: Any) -> None:
    """Two tasks wait in put, the first is cancelled, and one item is taken."""
    queue = make(1)
    await queue.put("a")
    first = tiny_loop.create_task(queue.put("b"))
    second = tiny_loop.create_task(queue.put("c"))
    await tiny_loop.sleep(1)
    first.cancel()
    taken = await queue.get()
    await second
    _require_items([taken, await queue.get()])
    if not first.done() or not isinstance(first.error, tiny_loop.CancelledError):
        raise Wrong(
            "A task that waited in put was cancelled, and has not ended with a "
            "CancelledError.",
            ask="Where does your `except` let the error go on?",
        )


async def _woken_then_cancelled_in_put(make: Any) -> None:
    """Two tasks wait in put. A get wakes the first, which is cancelled at once."""
    queue = make(1)
    await queue.put("a")
    first = tiny_loop.create_task(queue.put("b"))
    second = tiny_loop.create_task(queue.put("c"))
    await tiny_loop.sleep(1)
    taken = await queue.get()
    first.cancel()
    await second
    _require_items([taken, await queue.get()])


def _require_items(taken: list[Any]) -> None:
    if taken != ["a", "c"]:
        raise Wrong(
            "'a' was put in, the put of 'b' was cancelled, and 'c' was put in; "
            f"{', '.join(map(shown, taken))} came out.",
            ask="What has a put added that was cancelled?",
        )


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
    timeline = Timeline("2.7 · your Queue: a slow consumer")
    with timeline.watching():
        PictureLoop(timeline).run(_scene(queue))
    return timeline


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


class CancelledInPut:
    """A cancelled ``get`` is right; a cancelled ``put`` keeps the wake-up."""

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
        self.wake(self.getters)

    async def get(self):
        while not self.items:
            place = tiny_loop.Future()
            self.getters.append(place)
            try:
                await place
            except tiny_loop.CancelledError:
                if place in self.getters:
                    self.getters.remove(place)
                else:
                    self.wake(self.getters)
                raise
        item = self.items.popleft()
        self.wake(self.putters)
        return item

    def wake(self, line):
        while line:
            if line.popleft().set_result():
                return


class CancelledKeepsItsPlaceInPut:
    """The first of the line gets the wake-up, though it was cancelled long ago."""

    def __init__(self, size):
        self.size = size
        self.items = deque()
        self.getters = deque()
        self.putters = deque()

    async def wait_in(self, line):
        place = tiny_loop.Future()
        line.append(place)
        try:
            await place
        except tiny_loop.CancelledError:
            if line is self.getters:
                if place in line:
                    line.remove(place)
                else:
                    self.wake(line)
            raise

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

    def wake(self, line):
        if line:
            line.popleft().set_result()


class PollsEachTurn:
    def __init__(self, size):
        self.size = size
        self.items = deque()

    async def put(self, item):
        while len(self.items) >= self.size:
            await tiny_loop.sleep(0)
        self.items.append(item)

    async def get(self):
        while not self.items:
            await tiny_loop.sleep(0)
        return self.items.popleft()


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
    (CancelledInPut, "A get wakes the first, which is cancelled at once"),
    (CancelledKeepsItsPlaceInPut, "the first is cancelled, and one item is taken"),
    (Polls, "looks again and again"),
    (PollsEachTurn, "looks again and again"),
    (LastInFirstOut, "a, b and c were put in"),
    (PutNeverWaits, "4 items were put in with nobody taking one"),
    (GetWakesNobody, "the producer has put in 2; 3 were wanted"),
    (PutWakesNobody, "a wake-up was lost, or never given"),
    (GivesNone, "The queue is empty, and get gave None"),
)
