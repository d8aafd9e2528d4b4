"""What the doctor says of this machine, and of machines that lack something."""

import importlib.util
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import psutil
import pytest

from tests.support.ports import free_port
from tests.support.processes import ROOT
from tests.support.trees import BASE_PYTHON, lock, make_tree, offline
from workshop.command import doctor, installed
from workshop.command.doctor import Check
from workshop.command.errors import COMMAND

NAMES = [
    "Python",
    "packages",
    "WebSocket",
    "browser",
    "Redis",
    "port 8000",
    "port 8888",
]


def examine(
    cwd: Path = ROOT, python: str = sys.executable, **variables: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [python, "-m", "workshop", "doctor"],
        cwd=cwd,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
    )


def words(report: str) -> dict[str, str]:
    """The word of each check: ``{"Python": "ok", …}``."""
    lines = [re.split(" {2,}", line, maxsplit=2) for line in report.splitlines()]
    return {name: word for name, word, _ in lines}


def test_a_machine_with_all_that_is_needed_passes() -> None:
    done = examine()
    assert (done.returncode, done.stderr) == (0, "")
    assert list(words(done.stdout)) == NAMES
    assert set(words(done.stdout).values()) <= {"ok", "missing", "wrong"}
    needed = [words(done.stdout)[name] for name in NAMES[:3]]
    assert needed == ["ok", "ok", "ok"]


def test_a_machine_without_venv_is_told_how_to_get_it_and_left_alone(
    tmp_path: Path,
) -> None:
    tree = make_tree(tmp_path)
    done = examine(tree, BASE_PYTHON, **offline(tree))
    assert (done.returncode, done.stderr) == (1, "")
    assert list(words(done.stdout)) == NAMES
    assert words(done.stdout)["packages"] == "missing"
    assert f"no .venv yet: `{COMMAND}` makes it" in done.stdout
    assert not (tree / ".venv").exists()


def test_a_venv_of_an_older_lock_is_wrong_and_left_alone(tmp_path: Path) -> None:
    tree = make_tree(tmp_path)
    (tree / ".venv").mkdir()
    (tree / ".venv" / "workshop-stamp").write_text("of another lock")
    lock(tree, "1.1")
    done = examine(tree, BASE_PYTHON, **offline(tree))
    assert done.returncode == 1
    assert words(done.stdout)["packages"] == "wrong"
    assert ".venv is unfinished, damaged or out of date" in done.stdout
    assert [path.name for path in (tree / ".venv").iterdir()] == ["workshop-stamp"]


def test_a_venv_of_uv_that_lacks_a_package_is_sent_to_uv(tmp_path: Path) -> None:
    tree = make_tree(tmp_path)
    (tree / ".venv").mkdir()
    (tree / ".venv" / "pyvenv.cfg").write_text("home = /\nuv = 0.9.0\n")
    done = examine(tree, BASE_PYTHON, **offline(tree))
    assert words(done.stdout)["packages"] == "wrong"
    assert "run `uv sync`" in done.stdout


@pytest.mark.parametrize("needed", [True, False])
@pytest.mark.parametrize("word", ["ok", "missing", "wrong"])
def test_the_exit_code_counts_only_what_is_needed(
    monkeypatch: pytest.MonkeyPatch, word: doctor.Word, needed: bool
) -> None:
    for name in ("python", "packages", "websocket", "browser"):
        monkeypatch.setattr(doctor, name, lambda: Check("fine", "ok", ""))
    monkeypatch.setattr(doctor, "port", lambda number: Check("fine", "ok", ""))
    monkeypatch.setattr(doctor, "redis", lambda: Check("this", word, "", needed))
    assert doctor.report() == (1 if needed and word != "ok" else 0)


def test_a_python_that_cannot_make_venv_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert doctor.python().word == "ok"  # the packages are there: nothing to make
    monkeypatch.setattr(installed, "missing", lambda: ["django==5.2"])
    assert doctor.python().word == "wrong"
    assert "-venv)" in doctor.python().text


def test_the_websocket_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert re.fullmatch(
        r"uvicorn [\d.]+ with websockets [\d.]+", doctor.websocket().text
    )
    auto = ModuleType("uvicorn.protocols.websockets.auto")
    auto.AutoWebSocketsProtocol = None  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, auto.__name__, auto)
    assert doctor.websocket().word == "wrong"
    monkeypatch.setitem(sys.modules, auto.__name__, None)
    assert doctor.websocket().word == "missing"


@pytest.mark.parametrize(
    ("check", "program"),
    [(doctor.browser, "chromium"), (doctor.redis, "redis-server")],
)
def test_an_optional_program_is_looked_for_on_the_path(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    check: Callable[[], Check],
    program: str,
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(doctor, "BROWSERS", ["chromium"])
    for name in ("PROGRAMFILES", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    absent = check()
    assert (absent.word, absent.needed) == ("missing", False)
    assert "install" in absent.text
    path = tmp_path / (program + (".exe" if os.name == "nt" else ""))
    path.touch(0o755)
    assert (check().word, check().text.lower()) == ("ok", str(path).lower())


def test_a_taken_port_names_its_holder_and_a_free_one() -> None:
    number = free_port()
    with socket.create_server(("127.0.0.1", number)):
        check = doctor.port(number)
    assert (check.word, check.needed) == ("wrong", False)
    if sys.platform != "darwin":  # where only root may ask
        assert f"{psutil.Process().name()} (process {os.getpid()})" in check.text
    assert re.search(r"--port \d+$", check.text)
    assert doctor.port(number).word == "ok"
