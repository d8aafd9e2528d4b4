"""Hints, check and solution of exercise 3.2, and what must not pass."""

import asyncio
from collections.abc import Callable
from typing import Any

from asgi_types import Application, Event, Receive, Scope, Send
from conversation import Conversation, Unexpected
from exercises.e2_look import room

from workshop.exercises import Wrong, shown

HINTS = (
    "Where does an accept pass by: in `receive` or in `send`? And which statement runs "
    "however a call ends: by a return, an error or a cancellation?",
    "Give the application a `send` of your own. It hands each event on, and sees "
    "whether it was the accept. Each call has to know whether *its* socket counts.",
    "In `__call__`: `counts = False`; an inner `async def noted(event)` with `nonlocal "
    'counts` does `await send(event)`, and for `"websocket.accept"` it adds one and '
    "sets `counts`. Then `try: await self.application(scope, receive, noted)`, and "
    "`finally:` takes one away if it `counts`.",
)

Make = Callable[[Application], Any]


async def check(make: Make) -> str:
    try:
        await _check_two(make)
        await _check_refused_alone(make)
        await _check_refused(make)
        await _check_ends(make)
        await _check_apart(make)
        await _check_other_scopes(make)
    except Unexpected as error:
        raise Wrong(
            f"With the middleware around it the room is another one: {error}",
            ask="What has become of the event between the room and the client?",
        ) from None
    return "it counts each open socket, and nobody notices that it is there."


def _require(counted: Any, wanted: int, when: str, ask: str) -> None:
    if counted.open != wanted:
        raise Wrong(
            f"{when}: open is {shown(counted.open)}; {wanted} was wanted.", ask=ask
        )


async def _check_two(make: Make) -> None:
    counted = make(room)
    ask = "What do you see pass by when a socket is opened, and when it has ended?"
    _require(counted, 0, "Nobody has come", ask)
    async with Conversation(counted) as one:
        await one.accepted()
        _require(counted, 1, "One client was accepted", ask)
        async with Conversation(counted) as two:
            await two.accepted()
            _require(counted, 2, "Two clients were accepted", ask)
            await two.send("hello")
            said = await two.text()
            if said != "hello":
                raise Wrong(f"The room said hello, and {shown(said)} came out.")
        _require(counted, 1, "Two were there, and one has left", ask)
    _require(counted, 0, "Both have left", ask)


async def _check_refused_alone(make: Make) -> None:
    counted = make(room)
    async with Conversation(counted, "/closed") as refused:
        await refused.refused()
        await refused.ended()
    ask = "Which call takes one away that it has never added?"
    _require(counted, 0, "A client was refused", ask)


async def _check_refused(make: Make) -> None:
    counted = make(room)
    ask = "Is a socket open when its client has asked for it, or after the accept?"
    whose = (
        "The second call had no accept. Whose accept does it find noted, and is that "
        "note kept for each call or for all?"
    )
    waits = asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await waits.wait()
        await send({"type": "websocket.close"})

    async with Conversation(counted) as guest:
        await guest.accepted()
        async with Conversation(counted, "/closed") as refused:
            await refused.refused()
            await refused.ended()
            when = "One client is there, and a second one was refused"
            _require(counted, 1, when, whose)
    _require(counted, 0, "All have left", whose)
    counted = make(slow)
    async with Conversation(counted) as asked:
        await asyncio.sleep(0.1)
        _require(counted, 0, "A client has asked, and was not accepted yet", ask)
        waits.set()
        await asked.refused()


