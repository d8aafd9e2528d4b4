"""Hints, check and solution of exercise 3.6, and what must not pass."""

import asyncio
from typing import Any

from asgi_types import Application, Event, Receive, Scope, Send
from exercises.e6_clock import tell

from workshop.exercises import Wrong

HINTS = (
    "Which call would hear that the client has left, and who could wait in it while "
    "`tell` speaks?",
    "Two coroutines at once: one tells, one takes events until the disconnect. Who "
    "ends the one that has no end? And which construct of stage 01 lets no task "
    "outlive it, however it is left?",
    "`async with asyncio.TaskGroup() as tasks:`, in it `telling = "
    "tasks.create_task(tell(send))`, a loop over `await receive()` until "
    '`"websocket.disconnect"`, and then `telling.cancel()`.',
)


class Server:
    """Calls the clock; its ``send`` never raises, as that of some servers."""

    def __init__(self, application: Application) -> None:
        self.others = asyncio.all_tasks()
        self.loop = asyncio.get_running_loop()
        self.began = self.loop.time()
        self.sent: list[tuple[float, str]] = []  # seconds, what
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self.events.put_nowait({"type": "websocket.connect"})
        scope = {"type": "websocket", "path": "/"}
        self.call: asyncio.Task[Any] = asyncio.ensure_future(
            application(scope, self.events.get, self._send)
        )
        self.ended_at = -1.0
        self.call.add_done_callback(self._note_the_end)

    async def _send(self, event: Event) -> None:
        kind = event["type"].removeprefix("websocket.")
        self.sent.append((self.loop.time() - self.began, event.get("text", kind)))

    def _note_the_end(self, _: object) -> None:
        self.ended_at = self.loop.time() - self.began

    def require_no_task(self, when: str) -> None:
        """Require that no task that the clock has made runs any more."""
        left = asyncio.all_tasks() - self.others - {self.call}
        for task in left:
            task.cancel()
        if left:
            raise Wrong(
                f"{when}, and {len(left)} of its tasks still run.",
                ask="Who ends each task that you have made, on each way out?",
            )

    async def end(self) -> None:
        self.call.cancel()
        await asyncio.wait([self.call], timeout=1)


async def check(clock: Application) -> str:
    await _check_leaving(clock, [], 2.5)
    await _check_leaving(clock, [0.5, 1.5, 1.7], 3.5)
    await _check_leaving(clock, [], 0.0)
    await _check_cancelled(clock)
    return "it ends with its client, at once, and leaves nothing behind."


async def _check_leaving(clock: Application, says: list[float], leaves: float) -> None:
    server = Server(clock)
    for seconds in says:
        server.loop.call_later(
            seconds,
            server.events.put_nowait,
            {"type": "websocket.receive", "text": "hello"},
        )
    goes = {"type": "websocket.disconnect", "code": 1001}
    if leaves:
        server.loop.call_later(leaves, server.events.put_nowait, goes)
    else:
        server.events.put_nowait(goes)
    await asyncio.sleep(leaves + 2.1)
    words = f"The client left after {leaves:g} s"
    if says:
        words += f", and had said something after {says[0]:g} s"
    ended = server.ended_at
    if ended < 0:
        await server.end()
        raise Wrong(
            f"{words}. Two seconds later clock has not returned.",
            ask="Who takes the websocket.disconnect, and what happens then?",
        )
    if not server.call.cancelled():
        server.call.result()  # the learner's own error, with its line
    if ended != leaves:
        raise Wrong(
            f"{words}. clock ended after {ended:g} s; it should end then, and not "
            "earlier or later.",
            ask="What was it waiting for in that moment, and which events end it?",
        )
    if server.call.cancelled():
        raise Wrong(
            f"{words}. clock ended as if it had been cancelled; it should return.",
            ask="Whose cancellation came out of clock, and who should keep it in?",
        )
    server.require_no_task(f"{words}. clock has returned")
    if leaves:
        _require_ticks(server, words, int(leaves) + 1)


def _require_ticks(server: Server, words: str, number: int) -> None:
    wanted = [(0.0, "accept")]
    wanted += [(float(second), f"{second} s") for second in range(number)]
    if server.sent != wanted:
        sent = ", ".join(f"{what!r} at {when:g} s" for when, what in server.sent)
        raise Wrong(
            f"{words}. clock sent {sent or 'nothing'}; accept and the seconds 0 to "
            f"{number - 1} were wanted, each in time.",
            ask="Does a message of the client disturb the one who tells the time?",
        )


