"""One subject, in a process of its own: ``benchmarks.server SERVER MODULE:NAME``.

It listens on a free port, prints one line of JSON with the port and the cookie of a
logged-in user ("" where there is none), and serves until it is killed.
"""

import asyncio
import importlib
import json
import socket
import sys
from collections.abc import Callable
from typing import Any

try:
    import uvloop
except ImportError:  # Windows has none
    run: Callable[[Any], Any] = asyncio.run
else:
    run = uvloop.run

Tell = Callable[[int], None]  # called with the port, when it listens


def listening() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0), backlog=2048)


def uvicorn(application: Any, tell: Tell) -> None:
    """With its default settings, but for the access log."""
    from uvicorn import Config, Server

    config = Config(
        application,
        ws="websockets-sansio",
        lifespan="off",
        access_log=False,
        log_level="critical",
    )
    listener = listening()
    tell(listener.getsockname()[1])
    Server(config).run(sockets=[listener])


def daphne(application: Any, tell: Tell) -> None:
    """With its default settings; its event loop is asyncio's own."""
    from daphne.server import Server

    server: Any = Server(
        application,
        endpoints=["tcp:port=0:interface=127.0.0.1"],
        ready_callable=lambda: tell(server.listening_addresses[0][1]),
        verbosity=0,
    )
    server.run()


def stage_03(application: Any, tell: Tell) -> None:
    """``protocol_server.py``, under uvloop, as uvicorn is."""
    import protocol_server

    listener = listening()
    tell(listener.getsockname()[1])
    stop = asyncio.Event()
    run(protocol_server.serve(application, listener, stop))


def own(serve: Any, tell: Tell) -> None:
    """A coroutine function that serves on the socket that it is given."""
    listener = listening()
    tell(listener.getsockname()[1])
    run(serve(listener))


SERVERS = {"uvicorn": uvicorn, "daphne": daphne, "stage_03": stage_03, "own": own}


def main(server: str, application: str) -> None:
    module_name, _, name = application.partition(":")
    module = importlib.import_module(f"benchmarks.subjects.{module_name}")
    cookie = getattr(module, "COOKIE", "")

    def tell(port: int) -> None:
        print(json.dumps({"port": port, "cookie": cookie}), flush=True)

    SERVERS[server](getattr(module, name), tell)


if __name__ == "__main__":
    main(*sys.argv[1:])