async def _check_ends(make: Make) -> None:
    ask = "Which statement runs whichever way a call ends?"
    counted = make(room)
    async with Conversation(counted) as guest:
        await guest.accepted()
        await guest.send("bye")
        await guest.text()
        await guest.ended()
        _require(counted, 0, "The room has ended the call itself", ask)
    try:
        async with Conversation(counted) as guest:
            await guest.accepted()
            await guest.send("fail")
            await guest.ended()
    except LookupError:
        _require(counted, 0, "The room has raised an error", ask)
    else:
        raise Wrong(
            "The room has raised a LookupError, and the server never heard of it.",
            ask="Who writes the error into the log, if the middleware keeps it?",
        )
    received: asyncio.Queue[Event] = asyncio.Queue()
    received.put_nowait({"type": "websocket.connect"})
    call = asyncio.create_task(
        counted({"type": "websocket", "path": "/"}, received.get, _send)
    )
    await asyncio.sleep(0.1)
    call.cancel()  # as a server does when it stops
    await asyncio.wait([call])
    _require(counted, 0, "The server has cancelled the call", ask)
    if not call.cancelled():
        raise Wrong(
            "The server has cancelled the call, and the call says that all is well.",
            ask="What did your `except` do with the cancellation?",
        )


async def _check_apart(make: Make) -> None:
    one = make(room)
    other = make(room)
    async with Conversation(one) as guest:
        await guest.accepted()
        when = "There are two middlewares, and a client came to the other one"
        _require(other, 0, when, "Does the number belong to the class, or to each?")


async def _check_other_scopes(make: Make) -> None:
    called: list[str] = []

    async def site(scope: Scope, receive: Receive, send: Send) -> None:
        called.append(scope["type"])
        await send({"type": "http.response.start", "status": 200})

    counted = make(site)
    sent: list[Event] = []

    async def send(event: Event) -> None:
        sent.append(event)

    for kind in ("http", "lifespan"):
        await counted({"type": kind, "path": "/"}, _never, send)
        if kind not in called:
            raise Wrong(
                f"A scope of type {kind!r} came, and the application was not called.",
                ask="What should a middleware do with what is no matter of its own?",
            )
    if len(sent) != 2:
        raise Wrong("What the application sent for http did not reach the server.")
    _require(counted, 0, "A page was asked for", "Is a page a socket?")


async def _send(event: Event) -> None:
    pass


async def _never() -> Event:
    await asyncio.Event().wait()
    return {}


