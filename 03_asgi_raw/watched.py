"""``app.py`` again, unchanged, with a wiretap between it and its server.

``uvicorn --app-dir 03_asgi_raw watched:application``: the same page, and beside its
console every event of the connection that this page has opened, as it happens. The
picture comes over a second websocket. Each page gets a random word, which it puts into
both addresses: by it the two are matched, and nobody sees another one's connection.
"""

import asyncio
import sys
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from asgiref.typing import ASGIReceiveCallable as Receive
from asgiref.typing import ASGISendCallable as Send
from asgiref.typing import Scope, WebSocketScope

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))  # for workshop/: --app-dir adds this folder only

import app  # noqa: E402

from workshop.pages import from_this_page  # noqa: E402
from workshop.wiretap import Wiretap  # noqa: E402

PAUSE = 0.05  # seconds from picture to picture at least: nobody sees more
ASIDE = '<section aria-labelledby="try-title">'  # stands beside the console in app.py's
PAGE = (
    (HERE / "page.html")
    .read_text(encoding="utf-8")
    .replace('<div class="two even">', '<div class="two even watched">')
    .replace(
        ASIDE,
        (HERE / "watched.html").read_text(encoding="utf-8")
        + f'  </div>\n  <div class="below">\n    {ASIDE}',
    )
)

tap = Wiretap(app.application, events=8)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket" and scope["path"].startswith("/wiretap"):
        await watch(scope, receive, send)
    elif scope["type"] == "websocket":
        await tap(scope, receive, send)
    elif scope["type"] == "http" and scope["path"] == "/" and scope["method"] == "GET":
        await page(send)
    else:
        await app.application(scope, receive, send)


async def page(send: Send) -> None:
    html = PAGE.replace("<html ", f'<html data-query="?watch={token_hex(8)}" ', 1)
    body = html.encode()
    headers = [
        (b"content-type", b"text/html"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),  # a page that is loaded again is another page
    ]
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": headers,
            "trailers": False,
        }
    )
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def watch(scope: WebSocketScope, receive: Receive, send: Send) -> None:
    await receive()  # websocket.connect
    if not from_this_page(scope):  # why: stage 04 shows the attack
        await send({"type": "websocket.close", "code": 1008, "reason": None})
        return
    await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
    async with asyncio.TaskGroup() as tasks:
        query = scope["query_string"].decode("latin-1")
        pictures = tasks.create_task(show(query, "narrow" in scope["path"], send))
        while (await receive())["type"] != "websocket.disconnect":
            pass
        pictures.cancel()


async def show(query: str, narrow: bool, send: Send) -> None:
    """Send the picture of the last connection with this query whenever it changes."""
    shown = ""
    with suppress(OSError):  # the page was closed meanwhile: watch() hears of it, too
        while True:
            news = tap.news()  # before looking: what comes meanwhile is not missed
            found = [c for c in tap.connections if query and c.query == query]
            picture = found[-1].svg(narrow=narrow) if found else ""
            if picture != shown:
                shown = picture
                await send({"type": "websocket.send", "text": picture, "bytes": None})
            await news.wait()
            await asyncio.sleep(PAUSE)
