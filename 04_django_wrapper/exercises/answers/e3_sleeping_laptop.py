"""Hints, check and solution of exercise 4.3, and what must not pass."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from exercises.e3_sleeping_laptop import LIMIT, Peer, Room

from workshop.exercises import Wrong

HINTS = (
    "Who may wait for Carol without anybody else having to wait? What does `say` have "
    "to leave behind for them?",
    "Each peer gets a queue with a limit, and a task of its own that takes from the "
    "queue and sends. `put_nowait` never waits: it raises `asyncio.QueueFull`.",
    "`self.queues[peer] = asyncio.Queue(LIMIT)` and a task in `join`; `finally:` takes "
    "the queue out, cancels the task and awaits it. In `say`: `put_nowait(text)`, and "
    "at `QueueFull` out of `self.queues`, `close(1013)` and the task's `cancel()`.",
)


class Watched(Peer):
    """Counts how many ``send`` are under way."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.under_way = 0
        self.most = 0

    async def send(self, text: str) -> None:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await super().send(text)
        finally:
            self.under_way -= 1


async def check(make: type[Room]) -> str:
    everybody = asyncio.all_tasks()
    await _nobody_waits(make)
    await _the_limit(make)
    await _a_short_sleep(make)
    await asyncio.sleep(0)
    left = asyncio.all_tasks() - everybody
    if left:
        raise Wrong(
            f"All have left the room, and {len(left)} tasks of it are still there.",
            ask="Who ends the task of a peer that has left?",
        )
    return "one queue and one task for each peer: nobody waits for anybody."


async def _say(room: Room, text: str) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        async with asyncio.timeout(100):
            await room.say(text)
    except TimeoutError:
        pass
    seconds = round(loop.time() - began, 6)
    if seconds:
        raise Wrong(
            f"say has waited {seconds:g} s, since one laptop sleeps; it should wait "
            "for nobody.",
            ask="Which line of say waits for Carol?",
        )


async def _nobody_waits(make: type[Room]) -> None:
    room = make()
    ann = Watched("Ann")
    carol = Watched("Carol")
    carol.awake.clear()
    texts = [f"text {number}" for number in range(5)]
    async with room.join(carol), room.join(ann):
        for text in texts:
            await _say(room, text)
            await asyncio.sleep(0.1)
        _require_heard(ann, texts)
        if carol.most > 1:
            raise Wrong(
                f"{carol.most} send to Carol were under way at the same time; one was "
                "wanted. Nobody promises in which order they go out.",
                ask="Who waits until the send before has ended?",
            )
        if carol.code:
            raise Wrong(
                f"{len(texts)} texts waited for Carol, and she was closed with "
                f"{carol.code}; {LIMIT} may wait.",
                ask="When has a peer really too much to catch up?",
            )
        carol.awake.set()
        await asyncio.sleep(0.1)
        _require_heard(carol, texts)


async def _the_limit(make: type[Room]) -> None:
    room = make()
    ann = Watched("Ann")
    carol = Watched("Carol")
    carol.awake.clear()
    texts = [f"text {number}" for number in range(50)]
    async with room.join(carol), room.join(ann):
        for text in texts:
            await _say(room, text)
            await asyncio.sleep(0.1)
        _require_heard(ann, texts)
        if carol.code != 1013:
            told = f"was closed with {carol.code}" if carol.code else "was not closed"
            raise Wrong(
                f"50 texts were said while Carol slept, and she {told}; more than "
                f"{LIMIT} may not wait, and 1013 was wanted.",
                ask="How much memory does a laptop cost that sleeps all night?",
            )
        if carol.under_way:
            raise Wrong(
                "Carol is out of the room, and a send to her is still under way.",
                ask="Who ends the task that waits for her?",
            )
        carol.awake.set()
        await asyncio.sleep(0.1)
        if carol.heard:
            raise Wrong(
                f"Carol was closed, and after it she was sent {carol.heard[0]!r}.",
                ask="Who ends the task that waits for her?",
            )


async def _a_short_sleep(make: type[Room]) -> None:
    """As many as may wait; then she reads on, and again as many."""
    room = make()
    carol = Watched("Carol")
    texts = []
    async with room.join(carol):
        for nap in range(3):
            carol.awake.clear()
            for number in range(LIMIT):
                texts.append(f"text {nap}.{number}")
                await _say(room, texts[-1])
                await asyncio.sleep(0.1)
            if carol.code:
                raise Wrong(
                    f"{LIMIT} texts waited for Carol, and she was closed with "
                    f"{carol.code}; so many may wait.",
                    ask="What do you count: those that wait, or all that were said?",
                )
            carol.awake.set()
            await asyncio.sleep(0.1)
            _require_heard(carol, texts)


def _require_heard(peer: Peer, texts: list[str]) -> None:
    if peer.heard == texts:
        return
    if sorted(peer.heard) == sorted(texts):
        raise Wrong(
            f"{peer.name} heard all {len(texts)} texts, but not in their order.",
            ask="Who sends the second text while the first one waits?",
        )
    raise Wrong(
        f"{peer.name} is awake and has heard {len(peer.heard)} of {len(texts)} texts.",
        ask="What becomes of a text for which there is no free slot?",
    )


