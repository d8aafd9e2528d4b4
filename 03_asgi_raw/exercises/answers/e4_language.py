"""Hints, check and solution of exercise 3.4, and what must not pass."""

import asyncio

from asgi_types import Application, Event, Receive, Scope, Send
from conversation import Conversation, Unexpected
from exercises.e4_language import SPOKEN, listen

from workshop.exercises import Wrong, shown

HINTS = (
    "Which of the two lists says what is *allowed*, and which one says what is "
    "*better*? Over which of them should you loop, to meet the better one first?",
    "Three cases: a name of both, names of the client only, no name at all. A name is "
    "whole: compare names with names, in a list. And what stands in place of an "
    "accept, to refuse?",
    'Loop `for name in SPOKEN:` and keep those with `name in scope["subprotocols"]` '
    'in a list `both`. If there is an offer and `both` is empty: send `{"type": '
    '"websocket.close"}` and return. Else the subprotocol is `both[0]`, or `None`.',
)

CASES: tuple[tuple[list[str], str | None], ...] = (
    (["chat.text", "chat.json"], "chat.json"),
    (["chat.json", "chat.text"], "chat.json"),
    (["chat.binary", "chat.text"], "chat.text"),
    (["chat.binary"], "chat.binary"),
    (["chat.xml", "chat.text"], "chat.text"),
    ([], None),
)
UNKNOWN = (["chat.xml"], ["chat.jsonp", "chat.texts"], ["chat", "json"])


async def check(meet: Application) -> str:
    for offered, wanted in CASES:
        _require_name(await _first(meet, offered), offered, wanted)
    for offered in UNKNOWN:
        event = await _first(meet, offered)
        if event["type"] == "websocket.accept":
            raise Wrong(
                f"The client offered {', '.join(offered)}, and was accepted with "
                f"{shown(event.get('subprotocol'))}; nobody here speaks that. It "
                "should be refused.",
                ask="What do you send when no name is common to both?",
            )
    return "both speak what they agree on, and the server's favourite comes first."


async def _first(meet: Application, offered: list[str]) -> Event:
    """What meet sends first to a client that offers these names."""
    sent: asyncio.Queue[Event] = asyncio.Queue()
    returned = asyncio.Event()
    words = f"The client offered {', '.join(offered) or 'nothing'}"

    async def noted_meet(scope: Scope, receive: Receive, send: Send) -> None:
        async def noted(event: Event) -> None:
            await send(event)
            sent.put_nowait(event)

        await meet(scope, receive, noted)
        returned.set()
        sent.put_nowait({"type": "nothing"})

    try:
        async with Conversation(noted_meet, subprotocols=offered) as talk:
            waits = asyncio.create_task(sent.get())
            await asyncio.wait([waits], timeout=1)
            if not waits.done():
                waits.cancel()
                await talk.accepted()
            event = waits.result()
            if event["type"] == "websocket.accept":
                await asyncio.sleep(1)
                if not sent.empty() and sent.get_nowait()["type"] == "websocket.close":
                    raise Wrong(
                        f"{words}, was accepted, and then closed. A refusal comes in "
                        "place of the accept.",
                        ask="What does the client get from a close before the accept?",
                    )
                if returned.is_set():
                    raise Wrong(
                        f"{words}, was accepted, and at once the connection was over.",
                        ask="What has to go on, so that the connection goes on?",
                    )
    except Unexpected as error:
        raise Wrong(f"{words}: {error}", ask="Does it accept, or refuse?") from None
    if event["type"] == "nothing":
        raise Wrong(
            f"{words}, and meet returned with neither an accept nor a refusal.",
            ask="What does the client wait for?",
        )
    return event


def _require_name(event: Event, offered: list[str], wanted: str | None) -> None:
    words = f"The client offered {', '.join(offered) or 'nothing'}"
    if event["type"] != "websocket.accept":
        raise Wrong(
            f"{words}, and was refused; it should be accepted with {shown(wanted)}.",
            ask="Has a client to offer anything, and which of its names are spoken?",
        )
    name = event.get("subprotocol")
    if name is not None and not isinstance(name, str):
        raise Wrong(
            f"{words}: the accept names {shown(name)}. It is one name, as a text.",
            ask="How many languages does one conversation have?",
        )
    for header, _ in event.get("headers", ()):
        if bytes(header).lower() == b"sec-websocket-protocol":
            raise Wrong(
                f"{words}: the accept has a header for it. That is the server's "
                'matter; the key is "subprotocol".',
                ask="Which keys can a websocket.accept have?",
            )
    if name and name not in offered:
        raise Wrong(
            f"{words}, and the accept names {name!r}: nobody offered that. A browser "
            "hangs up.",
            ask="From which list must the name come?",
        )
    if name != wanted:
        ask = "Whose order counts, and how do you meet that one's favourite first?"
        if wanted is None:
            ask = "How does Python say that there is nothing?"
        raise Wrong(
            f"{words}; the accept names {shown(name)}, and {shown(wanted)} was wanted.",
            ask=ask,
        )


