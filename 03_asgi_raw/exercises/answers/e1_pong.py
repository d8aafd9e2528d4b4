"""Hints, check and solution of exercise 3.1, and what must not pass."""

from asgi_types import Application, Receive, Scope, Send
from conversation import Conversation, Unexpected

from workshop.exercises import Wrong, shown

HINTS = (
    "Three kinds of events come in: which? To which of them does the application "
    "answer something, and with what?",
    "A loop without end takes the next event with `await receive()`. One `if` for each "
    "kind of event: connect, receive, disconnect. Which of the three ends the loop?",
    "In `while True:` stands `event = await receive()`. For `websocket.connect`: "
    '`await send({"type": "websocket.accept"})`. For `websocket.disconnect`: `break`. '
    'For the text `ping`: `await send({"type": "websocket.send", "text": "pong!"})`.',
)


async def check(application: Application) -> str:
    await _require(application, ["ping"], "A client says ping and leaves.")
    await _require(application, [], "A client leaves without a word.")
    texts = ["ping", "ping", "hello", "ping"]
    await _require(application, texts, "A client says ping, ping, hello, ping.")
    scene = "A client says pinging, then ping."
    await _require(application, ["pinging", "ping"], scene)
    return "it accepts, answers each ping, and ends when the client has left."


async def _require(application: Application, texts: list[str], scene: str) -> None:
    try:
        async with Conversation(application) as talk:
            await talk.accepted()
            for text in texts:
                await talk.send(text)
            for _ in range(texts.count("ping")):
                answer = await talk.text()
                if answer != "pong!":
                    raise Wrong(
                        f"{scene} An answer was {shown(answer)}; 'pong!' was wanted "
                        "for each ping, and nothing for hello.",
                        ask="Which texts does your `if` let through, and what is sent?",
                    )
        answers = [line for line in talk.said if line.startswith("← websocket.send")]
        if len(answers) > texts.count("ping"):
            ask = "How many times do you send for one event?"
            if "pinging" in texts:
                ask = "Which texts does `in` let through, and which does `==`?"
            raise Wrong(
                f"{scene} {len(answers)} answers came; one for each ping was wanted.",
                ask=ask,
            )
    except Unexpected as error:
        raise Wrong(f"{scene} In words of the server: {error}", ask=_ask(error)) from (
            None
        )


def _ask(error: Unexpected) -> str:
    words = str(error)
    if "expected websocket.accept" in words:
        return "Which event asks for the accept, and who sends it?"
    if "has returned" in words:
        return "A handler that returns ends its connection. Where does yours return?"
    if "not ended" in words:
        return "Which event says that the client has left, and what do you do then?"
    return "What have you sent for this event, and was the send awaited?"


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer each ``ping`` with ``pong!``, until the client leaves."""
    while True:
        event = await receive()
        if event["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
        elif event["type"] == "websocket.disconnect":
            break
        elif event["text"] == "ping":
            await send({"type": "websocket.send", "text": "pong!"})


async def no_break(scope, receive, send):
    while True:
        event = await receive()
        if event["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
        elif event["type"] == "websocket.receive" and event["text"] == "ping":
            await send({"type": "websocket.send", "text": "pong!"})


async def sends_before_accept(scope, receive, send):
    await receive()
    await send({"type": "websocket.send", "text": "pong!"})
    await send({"type": "websocket.accept"})


async def never_accepts(scope, receive, send):
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            break
        if event["type"] == "websocket.receive" and event["text"] == "ping":
            await send({"type": "websocket.send", "text": "pong!"})


async def no_accept_but_an_answer(scope, receive, send):
    await receive()
    event = await receive()
    await send({"type": "websocket.send", "text": "pong!"})


async def returns_after_one_message(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    event = await receive()
    if event["type"] == "websocket.receive" and event["text"] == "ping":
        await send({"type": "websocket.send", "text": "pong!"})


async def answers_all(scope, receive, send):
    while True:
        event = await receive()
        if event["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
        elif event["type"] == "websocket.disconnect":
            break
        elif event["text"] == "ping":
            await send({"type": "websocket.send", "text": "pong!"})
        else:
            await send({"type": "websocket.send", "text": "what?"})


async def answers_twice(scope, receive, send):
    while True:
        event = await receive()
        if event["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
        elif event["type"] == "websocket.disconnect":
            break
        elif event["text"] == "ping":
            await send({"type": "websocket.send", "text": "pong!"})
            await send({"type": "websocket.send", "text": "pong!"})


async def answers_each_text_with_ping_in_it(scope, receive, send):
    while True:
        event = await receive()
        if event["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
        elif event["type"] == "websocket.disconnect":
            break
        elif "ping" in event["text"]:
            await send({"type": "websocket.send", "text": "pong!"})


async def answers_in_bytes(scope, receive, send):
    while True:
        event = await receive()
        if event["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
        elif event["type"] == "websocket.disconnect":
            break
        elif event["text"] == "ping":
            await send({"type": "websocket.send", "bytes": b"pong!"})


async def a_loop_without_receive(scope, receive, send):
    event = await receive()
    await send({"type": "websocket.accept"})
    event = await receive()
    while event["type"] != "websocket.disconnect":
        await send({"type": "websocket.send", "text": "pong!"})
        await receive()


async def send_not_awaited(scope, receive, send):
    while True:
        event = await receive()
        if event["type"] == "websocket.connect":
            send({"type": "websocket.accept"})
        elif event["type"] == "websocket.disconnect":
            break
        elif event["text"] == "ping":
            send({"type": "websocket.send", "text": "pong!"})


async def gives_it_back(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    event = await receive()
    if event["type"] == "websocket.receive" and event["text"] == "ping":
        return {"type": "websocket.send", "text": "pong!"}


async def text_without_a_look(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while True:
        event = await receive()
        if event["text"] == "ping":
            await send({"type": "websocket.send", "text": "pong!"})


async def accepts_each_event(scope, receive, send):
    while True:
        event = await receive()
        await send({"type": "websocket.accept"})
        if event["type"] == "websocket.disconnect":
            break
        if event["type"] == "websocket.receive" and event["text"] == "ping":
            await send({"type": "websocket.send", "text": "pong!"})


async def ends_at_an_unknown_word(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while (await receive()).get("text") == "ping":
        await send({"type": "websocket.send", "text": "pong!"})


async def sends_a_bare_text(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    await receive()
    await send("pong!")


WRONG = (
    (no_break, "the application has not ended within 1 s"),
    (sends_before_accept, "websocket.send must not be sent before accept"),
    (never_accepts, "expected websocket.accept, but nothing came in 1 s"),
    (no_accept_but_an_answer, "expected websocket.accept, but nothing came in 1 s"),
    (returns_after_one_message, "expected websocket.send, but the application has"),
    (answers_all, "An answer was 'what?'"),
    (answers_twice, "2 answers came; one for each ping was wanted"),
    (answers_each_text_with_ping_in_it, "Which texts does `in` let through"),
    (answers_in_bytes, "expected a message with text"),
    (a_loop_without_receive, "4 answers came; one for each ping was wanted"),
    (send_not_awaited, "expected websocket.accept, but nothing came in 1 s"),
    (gives_it_back, "expected websocket.send, but the application has returned"),
    (text_without_a_look, "KeyError was raised at line"),
    (accepts_each_event, "websocket.accept must not be sent open"),
    (ends_at_an_unknown_word, "expected websocket.send, but the application has"),
    (sends_a_bare_text, "AttributeError was raised at line"),
)
