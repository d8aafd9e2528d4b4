"""Every entry of ERRORS.md is run under uvicorn, and says what its title says."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from bug_zoo.no_library import BROKEN
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from tests.support.clients import websocket
from tests.support.error_index import Entry, entries_of
from tests.support.processes import ROOT, server_process
from workshop.pages.serving import serving

FOLDER = ROOT / "03_asgi_raw"
ENTRIES = entries_of("03_asgi_raw")
PROGRAMS = [entry for entry in ENTRIES if entry.blocks("python")]


def found_in(log: str) -> set[str]:
    """The titles whose message stands in ``log``."""
    return {e.title for e in ENTRIES if e.message and e.message.search(log)}


@pytest.mark.parametrize("entry", PROGRAMS, ids=lambda entry: entry.name)
async def test_an_entry_s_application_produces_its_message(
    entry: Entry, capsys: pytest.CaptureFixture[str]
) -> None:
    """The title is what this uvicorn really says, and no other title is."""
    (program,) = entry.blocks("python")
    names: dict[str, Any] = {}
    exec(program, names)
    lifespan = "auto" if "lifespan" in entry.title else "off"
    seen = None
    async with serving(
        names["application"], log_level="info", lifespan=lifespan
    ) as url:
        try:
            async with connect(url.replace("http", "ws", 1), close_timeout=1) as client:
                for message in ("ping", b"ping"):
                    await client.send(message)
                    await client.recv()
        except WebSocketException:
            seen = client.close_code if "1006" in entry.body else None
    log = capsys.readouterr().err
    if entry.message:
        assert found_in(log) == {entry.title}
    else:
        assert seen == 1006 and "ERROR" not in log and "WARNING" not in log


@pytest.mark.parametrize(
    "start", [["-c", BROKEN], ["-m", "uvicorn", "--ws=none"]], ids=["missing", "none"]
)
def test_a_uvicorn_without_a_library_produces_both_messages(start: list[str]) -> None:
    """Whether it lacks one or was told to do without."""
    command = [*start, "--app-dir", str(FOLDER), "app:application", "--port=0"]
    with server_process(command) as server:
        with pytest.raises(WebSocketException):
            websocket(server.url)
    assert found_in(server.log) == {
        "`Unsupported upgrade request.`",
        "`No supported WebSocket library detected.…`",
    }


def test_a_second_server_at_the_same_port_produces_the_message() -> None:
    command = ["-m", "uvicorn", "--app-dir", str(FOLDER), "app:application"]
    with server_process([*command, "--port=0"]) as server:
        port = urlsplit(server.url).port
        second = subprocess.run(
            [sys.executable, *command, f"--port={port}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=300,
            check=False,
        )
    assert second.returncode != 0
    message = "`[Errno …] … address already in use`"
    assert found_in(second.stderr) == {message} or "10048" in second.stderr


@pytest.mark.parametrize(
    ("arguments", "title"),
    [
        (
            ["app:application"],
            '`Error loading ASGI app. Could not import module "app".`',
        ),
        (
            ["--app-dir", str(FOLDER), "frames:application"],
            '`Error loading ASGI app. Attribute "application" not found in module '
            '"…".`',
        ),
    ],
)
def test_an_application_that_is_not_where_it_is_looked_for_produces_the_message(
    arguments: list[str], title: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "uvicorn", *arguments, "--port=0"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert done.returncode != 0
    assert found_in(done.stderr) == {title}


def test_a_client_that_speaks_tls_produces_the_message() -> None:
    command = ["-m", "uvicorn", "--app-dir", str(FOLDER), "app:application"]
    with server_process([*command, "--port=0"]) as server:
        with pytest.raises(OSError):
            websocket(server.url.replace("http", "https"))
    assert found_in(server.log) == {"`Invalid HTTP request received.`"}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_an_entry_names_files_that_exist_and_a_fix(entry: Entry) -> None:
    assert "The fix" in entry.body
    for file in re.findall(r"`([\w/]+\.py)`", entry.body):
        assert (FOLDER / file).is_file()


@pytest.mark.parametrize(
    "message",
    [
        "Unsupported upgrade request.",
        "No supported WebSocket library detected. Please use pip",
        "Expected ASGI message 'websocket.accept', 'websocket.close' or "
        "'websocket.http.response.start' but got 'websocket.send'.",
        'Cannot call "send" once a close message has been sent.',
        "KeyError: 'text'",
        'Error loading ASGI app. Could not import module "app".',
        'Error loading ASGI app. Attribute "application" not found in module "frames".',
        "Invalid HTTP request received.",
        "[Errno 98] error while attempting to bind on address ('127.0.0.1', 8000): "
        "address already in use",
    ],
)
def test_a_message_that_learners_meet_has_its_entry(message: str) -> None:
    """The stuck places 7, 11 and 12 are all in the index, once."""
    found = [e for e in ENTRIES if e.message and e.message.fullmatch(message)]
    assert len(found) == 1


def test_what_ends_without_a_message_has_its_entry() -> None:
    """Stuck place 5."""
    assert [entry.title for entry in ENTRIES if not entry.message] == [
        "No message: the handler returns after one message"
    ]
