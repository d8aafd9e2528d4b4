"""The servers that our applications must run under, each as its plain command."""

import contextlib
import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tests.support.ports import free_port
from tests.support.processes import ROOT, UVICORN, ServerProcess, server_process


class Server(NamedTuple):
    """One server: how it is started, and the line that says where it listens."""

    command: Callable[[str, int], list[str]]  # application, port → arguments of python
    address: re.Pattern[str] = UVICORN
    any_port: bool = True  # understands port 0 and tells which one it got
    early: bool = False  # prints its address before its worker listens there


def _uvicorn(websockets: str) -> Server:
    return Server(
        lambda app, port: ["-m", "uvicorn", app, f"--port={port}", f"--ws={websockets}"]
    )


OURS = ROOT / "03_asgi_raw" / "protocol_server.py"
SERVERS = {
    "uvicorn-websockets": _uvicorn("websockets"),
    "uvicorn-sansio": _uvicorn("websockets-sansio"),
    "uvicorn-wsproto": _uvicorn("wsproto"),
    "daphne": Server(
        lambda app, port: ["-m", "daphne", "-b", "127.0.0.1", "-p", str(port), app],
        re.compile(r"Listening on TCP address ([\d.]+:\d+)"),
    ),
    "hypercorn": Server(
        lambda app, port: ["-m", "hypercorn", "-b", f"127.0.0.1:{port}", app],
        re.compile(r"Running on (http://[\d.]+:\d+)"),
    ),
    "granian": Server(
        lambda app, port: ["-m", "granian", "--interface=asgi", f"--port={port}", app],
        re.compile(r"Listening at: (http://[\d.]+:\d+)"),
        any_port=False,  # for port 0 it prints 0
        early=True,
    ),
    "ours": Server(
        lambda app, port: [str(OURS), app, "--port", str(port)],
        re.compile(r"Serving on (http://[\d.]+:\d+)"),
    ),
}
UVICORNS = [name for name in SERVERS if name.startswith("uvicorn")]


@contextlib.contextmanager
def running(
    name: str, application: str, folder: str, **environment: str
) -> Iterator[ServerProcess]:
    """Run ``application`` of the stage in ``folder`` under the server ``name``.

    Args:
        name: a key of ``SERVERS``.
        application: ``module:attribute``.
        folder: the stage's folder, the server's working directory.
        environment: variables to add for the server.
    """
    server = SERVERS[name]
    port = 0 if server.any_port else free_port()
    with server_process(
        server.command(application, port),
        address=server.address,
        cwd=Path(ROOT, folder),
        **environment,
    ) as process:
        if "://" not in process.url:
            process.url = f"http://{process.url}"
        if server.early:
            wait_until_listening(process)
        yield process


def socket_site(
    name: str, database: Path, **sockets: Any
) -> contextlib.AbstractContextManager[ServerProcess]:
    """Run the handlers of ``socket_handlers.py`` under the server ``name``.

    Args:
        name: a key of ``SERVERS``.
        database: the file; it need not exist where no handler asks for it.
        sockets: keys for the setting ``SOCKETS``.
    """
    return running(
        name,
        "websocket_app.asgi:application",
        "04_django_wrapper",
        PYTHONPATH=str(ROOT),
        DJANGO_SETTINGS_MODULE="tests.support.socket_settings",
        DATABASE_URL=f"sqlite:///{database}",
        SOCKETS=json.dumps(sockets),
    )


def wait_until_listening(server: ServerProcess) -> None:
    """Wait for a server that prints its address before its workers listen there."""
    # Nothing is printed or signalled when the worker is up: all that is left is to try.
    address = urlsplit(server.url)
    for _ in range(1200):
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection((address.hostname, address.port)).close()
            return
        time.sleep(0.05)
    raise AssertionError("nothing listens after 60 s:\n" + server.log)
