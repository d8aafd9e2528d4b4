"""Hints, check and solution of exercise 3.5, and what must not pass."""

from collections.abc import Callable
from typing import Any

from asgi_types import Event

from workshop.exercises import Wrong, shown

HINTS = (
    "There are three cases that Python's truth takes for one: no such key, `None`, and "
    "an empty message. Which of these are a message?",
    "A dictionary's `get` gives `None` where the key is missing. So missing and `None` "
    "become one. How does one ask for `None`, and for nothing else?",
    '`text = event.get("text")`; then `if text is None:` and the bytes are there, in '
    '`event["bytes"]`.',
)

CASES: tuple[tuple[Event, str], ...] = (
    ({"text": "ping"}, "pong!"),
    ({"text": "ping", "bytes": None}, "pong!"),
    ({"text": "hello"}, "5 characters"),
    ({"text": "hello", "bytes": None}, "5 characters"),
    ({"bytes": b"\x00\x01"}, "2 bytes"),
    ({"bytes": b"\x00\x01", "text": None}, "2 bytes"),
    ({"text": ""}, "0 characters"),
    ({"text": "", "bytes": None}, "0 characters"),
    ({"bytes": b""}, "0 bytes"),
    ({"bytes": b"", "text": None}, "0 bytes"),
    ({"bytes": b"ping"}, "4 bytes"),
    ({"bytes": b"\xff", "text": None}, "1 bytes"),
    ({"text": "é"}, "1 characters"),
)


def check(answer: Callable[[Event], Any]) -> str:
    for message, wanted in CASES:
        words = ", ".join(f"{key!r}: {value!r}" for key, value in message.items())
        try:
            given = answer({"type": "websocket.receive"} | message)
        except Exception as error:
            error.add_note(f"The event had {words}.")
            vars(error)["ask"] = _ask(message)
            raise
        if given != wanted:
            raise Wrong(
                f"The event had {words}. The answer was {shown(given)}; {wanted!r} "
                "was wanted.",
                ask=_ask(message),
            )
    return "text or bytes, empty or not, with the other key missing or None."


def _ask(message: Event) -> str:
    if message.get("text") == "" or message.get("bytes") == b"":
        return "What does Python take an empty text for, in an `if`?"
    if None in message.values():
        return "Is a key that is there always a message?"
    return "Which kind of message is this, and how do you see it?"


def answer(event: Event) -> str:
    """``pong!`` for ``ping``; else how long the message is, and of what it is."""
    text = event.get("text")
    if text is None:
        return f"{len(event['bytes'])} bytes"
    if text == "ping":
        return "pong!"
    return f"{len(text)} characters"


def truth_for_presence(event):
    if event.get("text"):
        if event["text"] == "ping":
            return "pong!"
        return f"{len(event['text'])} characters"
    return f"{len(event['bytes'])} bytes"


def truth_with_a_default(event):
    if event.get("text"):
        if event["text"] == "ping":
            return "pong!"
        return f"{len(event['text'])} characters"
    return f"{len(event.get('bytes') or b'')} bytes"


def the_key_is_there(event):
    if "text" in event:
        if event["text"] == "ping":
            return "pong!"
        return f"{len(event['text'])} characters"
    return f"{len(event['bytes'])} bytes"


def bytes_is_there(event):
    if "bytes" in event:
        return f"{len(event['bytes'])} bytes"
    if event["text"] == "ping":
        return "pong!"
    return f"{len(event['text'])} characters"


def get_and_no_more(event):
    if event.get("text") == "ping":
        return "pong!"
    return f"{len(event.get('text'))} characters"


def an_empty_text_by_default(event):
    text = event.get("text", "")
    if text == "ping":
        return "pong!"
    return f"{len(text)} characters"


def key_error(event):
    try:
        text = event["text"]
    except KeyError:
        return f"{len(event['bytes'])} bytes"
    if text == "ping":
        return "pong!"
    return f"{len(text)} characters"


def decoded(event):
    text = event.get("text")
    if text is None:
        text = event["bytes"].decode(errors="replace")
    if text == "ping":
        return "pong!"
    return f"{len(text)} characters"


def whichever_there_is(event):
    message = event.get("text") or event.get("bytes")
    if message == "ping":
        return "pong!"
    if isinstance(message, str):
        return f"{len(message)} characters"
    return f"{len(message)} bytes"


def nothing_is_ignored(event):
    text = event.get("text")
    data = event.get("bytes")
    if text == "ping":
        return "pong!"
    if text:
        return f"{len(text)} characters"
    if data:
        return f"{len(data)} bytes"


def bytes_by_truth(event):
    data = event.get("bytes")
    if data:
        return f"{len(data)} bytes"
    if event["text"] == "ping":
        return "pong!"
    return f"{len(event['text'])} characters"


WRONG = (
    (truth_for_presence, "What does Python take an empty text for, in an `if`?"),
    (truth_with_a_default, "The event had 'text': ''. The answer was '0 bytes'"),
    (the_key_is_there, "Is a key that is there always a message?"),
    (bytes_is_there, "TypeError was raised at line"),
    (get_and_no_more, "TypeError was raised at line"),
    (an_empty_text_by_default, "The answer was '0 characters'; '2 bytes' was wanted"),
    (key_error, "TypeError was raised at line"),
    (decoded, "The answer was '2 characters'; '2 bytes' was wanted"),
    (whichever_there_is, "TypeError was raised at line"),
    (nothing_is_ignored, "The event had 'text': ''. The answer was None"),
    (bytes_by_truth, "KeyError was raised at line"),
)
