"""A bare ASGI application: three kinds of conversation, one ``if`` for each.

The server calls ``application`` once per HTTP request, once per websocket and once for
its own life. ``receive()`` waits for the next event, a dictionary; ``send()`` answers.
Limits: GET and HEAD only, no request bodies. In quotes: sections of the ASGI spec.
"""

from contextlib import suppress
from pathlib import Path

from asgiref.typing import ASGIReceiveCallable as Receive
from asgiref.typing import ASGISendCallable as Send
from asgiref.typing import HTTPScope, Scope, WebSocketReceiveEvent

STATIC = Path(__file__).resolve().parents[1] / "workshop" / "static"
# Read once, at the start: reading blocks, and a block holds up every open websocket.
FILES = {
    "/": (b"text/html", Path(__file__).with_name("page.html").read_bytes()),
    "/static/style.css": (b"text/css", (STATIC / "style.css").read_bytes()),
    "/static/palette.css": (b"text/css", (STATIC / "palette.css").read_bytes()),
    "/static/console.js": (b"text/javascript", (STATIC / "console.js").read_bytes()),
}
ALLOW = (b"allow", b"GET, HEAD")  # RFC 9110, 15.5.6: a 405 says what is allowed


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await http(scope, send)
    elif scope["type"] == "websocket":
        with suppress(OSError):  # "Disconnected Client": send() to a peer that has left
            await websocket(receive, send)
    elif scope["type"] == "lifespan":
        await lifespan(receive, send)
    else:  # "Applications": raise for a protocol that you do not understand
        raise NotImplementedError(f"Unknown scope type {scope['type']!r}")


async def websocket(receive: Receive, send: Send) -> None:
    while True:
        event = await receive()
        if event["type"] == "websocket.connect":
            await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
        elif event["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": answer(event), "bytes": None})
        elif event["type"] == "websocket.disconnect":
            break  # the last event: another receive() waits for ever, or spins


def answer(event: WebSocketReceiveEvent) -> str:
    text = event.get("text")  # "Receive": one of text and bytes may be missing or None
    if text is None:
        return f"{len(event['bytes'] or b'')} bytes, but no text. Send the text ping."
    if text == "ping":
        return "pong!"
    return f"A text of length {len(text)} that is not ping. Send ping, get pong!"


async def lifespan(receive: Receive, send: Send) -> None:
    await receive()  # lifespan.startup: no request comes before it is answered
    await send({"type": "lifespan.startup.complete"})
    await receive()  # lifespan.shutdown: every connection has ended
    await send({"type": "lifespan.shutdown.complete"})


async def http(scope: HTTPScope, send: Send) -> None:
    status, kind, body = 404, b"text/plain", b"Nothing is here. The page is at /\n"
    if scope["method"] not in ("GET", "HEAD"):
        status, body = 405, b"Only GET and HEAD are answered here.\n"
    elif scope["path"] in FILES:
        status, (kind, body) = 200, FILES[scope["path"]]
    headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body)), ALLOW]
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": headers,
            "trailers": False,
        }
    )
    await send({"type": "http.response.body", "body": body, "more_body": False})
