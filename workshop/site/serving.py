"""The built site, served from this machine: files and nothing else."""

import functools
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

# Python asks the operating system for these, which may say something else.
TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
    ".json": "application/json",
    ".whl": "application/octet-stream",
}


class Files(SimpleHTTPRequestHandler):
    """One request for a file."""

    protocol_version = "HTTP/1.1"  # keeps a connection for the next file
    extensions_map = SimpleHTTPRequestHandler.extensions_map | TYPES

    def log_message(self, *_: object) -> None:
        """Say nothing: a page asks for a hundred files."""


class Server(ThreadingHTTPServer):
    """A thread for each browser's connection."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Show an error; a browser that leaves in the middle of a file is none."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@contextmanager
def served(folder: Path, port: int = 0) -> Iterator[str]:
    """Serve a folder for the length of the block.

    Args:
        folder: what is served.
        port: 0 takes a free one.

    Yields:
        The address, without a slash at its end.
    """
    handler = functools.partial(Files, directory=str(folder))
    with Server(("127.0.0.1", port), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