async def meet(scope: Scope, receive: Receive, send: Send) -> None:
    """Agree on a subprotocol, or refuse; then listen until the client leaves."""
    await receive()  # websocket.connect
    offered = scope["subprotocols"]
    both = [name for name in SPOKEN if name in offered]
    if offered and not both:
        await send({"type": "websocket.close"})
        return
    chosen = both[0] if both else None
    await send({"type": "websocket.accept", "subprotocol": chosen})
    await listen(receive)


async def the_clients_first(scope, receive, send):
    await receive()
    offered = scope["subprotocols"]
    chosen = offered[0] if offered else None
    await send({"type": "websocket.accept", "subprotocol": chosen})
    await listen(receive)


async def the_clients_order(scope, receive, send):
    await receive()
    both = [name for name in scope["subprotocols"] if name in SPOKEN]
    if scope["subprotocols"] and not both:
        await send({"type": "websocket.close"})
        return
    chosen = both[0] if both else None
    await send({"type": "websocket.accept", "subprotocol": chosen})
    await listen(receive)


async def not_offered(scope, receive, send):
    await receive()
    chosen = SPOKEN[0] if scope["subprotocols"] else None
    await send({"type": "websocket.accept", "subprotocol": chosen})
    await listen(receive)


async def a_list(scope, receive, send):
    await receive()
    both = [name for name in SPOKEN if name in scope["subprotocols"]]
    await send({"type": "websocket.accept", "subprotocol": both})
    await listen(receive)


async def one_text_of_all(scope, receive, send):
    await receive()
    offered = ", ".join(scope["subprotocols"])
    both = [name for name in SPOKEN if name in offered]
    if offered and not both:
        await send({"type": "websocket.close"})
        return
    chosen = both[0] if both else None
    await send({"type": "websocket.accept", "subprotocol": chosen})
    await listen(receive)


async def the_last_in_the_alphabet(scope, receive, send):
    await receive()
    both = set(SPOKEN) & set(scope["subprotocols"])
    if scope["subprotocols"] and not both:
        await send({"type": "websocket.close"})
        return
    chosen = max(both, default=None)
    await send({"type": "websocket.accept", "subprotocol": chosen})
    await listen(receive)


async def accepted_all_the_same(scope, receive, send):
    await receive()
    both = [name for name in SPOKEN if name in scope["subprotocols"]]
    chosen = both[0] if both else None
    await send({"type": "websocket.accept", "subprotocol": chosen})
    await listen(receive)


async def nothing_is_refused_too(scope, receive, send):
    await receive()
    for name in SPOKEN:
        if name in scope["subprotocols"]:
            await send({"type": "websocket.accept", "subprotocol": name})
            await listen(receive)
            return
    await send({"type": "websocket.close"})


async def refuses_after_the_accept(scope, receive, send):
    await receive()
    both = [name for name in SPOKEN if name in scope["subprotocols"]]
    chosen = both[0] if both else None
    await send({"type": "websocket.accept", "subprotocol": chosen})
    if scope["subprotocols"] and not both:
        await send({"type": "websocket.close"})
        return
    await listen(receive)


async def an_empty_name(scope, receive, send):
    await receive()
    both = [name for name in SPOKEN if name in scope["subprotocols"]]
    if scope["subprotocols"] and not both:
        await send({"type": "websocket.close"})
        return
    chosen = both[0] if both else ""
    await send({"type": "websocket.accept", "subprotocol": chosen})
    await listen(receive)


async def in_a_header(scope, receive, send):
    await receive()
    both = [name for name in SPOKEN if name in scope["subprotocols"]]
    header = (b"sec-websocket-protocol", both[0].encode())
    await send({"type": "websocket.accept", "headers": [header]})
    await listen(receive)


async def accepts_and_returns(scope, receive, send):
    await receive()
    both = [name for name in SPOKEN if name in scope["subprotocols"]]
    chosen = both[0] if both else None
    await send({"type": "websocket.accept", "subprotocol": chosen})


async def no_fallback(scope, receive, send):
    await receive()
    both = [name for name in SPOKEN if name in scope["subprotocols"]]
    await send({"type": "websocket.accept", "subprotocol": both[0]})
    await listen(receive)


async def silent_without_a_name(scope, receive, send):
    await receive()
    for name in SPOKEN:
        if name in scope["subprotocols"]:
            await send({"type": "websocket.accept", "subprotocol": name})
            break
    await listen(receive)


WRONG = (
    (the_clients_first, "the accept names 'chat.text', and 'chat.json' was wanted"),
    (the_clients_order, "the accept names 'chat.text', and 'chat.json' was wanted"),
    (not_offered, "the accept names 'chat.json': nobody offered that"),
    (a_list, "It is one name, as a text"),
    (one_text_of_all, "The client offered chat.jsonp, chat.texts, and was accepted"),
    (the_last_in_the_alphabet, "names 'chat.text', and 'chat.json' was wanted"),
    (accepted_all_the_same, "The client offered chat.xml, and was accepted with None"),
    (nothing_is_refused_too, "The client offered nothing, and was refused"),
    (refuses_after_the_accept, "was accepted, and then closed"),
    (an_empty_name, "the accept names '', and None was wanted"),
    (in_a_header, 'the key is "subprotocol"'),
    (accepts_and_returns, "was accepted, and at once the connection was over"),
    (no_fallback, "IndexError was raised at line"),
    (silent_without_a_name, "expected websocket.accept, but nothing came in 1 s"),
)
