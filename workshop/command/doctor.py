"""Say what is right and wrong with this machine, and what to do about each.

Standard library only: it has to help where nothing is installed yet.
"""

import importlib.util
import os
import shutil
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from workshop.command import installed, pip, ports
from workshop.command.errors import COMMAND
from workshop.command.places import VENV

Word = Literal["ok", "missing", "wrong"]

BROWSERS = (
    # The same engine without a window of its own: a page costs half as much.
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)


@dataclass(frozen=True)
class Check:
    """One line of the report; what is not ``needed`` does no harm to the exit code."""

    name: str
    word: Word
    text: str
    needed: bool = True

    def __str__(self) -> str:
        return f"{self.name:<10} {self.word:<8} {self.text}"


def report() -> int:
    """Print every check; the exit code is 1 if something needed is not right."""
    checks = [python(), packages(), websocket(), browser(), redis()]
    checks += [port(8000), port(8888)]
    for check in checks:
        print(check)
    return int(any(check.needed and check.word != "ok" for check in checks))


def python() -> Check:
    """The Python that runs, and whether it can make ``.venv``."""
    version = ".".join(str(number) for number in sys.version_info[:3])
    if installed.missing() and importlib.util.find_spec("ensurepip") is None:
        return Check("Python", "wrong", f"{version}; {pip.NO_ENSUREPIP}")
    return Check("Python", "ok", f"{version}, {sys.executable}")


def packages() -> Check:
    """The packages of the lessons."""
    missing = installed.missing()
    if not missing:
        return Check("packages", "ok", f"complete, in {sys.prefix}")
    if installed.made_by_uv():
        words = f"{len(missing)} lack in .venv, which uv made: run `uv sync`"
        return Check("packages", "wrong", words)
    if VENV.exists():
        words = f".venv is unfinished, damaged or out of date: `{COMMAND}` repairs it"
        return Check("packages", "wrong", words)
    return Check("packages", "missing", f"no .venv yet: `{COMMAND}` makes it")


def websocket() -> Check:
    """The library through which uvicorn speaks WebSocket; without one: 404."""
    try:
        from uvicorn.protocols.websockets.auto import AutoWebSocketsProtocol as Protocol
    except ImportError:
        return Check("WebSocket", "missing", "comes with the packages")
    if Protocol is None:
        advice = (
            f"uvicorn finds neither websockets nor wsproto: delete .venv, `{COMMAND}`"
        )
        return Check("WebSocket", "wrong", advice)
    library = "wsproto" if "wsproto" in Protocol.__module__ else "websockets"
    versions = [f"{name} {metadata.version(name)}" for name in ("uvicorn", library)]
    return Check("WebSocket", "ok", " with ".join(versions))


def find_browser() -> Path | None:
    """Chromium or Chrome on this machine: on the path, else where it is installed."""
    roots = [os.environ.get(name) for name in ("PROGRAMFILES", "LOCALAPPDATA")]
    windows = [f"{root}/Google/Chrome/Application/chrome.exe" for root in roots if root]
    found = (shutil.which(name) for name in (*BROWSERS, *windows))
    return next((Path(path) for path in found if path), None)


def browser() -> Check:
    """The browser of the browser tests."""
    path = find_browser()
    if path:
        return Check("browser", "ok", str(path), needed=False)
    advice = (
        "install Chromium or Google Chrome; until then the browser tests are skipped"
    )
    return Check("browser", "missing", advice, needed=False)


def redis() -> Check:
    """The server that carries stage 04's groups between processes; optional."""
    path = shutil.which("redis-server")
    if path:
        return Check("Redis", "ok", path, needed=False)
    advice = "optional: install redis-server to run stage 04 in more than one process"
    return Check("Redis", "missing", advice, needed=False)


def port(number: int) -> Check:
    """A port that a command uses unless told otherwise."""
    name = f"port {number}"
    if ports.is_free(number):
        return Check(name, "ok", "free", needed=False)
    by = ports.holder(number) or "another program"
    advice = f"used by {by}: stop it, or add --port {ports.free_port_after(number)}"
    return Check(name, "wrong", advice, needed=False)