class Counted:
    """An application around another one; ``open`` counts the open sockets of it."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        counts = False

        async def noted(event: Event) -> None:
            nonlocal counts
            await send(event)
            if event["type"] == "websocket.accept":
                counts = True
                self.open += 1

        try:
            await self.application(scope, receive, noted)
        finally:
            if counts:
                self.open -= 1


class CountsCalls:
    def __init__(self, application):
        self.application = application
        self.open = 0

    async def __call__(self, scope, receive, send):
        self.open += 1
        try:
            await self.application(scope, receive, send)
        finally:
            self.open -= 1


class CountsAtConnect:
    def __init__(self, application):
        self.application = application
        self.open = 0

    async def __call__(self, scope, receive, send):
        connected = False

        async def noted():
            nonlocal connected
            event = await receive()
            if event["type"] == "websocket.connect":
                connected = True
                self.open += 1
            return event

        try:
            await self.application(scope, noted, send)
        finally:
            if connected:
                self.open -= 1


class NoFinally:
    def __init__(self, application):
        self.application = application
        self.open = 0

    async def __call__(self, scope, receive, send):
        counts = False

        async def noted(event):
            nonlocal counts
            await send(event)
            if event["type"] == "websocket.accept":
                counts = True
                self.open += 1

        await self.application(scope, receive, noted)
        if counts:
            self.open -= 1


class EatsTheError:
    def __init__(self, application):
        self.application = application
        self.open = 0

    async def __call__(self, scope, receive, send):
        counts = 0

        async def noted(event):
            nonlocal counts
            await send(event)
            if event["type"] == "websocket.accept":
                counts = 1
                self.open += 1

        try:
            await self.application(scope, receive, noted)
        except Exception:
            print("something went wrong")
        self.open -= counts


class ExceptException:
    def __init__(self, application):
        self.application = application
        self.open = 0

    async def __call__(self, scope, receive, send):
        counts = 0

        async def noted(event):
            nonlocal counts
            await send(event)
            if event["type"] == "websocket.accept":
                counts = 1
                self.open += 1

        try:
            await self.application(scope, receive, noted)
        except Exception:
            self.open -= counts
            raise
        else:
            self.open -= counts


class ByTheEvents:
    def __init__(self, application):
        self.application = application
        self.open = 0

    async def __call__(self, scope, receive, send):
        async def noted_send(event):
            await send(event)
            if event["type"] == "websocket.accept":
                self.open += 1

        async def noted_receive():
            event = await receive()
            if event["type"] == "websocket.disconnect":
                self.open -= 1
            return event

        await self.application(scope, noted_receive, noted_send)


class OneForAll:
    open = 0

    def __init__(self, application):
        self.application = application

    async def __call__(self, scope, receive, send):
        counts = 0

        async def noted(event):
            nonlocal counts
            await send(event)
            if event["type"] == "websocket.accept":
                counts = 1
                OneForAll.open += 1

        try:
            await self.application(scope, receive, noted)
        finally:
            OneForAll.open -= counts


class WithoutALook:
    def __init__(self, application):
        self.application = application
        self.open = 0

    async def __call__(self, scope, receive, send):
        async def noted(event):
            await send(event)
            if event["type"] == "websocket.accept":
                self.open += 1

        try:
            await self.application(scope, receive, noted)
        finally:
            self.open -= 1


class OneFlagForAll:
    def __init__(self, application):
        self.application = application
        self.open = 0
        self.counts = False

    async def __call__(self, scope, receive, send):
        async def noted(event):
            await send(event)
            if event["type"] == "websocket.accept":
                self.counts = True
                self.open += 1

        try:
            await self.application(scope, receive, noted)
        finally:
            if self.counts:
                self.open -= 1


class SocketsOnly:
    def __init__(self, application):
        self.application = application
        self.open = 0

    async def __call__(self, scope, receive, send):
        if scope["type"] != "websocket":
            return
        counts = 0

        async def noted(event):
            nonlocal counts
            await send(event)
            if event["type"] == "websocket.accept":
                counts = 1
                self.open += 1

        try:
            await self.application(scope, receive, noted)
        finally:
            self.open -= counts


class KeepsTheEvents:
    def __init__(self, application):
        self.application = application
        self.open = 0

    async def __call__(self, scope, receive, send):
        counts = 0

        async def noted(event):
            nonlocal counts
            if event["type"] == "websocket.accept":
                counts = 1
                self.open += 1
                await send(event)

        try:
            await self.application(scope, receive, noted)
        finally:
            self.open -= counts


class ReadsForItself:
    def __init__(self, application):
        self.application = application
        self.open = 0

    async def __call__(self, scope, receive, send):
        event = await receive()
        if event["type"] == "websocket.connect":
            self.open += 1
        await self.application(scope, receive, send)
        self.open -= 1


WRONG = (
    (CountsCalls, "was not accepted yet: open is 1; 0 was wanted"),
    (CountsAtConnect, "was not accepted yet: open is 1; 0 was wanted"),
    (NoFinally, "The room has raised an error: open is 1; 0 was wanted"),
    (EatsTheError, "The room has raised a LookupError, and the server never heard"),
    (ExceptException, "The server has cancelled the call: open is 1"),
    (ByTheEvents, "The room has ended the call itself: open is 1; 0 was wanted"),
    (OneForAll, "a client came to the other one: open is 1; 0 was wanted"),
    (WithoutALook, "A client was refused: open is -1; 0 was wanted"),
    (OneFlagForAll, "Whose accept does it find noted, and is that note kept for each"),
    (SocketsOnly, "type 'http' came, and the application was not called"),
    (KeepsTheEvents, "expected websocket.send, but nothing came"),
    (ReadsForItself, "expected websocket.accept, but nothing came"),
)
