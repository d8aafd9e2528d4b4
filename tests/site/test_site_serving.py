"""The built site, served from this machine."""

import socket
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.peers import reset
from workshop.site.serving import Server, served

MUCH = 50_000_000  # bytes: more than the two systems' buffers take


def test_a_browser_that_leaves_in_the_middle_of_a_file_leaves_no_traceback(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = threading.Event()
    tell = Server.handle_error

    def tell_and_set(self: Server, request: object, address: object) -> None:
        tell(self, request, address)
        told.set()

    monkeypatch.setattr(Server, "handle_error", tell_and_set)
    (tmp_path / "film").write_bytes(bytes(MUCH))
    with served(tmp_path) as address:
        place = urlsplit(address)
        peer = socket.create_connection((place.hostname, place.port))
        peer.sendall(b"GET /film HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert peer.recv(1)
        reset(peer)  # as a browser does whose tab is closed
        assert told.wait(300)
    assert capfd.readouterr().err == ""
