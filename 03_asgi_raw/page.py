"""The page of this stage: an HTTP conversation, with no framework.

A request is answered by two events: one with status and headers, one with the body.
Limits: GET and HEAD only, no request bodies; the server leaves HEAD's body out.
"""

from pathlib import Path

from asgi_types import Scope, Send

STATIC = Path(__file__).resolve().parents[1] / "workshop" / "static"
# Read once, at the start: reading blocks, and a block holds up every open websocket.
FILES = {
    "/": (b"text/html", Path(__file__).with_name("page.html").read_bytes()),
    "/static/style.css": (b"text/css", (STATIC / "style.css").read_bytes()),
    "/static/palette.css": (b"text/css", (STATIC / "palette.css").read_bytes()),
    "/static/big.js": (b"text/javascript", (STATIC / "big.js").read_bytes()),
    "/static/console.js": (b"text/javascript", (STATIC / "console.js").read_bytes()),
}
MISSING = (STATIC / "missing.html").read_bytes()
ALLOW = (b"allow", b"GET, HEAD")  # RFC 9110, 15.5.6: a 405 says what is allowed


async def http(scope: Scope, send: Send) -> None:
    if scope["method"] not in ("GET", "HEAD"):
        body = b"Only GET and HEAD are answered here.\n"
        await respond(send, 405, b"text/plain", body, ALLOW)
    elif scope["path"] in FILES:
        await respond(send, 200, *FILES[scope["path"]])
    else:
        await respond(send, 404, b"text/html", MISSING)


async def respond(
    send: Send, status: int, kind: bytes, body: bytes, *more: tuple[bytes, bytes]
) -> None:
    """Send a whole response; ``more`` are headers beside its type and its length."""
    headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body)), *more]
    start = {"type": "http.response.start", "status": status, "headers": headers}
    await send(start)  # nothing is on the wire yet: the server waits for the body
    await send({"type": "http.response.body", "body": body, "more_body": False})
