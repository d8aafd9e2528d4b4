"""Hints, check and solution of exercise 3.7, and what must not pass."""

import asyncio

from asgi_types import Application, Receive, Scope, Send
from conversation import Conversation, Unexpected
from exercises.e7_works import measure

from workshop.exercises import Wrong, shown

HINTS = (
    "In which thread does `measure` run now, and who else needs that thread?",
    "asyncio has a function that calls a plain function in a worker thread, and gives "
    "something to await. It wants the function and its arguments apart. And who makes "
    "sure that one word is answered before the next one is measured?",
    "`said = await asyncio.to_thread(measure, …)`, with the word as second argument.",
)


async def check(measurer: Application) -> str:
    try:
        await _check_two(measurer)
        await _check_order(measurer)
    except Unexpected as error:
        raise Wrong(
            f"{error}", ask="What was sent for each word, and what was awaited for it?"
        ) from None
    return "one works, and the others do not notice; all answers are in their order."


async def _check_two(measurer: Application) -> None:
    ticks: list[float] = []
    loop = asyncio.get_running_loop()
    others = asyncio.create_task(_heartbeat(ticks), name="the others")
    try:
        async with Conversation(measurer) as one, Conversation(measurer) as other:
            await one.accepted()
            await other.accepted()
            began = loop.time()
            await one.send("slowly")
            await other.send("go")
            arrived: dict[str, float] = {}

            async def arrives(talk: Conversation, word: str) -> None:
                said = await talk.text()
                arrived[word] = round(loop.time() - began, 6)
                wanted = f"{word} has {len(word)} letters"
                if said != wanted:
                    raise Wrong(
                        f"The answer to {word} was {shown(said)}; {wanted!r} was "
                        "wanted.",
                        ask="Where does the result of measure go?",
                    )

            await asyncio.gather(arrives(one, "slowly"), arrives(other, "go"))
    finally:
        others.cancel()
    pairs = zip(ticks, ticks[1:], strict=False)
    longest = max((after - before for before, after in pairs), default=0)
    if longest > 0.11:
        raise Wrong(
            f"All others stood still for {longest:g} s; one of them wants something "
            "every 0.1 s.",
            ask="In which thread does measure run, and who else needs that one?",
        )
    if arrived["go"] != 0.2:
        raise Wrong(
            f"One client sent slowly, another one go. The answer to go came after "
            f"{arrived['go']:g} s; it needs 0.2 s.",
            ask="For whom does the second client wait?",
        )


async def _heartbeat(ticks: list[float]) -> None:
    while True:
        ticks.append(asyncio.get_running_loop().time())
        await asyncio.sleep(0.1)


async def _check_order(measurer: Application) -> None:
    words = ("slowly", "go", "a")
    async with Conversation(measurer) as talk:
        await talk.accepted()
        for word in words:
            await talk.send(word)
        answers = [await talk.text() for _ in words]
    wanted = [measure(word) for word in words]
    if answers != wanted:
        order = ", ".join(answer.partition(" ")[0] for answer in answers)
        raise Wrong(
            f"A client sent {', '.join(words)}. The answers came for {order}.",
            ask="What happens to the next word while the first one is measured?",
        )


async def measurer(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer each word with what ``measure`` says of it."""
    await receive()  # websocket.connect
    await send({"type": "websocket.accept"})
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            break
        said = await asyncio.to_thread(measure, event["text"])
        await send({"type": "websocket.send", "text": said})


async def async_def_around(scope, receive, send):
    async def measured(word):
        return measure(word)

    await receive()
    await send({"type": "websocket.accept"})
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            break
        said = await measured(event["text"])
        await send({"type": "websocket.send", "text": said})


async def create_task_around(scope, receive, send):
    async def reply(word):
        await send({"type": "websocket.send", "text": measure(word)})

    await receive()
    await send({"type": "websocket.accept"})
    tasks = []
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            break
        tasks.append(asyncio.create_task(reply(event["text"])))


async def order_lost(scope, receive, send):
    async def reply(word):
        said = await asyncio.to_thread(measure, word)
        await send({"type": "websocket.send", "text": said})

    await receive()
    await send({"type": "websocket.accept"})
    tasks = []
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            break
        tasks.append(asyncio.create_task(reply(event["text"])))


async def called_at_once(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            break
        said = await asyncio.to_thread(measure(event["text"]))
        await send({"type": "websocket.send", "text": said})


async def not_awaited(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            break
        said = asyncio.to_thread(measure, event["text"])
        await send({"type": "websocket.send", "text": said})


async def result_thrown_away(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            break
        await asyncio.to_thread(measure, event["text"])
        await send({"type": "websocket.send", "text": "measured"})


async def a_pause_before(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            break
        await asyncio.sleep(0)
        said = measure(event["text"])
        await send({"type": "websocket.send", "text": said})


async def awaits_the_call(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            break
        said = await measure(event["text"])
        await send({"type": "websocket.send", "text": said})


async def a_thread_and_a_join(scope, receive, send):
    import threading

    await receive()
    await send({"type": "websocket.accept"})
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            break
        found = []
        thread = threading.Thread(target=lambda: found.append(measure(event["text"])))
        thread.start()
        thread.join()
        await send({"type": "websocket.send", "text": found[0]})


async def one_lock_for_all(scope, receive, send):
    global LOCK
    LOCK = globals().get("LOCK") or asyncio.Lock()
    await receive()
    await send({"type": "websocket.accept"})
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            break
        async with LOCK:
            said = await asyncio.to_thread(measure, event["text"])
        await send({"type": "websocket.send", "text": said})


async def does_not_wait_for_the_future(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    loop = asyncio.get_running_loop()
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            break
        said = loop.run_in_executor(None, measure, event["text"]).result()
        await send({"type": "websocket.send", "text": said})


async def the_library_written_anew(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            break
        await asyncio.sleep(0.5)
        word = event["text"]
        said = f"{word} has {len(word)} letters"
        await send({"type": "websocket.send", "text": said})


WRONG = (
    (async_def_around, "All others stood still for"),
    (create_task_around, "All others stood still for"),
    (order_lost, "A client sent slowly, go, a. The answers came for a, go, slowly"),
    (called_at_once, "TypeError was raised at line"),
    (not_awaited, "The answer to slowly was <a coroutine>"),
    (result_thrown_away, "was 'measured'"),
    (a_pause_before, "All others stood still for"),
    (awaits_the_call, "TypeError was raised at line"),
    (a_thread_and_a_join, "All others stood still for"),
    (one_lock_for_all, "The answer to go came after 0.8 s; it needs 0.2 s"),
    (does_not_wait_for_the_future, "InvalidStateError was raised at line"),
    (the_library_written_anew, "The answer to go came after 0.5 s; it needs 0.2 s"),
)
