"""Hints, check and solution of exercise 3.3, and what must not pass."""

from contextlib import suppress

from asgi_types import Application, Event, Receive, Scope, Send
from conversation import Conversation, Unexpected
from exercises.e3_no import TICKET, chat

from workshop.exercises import Wrong, shown

HINTS = (
    "A close code travels in a close frame, and frames travel on an open websocket. "
    "Is there one before the accept? So which of the two answers comes before, and "
    "which comes after it?",
    "Two `if`s, then the chat. In place of `websocket.accept` a `websocket.close` "
    "refuses the handshake: the client gets a 403. After `websocket.accept` it is a "
    "close frame, with its code. Who takes the `websocket.connect` in each case?",
    'Path: `await receive()`, `await send({"type": "websocket.close"})`, `return`. '
    'Ticket: `await receive()`, send the accept, then send `{"type": '
    '"websocket.close", "code": 4401}`, `return`. Else `await chat(…)`, which takes '
    "the connect itself.",
)


async def check(gate: Application) -> str:
    ticket = TICKET.decode()
    for path in ("/nowhere", f"/nowhere?{ticket}", "/chat"):
        _require_refused(await _sent(gate, path), path)
    for path in ("/", "/?ticket=7", f"/?{ticket}1", f"/?since=4&my{ticket}"):
        _require_closed(await _sent(gate, path), path)
    await _require_chat(gate, f"/?{ticket}")
    return "403 before the accept, 4401 after it, and the chat for all others."


async def _sent(gate: Application, path: str) -> list[Event]:
    """What is sent to a client that comes, waits a second and leaves."""
    sent: list[Event] = []

    async def noted_gate(scope: Scope, receive: Receive, send: Send) -> None:
        async def noted(event: Event) -> None:
            sent.append(event)
            await send(event)

        await gate(scope, receive, noted)

    try:
        async with Conversation(noted_gate, path) as talk:
            with suppress(Unexpected):
                await talk.ended()
    except Unexpected as error:
        raise Wrong(
            f"At {path}: {error}",
            ask="What does gate wait for, now that the client has gone?",
        ) from None
    return sent


def _kinds(sent: list[Event]) -> list[str]:
    return [event["type"].removeprefix("websocket.") for event in sent]


def _require_refused(sent: list[Event], path: str) -> None:
    kinds = _kinds(sent)
    if kinds[:1] == ["accept"]:
        raise Wrong(
            f"At {path} the client was let in: gate sent {', '.join(kinds)}. It should "
            "get an HTTP error, and no websocket.",
            ask="What can be sent in place of the accept?",
        )
    if kinds == ["http.response.start", "http.response.body"]:
        status = sent[0].get("status")
        kinds = ["close"]  # an answer of one's own is as good
        if status != 403:
            kinds = [f"an HTTP answer with the status {status}"]
    if kinds != ["close"]:
        raise Wrong(
            f"At {path} gate sent {', '.join(kinds) or 'nothing'}; one close before "
            "any accept was wanted, which the server makes a 403.",
            ask="What does the client get of what gate has sent?",
        )


def _require_closed(sent: list[Event], path: str) -> None:
    kinds = _kinds(sent)
    if kinds[:1] == ["close"]:
        raise Wrong(
            f"At {path} gate closed before it accepted. The client gets a 403, and "
            f"never sees the code {shown(sent[0].get('code', 1000))}.",
            ask="On which way can a close code travel to the page?",
        )
    if kinds != ["accept", "close"]:
        raise Wrong(
            f"At {path} gate sent {', '.join(kinds) or 'nothing'}; accept and then "
            "close were wanted.",
            ask="Which query strings does your `if` let through to the chat?",
        )
    code = sent[1].get("code", 1000)
    if not isinstance(code, int):
        raise Wrong(
            f"At {path} the close code is {shown(code)}; the number 4401 was wanted.",
            ask="What is the type of a close code?",
        )
    if code != 4401:
        raise Wrong(
            f"At {path} the page reads the close code {code}; 4401 was wanted.",
            ask="Which code has a close that names none?",
        )


async def _require_chat(gate: Application, path: str) -> None:
    try:
        async with Conversation(gate, path) as talk:
            await talk.accepted()
            for text in ("hello", "again"):
                await talk.send(text)
                said = await talk.text()
                if said != text:
                    raise Wrong(
                        f"At {path} the chat has to say {text!r} again; "
                        f"{shown(said)} came."
                    )
    except Unexpected as error:
        raise Wrong(
            f"At {path} a client has to come into the chat: {error}",
            ask="Which event does chat take first, and is it still there for it?",
        ) from None