async def _check_cancelled(clock: Application) -> None:
    server = Server(clock)
    await asyncio.sleep(1.5)
    server.call.cancel()
    await asyncio.wait([server.call], timeout=1)
    if not server.call.done():
        server.call.cancel()
        raise Wrong(
            "The server has cancelled clock, and it goes on.",
            ask="What does your `except` do with a cancellation from outside?",
        )
    await asyncio.sleep(0.1)
    server.require_no_task("The server has cancelled clock")
    if not server.call.cancelled():
        server.call.result()
        raise Wrong(
            "The server has cancelled clock, and clock says that all is well.",
            ask="Which cancellation is yours, and which one is somebody else's?",
        )


async def clock(scope: Scope, receive: Receive, send: Send) -> None:
    """Accept, and tell the time each second until the client leaves."""
    await receive()  # websocket.connect
    await send({"type": "websocket.accept"})
    async with asyncio.TaskGroup() as tasks:
        telling = tasks.create_task(tell(send))
        while (await receive())["type"] != "websocket.disconnect":
            pass  # what the client says is not for a clock
        telling.cancel()


async def polls_a_flag(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    gone = False

    async def listen():
        nonlocal gone
        while (await receive())["type"] != "websocket.disconnect":
            pass
        gone = True

    listening = asyncio.create_task(listen())
    seconds = 0
    while not gone:
        await send({"type": "websocket.send", "text": f"{seconds} s"})
        await asyncio.sleep(1)
        seconds += 1


async def waits_for_an_error(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    try:
        await tell(send)
    except OSError:
        pass


async def never_cancelled(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    telling = asyncio.create_task(tell(send))
    while (await receive())["type"] != "websocket.disconnect":
        pass


async def cancelled_on_one_way_only(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    telling = asyncio.create_task(tell(send))
    while (await receive())["type"] != "websocket.disconnect":
        pass
    telling.cancel()


async def swallows_cancellation(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    telling = asyncio.create_task(tell(send))
    try:
        while (await receive())["type"] != "websocket.disconnect":
            pass
    except asyncio.CancelledError:
        pass
    telling.cancel()
    await asyncio.wait([telling])


async def the_first_event_ends_it(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    async with asyncio.TaskGroup() as tasks:
        telling = tasks.create_task(tell(send))
        await receive()
        telling.cancel()


async def gathered(scope, receive, send):
    async def listen():
        while (await receive())["type"] != "websocket.disconnect":
            pass

    await receive()
    await send({"type": "websocket.accept"})
    await asyncio.gather(tell(send), listen())


async def a_group_without_a_cancel(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(tell(send))
        while (await receive())["type"] != "websocket.disconnect":
            pass


async def looks_after_each_second(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    seconds = 0
    while True:
        await send({"type": "websocket.send", "text": f"{seconds} s"})
        seconds += 1
        try:
            event = await asyncio.wait_for(receive(), 1)
        except TimeoutError:
            continue
        if event["type"] == "websocket.disconnect":
            return


async def awaits_what_it_cancelled(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    telling = asyncio.create_task(tell(send))
    while (await receive())["type"] != "websocket.disconnect":
        pass
    telling.cancel()
    await telling


async def listens_after_each_tick(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    seconds = 0
    while True:
        await send({"type": "websocket.send", "text": f"{seconds} s"})
        event = await receive()
        if event["type"] == "websocket.disconnect":
            return
        await asyncio.sleep(1)
        seconds += 1


async def waits_for_the_first(scope, receive, send):
    async def listen():
        while (await receive())["type"] != "websocket.disconnect":
            pass

    await receive()
    await send({"type": "websocket.accept"})
    telling = asyncio.create_task(tell(send))
    listening = asyncio.create_task(listen())
    await asyncio.wait([telling, listening], return_when=asyncio.FIRST_COMPLETED)


WRONG = (
    (polls_a_flag, "The client left after 2.5 s. clock ended after 3 s"),
    (waits_for_an_error, "Two seconds later clock has not returned"),
    (never_cancelled, "clock has returned, and 1 of its tasks still run"),
    (cancelled_on_one_way_only, "The server has cancelled clock, and 1 of its tasks"),
    (swallows_cancellation, "and clock says that all is well"),
    (the_first_event_ends_it, "clock ended after 0.5 s"),
    (gathered, "Two seconds later clock has not returned"),
    (a_group_without_a_cancel, "Two seconds later clock has not returned"),
    (looks_after_each_second, "'1 s' at 0.5 s"),
    (awaits_what_it_cancelled, "clock ended as if it had been cancelled"),
    (listens_after_each_tick, "clock sent 'accept' at 0 s, '0 s' at 0 s; accept and"),
    (waits_for_the_first, "clock has returned, and 1 of its tasks still run"),
)
