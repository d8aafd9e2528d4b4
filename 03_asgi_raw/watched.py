"""``app.py`` again, unchanged, with a wiretap between it and its server.

``uvicorn --app-dir 03_asgi_raw watched:application``: the same page, and beside its
console every event of the connection that this page has opened, as it happens.
``python 03_asgi_raw/watched.py``: under our own server, which shows its bytes, too.

The picture comes over a second websocket. Each page gets a random word, which it puts
into both addresses: by it the two are matched; nobody sees another one's connection.
"""

import argparse
import asyncio
import json
import socket
import sys
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Any, cast

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))  # for workshop/: --app-dir adds this folder only

import app  # noqa: E402
from asgi_types import Receive, Scope, Send  # noqa: E402
from frame_tap import FrameTap, as_html  # noqa: E402
from page import respond  # noqa: E402
from protocol_server import serve  # noqa: E402

from workshop.pages.application import from_this_page  # noqa: E402
from workshop.pictures.wiretap import Connection, Wiretap  # noqa: E402

PAUSE = 0.05  # seconds from picture to picture at least: nobody sees more
ASIDE = '<section aria-labelledby="try-title">'  # the questions
EVENTS_ONLY = (
    '<p id="events-only">Only events are seen here: this server shows its bytes to '
    "nobody. To open every frame bit by bit, stop it, start ours in its place with "
    "<code>python 03_asgi_raw/watched.py</code>, and load this page again.</p>"
)
PAGE = (
    (HERE / "page.html")
    .read_text(encoding="utf-8")
    .replace('<div class="two even">', '<div class="two even watched">')
    .replace(ASIDE, (HERE / "watched.html").read_text(encoding="utf-8") + ASIDE)
)

# Any: the workshop's tools know ASGI by the stricter types of asgiref.
tap: Any = Wiretap(cast(Any, app.application), events=12)


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
    fresh = (b"cache-control", b"no-store")  # loaded again, it is another page
    await respond(send, 200, b"text/html", html.encode(), fresh)


async def watch(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()  # websocket.connect
    if not from_this_page(cast(Any, scope)):  # why: stage 04 shows the attack
        await send({"type": "websocket.close", "code": 1008})
        return
    await send({"type": "websocket.accept"})
    async with asyncio.TaskGroup() as tasks:
        query = scope["query_string"].decode("latin-1")
        pictures = tasks.create_task(show(query, "narrow" in scope["path"], send))
        while (await receive())["type"] != "websocket.disconnect":
            pass
        pictures.cancel()


async def show(query: str, narrow: bool, send: Send) -> None:
    """Send what the last connection with this query shows, whenever it changes."""
    shown = ""
    with suppress(OSError):  # the page was closed meanwhile: watch() hears of it, too
        while True:
            news = tap.news()  # before looking: what comes meanwhile is not missed
            found = [c for c in tap.connections if query and c.query == query]
            pieces = ""
            if found:
                pieces = json.dumps(pieces_of(found[-1], narrow))
            if pieces != shown:
                shown = pieces
                await send({"type": "websocket.send", "text": pieces})
            await news.wait()
            await asyncio.sleep(PAUSE)


def pieces_of(connection: Connection, narrow: bool) -> dict[str, str]:
    """HTML for the elements of the page with these ids."""
    picture = connection.svg(narrow=narrow)
    frames = as_html(connection)
    if narrow and frames:
        picture = f"<p>bytes: in the list below</p>{picture}"
    return {"wiretap": picture, "frames": frames or EVENTS_ONLY}


def main() -> None:
    parser = argparse.ArgumentParser(description="The watched page under our server.")
    parser.add_argument("--port", type=int, default=8000, help="0: any free one")
    port = parser.parse_args().port
    try:
        listener = socket.create_server(("127.0.0.1", port))
    except (OSError, OverflowError) as error:
        parser.exit(2, f"cannot listen on port {port}: {error}\n")
    port = listener.getsockname()[1]
    print(f"Serving on http://127.0.0.1:{port} (Ctrl+C ends it)", flush=True)
    frames = FrameTap(tap, begins=b"GET /?watch=")
    with suppress(KeyboardInterrupt):  # it cancels serve(), which says goodbye to all
        asyncio.run(serve(application, listener, asyncio.Event(), tap=frames))


if __name__ == "__main__":
    main()
