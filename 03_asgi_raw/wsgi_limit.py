"""A clock that speaks by itself, tried with WSGI and then with ASGI: claim 11.

WSGI (PEP 3333) is one call: a request in, an iterable of bytes out. The clock can be
written, as an answer that does not end. But it speaks only when asked, nobody can say a
word to it meanwhile, and the call keeps its worker: the second client waits.

``python wsgi_limit.py`` measures it, with ``wsgiref``'s server and with uvicorn, each
with one worker. More workers or threads move the limit: so many clocks, and no more.
"""

import asyncio
import socket
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from threading import Event, Thread
from typing import Any, NamedTuple
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from asgi_types import Application, Receive, Scope, Send
from websockets.asyncio.client import connect

sys.path.append(str(Path(__file__).resolve().parents[1]))  # for workshop/

from workshop.pages.serving import serving

TICKS = 3
PERIOD = 0.2  # seconds from tick to tick


class Heard(NamedTuple):
    """A client hears a tick; ``at`` in seconds since the clock's first client came."""

    at: float
    client: str
    words: str


def wsgi_clock(period: float) -> WSGIApplication:
    def application(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        start("200 OK", [("content-type", "text/plain")])
        for number in range(TICKS):
            yield b"tick %d\n" % number
            time.sleep(period)  # until the next tick

    return application


def asgi_clock(period: float) -> Application:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        for number in range(TICKS):
            words = f"tick {number}"
            await send({"type": "websocket.send", "text": words})
            await asyncio.sleep(period)  # until the next tick
        await send({"type": "websocket.close", "code": 1000})

    return application


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None: ...


@contextmanager
def wsgi_server(application: WSGIApplication) -> Iterator[int]:
    """The port of a ``wsgiref`` server in a thread: one worker, as it comes."""
    with make_server("127.0.0.1", 0, application, handler_class=Quiet) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def under_wsgi(period: float = PERIOD) -> list[Heard]:
    """Two clients ask for the time; the second one as soon as the first hears it."""
    heard: list[Heard] = []
    first = Event()

    def ask(client: str) -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/")
        for line in connection.getresponse():
            heard.append(Heard(time.perf_counter() - start, client, line.decode()[:-1]))
            first.set()
        connection.close()

    with wsgi_server(wsgi_clock(period)) as port, ThreadPoolExecutor() as clients:
        start = time.perf_counter()
        one = clients.submit(ask, "one")
        first.wait(10)
        two = clients.submit(ask, "two")
        one.result(), two.result()
    return heard


class Mute(NamedTuple):
    """The fate of a client that connects and asks for nothing."""

    said: bytes  # what it heard all the same
    stayed: float  # seconds until it went
    answered: float  # seconds until another client, who did ask, heard its first tick


def nobody_asks(period: float = PERIOD) -> Mute:
    """A client connects and listens; behind it another one asks."""

    def ask() -> float:
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/")
        connection.getresponse().readline()
        connection.close()
        return time.perf_counter() - start

    with wsgi_server(wsgi_clock(0)) as port, ThreadPoolExecutor() as clients:
        with socket.create_connection(("127.0.0.1", port)) as mute:
            start = time.perf_counter()
            other = clients.submit(ask)
            mute.settimeout(period)
            try:
                said = mute.recv(100)
            except TimeoutError:
                said = b""
            stayed = time.perf_counter() - start
        return Mute(said, stayed, other.result())


async def under_asgi(period: float = PERIOD) -> list[Heard]:
    """Two clients connect at once, and say nothing."""
    heard: list[Heard] = []

    async def listen(client: str) -> None:
        async with connect(url.replace("http", "ws", 1)) as websocket:
            async for words in websocket:
                heard.append(Heard(time.perf_counter() - start, client, str(words)))

    application: Any = asgi_clock(period)  # the tool has stricter types
    async with serving(application, lifespan="off") as url:
        start = time.perf_counter()
        async with asyncio.TaskGroup() as clients:
            clients.create_task(listen("one"))
            clients.create_task(listen("two"))
    return heard


def drawn(heard: list[Heard], column: float = 0.025) -> str:
    """A line a client: ``●`` where it hears a tick, ``·`` where it waits."""
    lines = []
    for client in sorted({one.client for one in heard}):
        times = [one.at for one in heard if one.client == client]
        line = ["·"] * (int(max(times) / column) + 1)
        for at in times:
            line[int(at / column)] = "●"
        seconds = "  ".join(f"{at:.2f}" for at in times)
        lines.append(f"  {client:4} {''.join(line)}  {seconds} s")
    return "\n".join(lines)


def main() -> None:
    mute = nobody_asks()
    print("WSGI, and nobody asks")
    print(f"  the client that only listens hears {len(mute.said)} bytes")
    print(f"  it leaves at {mute.stayed:.2f} s,", end=" ")
    print(f"and only then is the client behind it served: {mute.answered:.2f} s\n")
    print("WSGI, one worker: two clients, and each asks for the time")
    print(drawn(under_wsgi()), end="\n\n")
    print("ASGI, one worker: two clients, and neither asks")
    print(drawn(asyncio.run(under_asgi())))


if __name__ == "__main__":
    main()