async def gate(scope: Scope, receive: Receive, send: Send) -> None:
    """403 for another path, 4401 without a ticket; ``chat`` for all others."""
    if scope["path"] != "/":
        await receive()  # websocket.connect
        await send({"type": "websocket.close"})
        return
    if scope["query_string"] != TICKET:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 4401})
        return
    await chat(scope, receive, send)


async def the_code_before_the_accept(scope, receive, send):
    if scope["path"] != "/":
        await receive()
        await send({"type": "websocket.close", "code": 4403})
        return
    if scope["query_string"] != TICKET:
        await receive()
        await send({"type": "websocket.close", "code": 4401})
        return
    await chat(scope, receive, send)


async def accept_and_a_bare_close(scope, receive, send):
    if scope["path"] != "/":
        await receive()
        await send({"type": "websocket.close"})
        return
    if scope["query_string"] != TICKET:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close"})
        return
    await chat(scope, receive, send)


async def raises(scope, receive, send):
    if scope["path"] != "/":
        raise PermissionError("403")
    if scope["query_string"] != TICKET:
        raise PermissionError("4401")
    await chat(scope, receive, send)


async def accepts_both(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    if scope["path"] != "/":
        await send({"type": "websocket.close", "code": 4403})
        return
    if scope["query_string"] != TICKET:
        await send({"type": "websocket.close", "code": 4401})
        return
    await chat(scope, receive, send)


async def only_returns(scope, receive, send):
    if scope["path"] != "/":
        return
    if scope["query_string"] != TICKET:
        return
    await chat(scope, receive, send)


async def takes_the_connect_of_the_chat(scope, receive, send):
    await receive()
    if scope["path"] != "/":
        await send({"type": "websocket.close"})
        return
    if scope["query_string"] != TICKET:
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 4401})
        return
    await chat(scope, receive, send)


async def goes_on_after_the_close(scope, receive, send):
    if scope["path"] != "/":
        await receive()
        await send({"type": "websocket.close"})
    await chat(scope, receive, send)


async def a_ticket_somewhere(scope, receive, send):
    if scope["path"] != "/":
        await receive()
        await send({"type": "websocket.close"})
        return
    if TICKET not in scope["query_string"]:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 4401})
        return
    await chat(scope, receive, send)


async def a_text_for_bytes(scope, receive, send):
    if scope["path"] != "/":
        await receive()
        await send({"type": "websocket.close"})
        return
    if scope["query_string"] != "ticket=42":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 4401})
        return
    await chat(scope, receive, send)


async def the_ticket_first(scope, receive, send):
    if scope["query_string"] != TICKET:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 4401})
        return
    if scope["path"] != "/":
        await receive()
        await send({"type": "websocket.close"})
        return
    await chat(scope, receive, send)


async def another_status(scope, receive, send):
    if scope["path"] != "/":
        await receive()
        await send({"type": "websocket.http.response.start", "status": 404})
        await send({"type": "websocket.http.response.body", "body": b"no"})
        return
    await chat(scope, receive, send)


async def a_text_for_the_code(scope, receive, send):
    if scope["path"] != "/":
        await receive()
        await send({"type": "websocket.close"})
        return
    if scope["query_string"] != TICKET:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": "4401"})
        return
    await chat(scope, receive, send)


async def an_answer_of_http(scope, receive, send):
    if scope["path"] != "/":
        await receive()
        await send({"type": "http.response.start", "status": 403, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        return
    await chat(scope, receive, send)


WRONG = (
    (the_code_before_the_accept, "and never sees the code 4401"),
    (accept_and_a_bare_close, "the page reads the close code 1000"),
    (raises, "PermissionError was raised at line"),
    (accepts_both, "At /nowhere the client was let in"),
    (only_returns, "At /nowhere gate sent nothing"),
    (takes_the_connect_of_the_chat, "a client has to come into the chat"),
    (goes_on_after_the_close, "websocket.accept must not be sent after the end"),
    (a_ticket_somewhere, "At /?ticket=421 gate sent accept; accept and then"),
    (a_text_for_bytes, "a client has to come into the chat"),
    (the_ticket_first, "At /nowhere the client was let in"),
    (another_status, "gate sent an HTTP answer with the status 404"),
    (a_text_for_the_code, "the close code is '4401'; the number 4401 was wanted"),
    (an_answer_of_http, "http.response.start must not be sent before accept"),
)