class Room:  # type: ignore[no-redef]
    """All who are in it hear what is said."""

    def __init__(self) -> None:
        self.queues: dict[Peer, asyncio.Queue[str]] = {}
        self.tasks: dict[Peer, asyncio.Task[None]] = {}

    @asynccontextmanager
    async def join(self, peer: Peer) -> AsyncIterator[None]:
        """The peer is in the room for the length of the block."""
        self.queues[peer] = asyncio.Queue(LIMIT)
        task = asyncio.create_task(self.write(peer, self.queues[peer]))
        self.tasks[peer] = task
        try:
            yield
        finally:
            self.queues.pop(peer, None)
            self.tasks.pop(peer, None)
            task.cancel()
            await asyncio.wait([task])

    async def write(self, peer: Peer, queue: asyncio.Queue[str]) -> None:
        """Send what waits for one peer, one text after the other."""
        while True:
            await peer.send(await queue.get())

    async def say(self, text: str) -> None:
        """Tell everybody; wait for nobody."""
        for peer, queue in list(self.queues.items()):
            try:
                queue.put_nowait(text)
            except asyncio.QueueFull:
                del self.queues[peer]
                self.tasks.pop(peer).cancel()
                peer.close(1013)


class Gathered:
    def __init__(self):
        self.peers = set()

    @asynccontextmanager
    async def join(self, peer):
        self.peers.add(peer)
        try:
            yield
        finally:
            self.peers.discard(peer)

    async def say(self, text):
        await asyncio.gather(*(peer.send(text) for peer in self.peers))


class TaskForEachSend:
    def __init__(self):
        self.peers = set()
        self.tasks = set()

    @asynccontextmanager
    async def join(self, peer):
        self.peers.add(peer)
        try:
            yield
        finally:
            self.peers.discard(peer)

    async def say(self, text):
        for peer in self.peers:
            task = asyncio.create_task(peer.send(text))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)


class FiveSecondsEach:
    def __init__(self):
        self.peers = set()

    @asynccontextmanager
    async def join(self, peer):
        self.peers.add(peer)
        try:
            yield
        finally:
            self.peers.discard(peer)

    async def say(self, text):
        for peer in list(self.peers):
            try:
                await asyncio.wait_for(peer.send(text), 5)
            except TimeoutError:
                self.peers.discard(peer)
                peer.close(1013)


class QueueWithoutLimit:
    def __init__(self):
        self.queues = {}

    @asynccontextmanager
    async def join(self, peer):
        self.queues[peer] = asyncio.Queue()
        task = asyncio.create_task(self.write(peer))
        try:
            yield
        finally:
            task.cancel()
            del self.queues[peer]

    async def write(self, peer):
        queue = self.queues[peer]
        while True:
            await peer.send(await queue.get())

    async def say(self, text):
        for queue in self.queues.values():
            queue.put_nowait(text)


class QueueThatIsWaitedFor:
    def __init__(self):
        self.queues = {}

    @asynccontextmanager
    async def join(self, peer):
        self.queues[peer] = asyncio.Queue(LIMIT)
        task = asyncio.create_task(self.write(peer))
        try:
            yield
        finally:
            task.cancel()
            del self.queues[peer]

    async def write(self, peer):
        queue = self.queues[peer]
        while True:
            await peer.send(await queue.get())

    async def say(self, text):
        for queue in self.queues.values():
            await queue.put(text)


class FullMeansDropped:
    def __init__(self):
        self.queues = {}

    @asynccontextmanager
    async def join(self, peer):
        self.queues[peer] = asyncio.Queue(LIMIT)
        task = asyncio.create_task(self.write(peer))
        try:
            yield
        finally:
            task.cancel()
            del self.queues[peer]

    async def write(self, peer):
        queue = self.queues[peer]
        while True:
            await peer.send(await queue.get())

    async def say(self, text):
        for queue in self.queues.values():
            if not queue.full():
                queue.put_nowait(text)


class ClosedAndNotEnded:
    def __init__(self):
        self.queues = {}

    @asynccontextmanager
    async def join(self, peer):
        self.queues[peer] = asyncio.Queue(LIMIT)
        task = asyncio.create_task(self.write(peer))
        try:
            yield
        finally:
            task.cancel()
            self.queues.pop(peer, None)

    async def write(self, peer):
        queue = self.queues[peer]
        while True:
            await peer.send(await queue.get())

    async def say(self, text):
        for peer, queue in list(self.queues.items()):
            if queue.full():
                del self.queues[peer]
                peer.close(1013)
            else:
                queue.put_nowait(text)


class TasksForEver:
    def __init__(self):
        self.queues = {}
        self.tasks = {}

    @asynccontextmanager
    async def join(self, peer):
        self.queues[peer] = asyncio.Queue(LIMIT)
        self.tasks[peer] = asyncio.create_task(self.write(peer, self.queues[peer]))
        try:
            yield
        finally:
            self.queues.pop(peer, None)

    async def write(self, peer, queue):
        while True:
            await peer.send(await queue.get())

    async def say(self, text):
        for peer, queue in list(self.queues.items()):
            if queue.full():
                del self.queues[peer]
                self.tasks[peer].cancel()
                peer.close(1013)
            else:
                queue.put_nowait(text)


class SleepersAreLeftOut:
    def __init__(self):
        self.peers = set()

    @asynccontextmanager
    async def join(self, peer):
        self.peers.add(peer)
        try:
            yield
        finally:
            self.peers.discard(peer)

    async def say(self, text):
        for peer in list(self.peers):
            if peer.awake.is_set():
                await peer.send(text)


WRONG = (
    (Gathered, "say has waited 100 s, since one laptop sleeps"),
    (TaskForEachSend, "5 send to Carol were under way at the same time"),
    (FiveSecondsEach, "say has waited 5 s, since one laptop sleeps"),
    (QueueWithoutLimit, "50 texts were said while Carol slept, and she was not closed"),
    (QueueThatIsWaitedFor, "say has waited 100 s, since one laptop sleeps"),
    (FullMeansDropped, "50 texts were said while Carol slept, and she was not closed"),
    (ClosedAndNotEnded, "a send to her is still under way"),
    (TasksForEver, "tasks of it are still there"),
    (SleepersAreLeftOut, "Carol is awake and has heard 0 of 5 texts"),
)
