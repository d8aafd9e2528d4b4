"""The command ``python3 -m workshop``, as a user types it."""

import ast
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from websockets.sync.client import connect

from tests.support import ports as test_ports
from tests.support.processes import ROOT, ServerProcess, alive, server_process
from tests.support.trees import BASE_PYTHON, make_tree, offline
from workshop.command import cli, ports
from workshop.command.cli import READER_GONE
from workshop.command.errors import UserError

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send")
OLD = [f"python{version}" for version in ("2.7", "3.6", "3.7", "3.8", "3.9", "3.10")]
LAB = re.compile(r"(http://127\.0\.0\.1:\d+/lab\S*\?token=\w+)")


def run(
    *arguments: str, python: str = sys.executable, cwd: Path = ROOT, **variables: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [python, "-m", "workshop", *arguments],
        cwd=cwd,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
    )


def fetch(url: str, data: bytes | None = None, **headers: str) -> str:
    request = urllib.request.Request(url, data, headers)
    with urllib.request.urlopen(request, timeout=300) as answer:
        return str(answer.read().decode())


def wait_until_listening(port: int) -> None:
    """Wait for JupyterLab, which prints its address a moment before it listens."""
    deadline = time.monotonic() + 60
    while True:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert time.monotonic() < deadline, f"nothing listens on port {port}"


def children_of(server: ServerProcess) -> list[psutil.Process]:
    return list(psutil.Process(server.process.pid).children(recursive=True))


@pytest.fixture
def free_port() -> str:
    return str(test_ports.free_port())


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port on which this process listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_an_old_python_is_told_which_one_it_needs() -> None:
    code = (
        "import runpy, sys; sys.version_info = (3, 10, 4);"
        "sys.modules['workshop.command.cli'] = None;"  # importing it would be an error
        "runpy.run_module('workshop', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "needs Python 3.11 or newer; this one is 3.10.4." in done.stderr
    assert "Traceback" not in done.stderr


def test_every_old_python_on_this_machine_is_told_so() -> None:
    versions = Path.home() / ".pyenv" / "versions"
    folders = [str(path / "bin") for path in versions.glob("*")]
    path = os.pathsep.join([*folders, os.environ["PATH"]])
    found = [python for name in OLD if (python := shutil.which(name, path=path))]
    if not found:
        pytest.skip("no Python older than 3.11 here")
    for python in found:
        answer = subprocess.run([python, "-V"], capture_output=True)
        if answer.returncode == 0:  # else a stand-in of pyenv, with nothing behind it
            # Python 2 would write workshop/__init__.pyc, beside the file.
            done = run(python=python, PYTHONDONTWRITEBYTECODE="1")
            assert done.returncode == 2
            assert "needs Python 3.11 or newer" in done.stderr, done.stderr
            assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["__init__.py", "__main__.py"])
def test_what_an_old_python_reads_has_nothing_that_python_2_cannot_parse(
    name: str,
) -> None:
    source = (ROOT / "workshop" / name).read_text("utf-8")
    newer = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.AsyncFunctionDef)
    newer += (ast.FunctionDef, ast.Match, ast.Nonlocal, ast.Starred, ast.YieldFrom)
    assert source.isascii()  # Python 2 wants a coding line for anything else
    assert not [node for node in ast.walk(ast.parse(source)) if isinstance(node, newer)]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("serve 7", "There is no stage '7'. The stages: 1 (01_asyncio_basics), "),
        ("serve x", "There is no stage 'x'. The stages: 1 (01_asyncio_basics), "),
        ("serve", "Which stage? The stages: 1 (01_asyncio_basics), "),
        ("serve 003", "There is no stage '003'"),
        ("srve 1", "Did you mean: [COMMAND] serve"),
        ("Test", "Did you mean: [COMMAND] test"),
        ("doc", "Did you mean: [COMMAND] doctor"),
        ("xyzzy", "The commands: lab, serve, test, doctor, exercise, bench"),
        ("test 7", "There is no stage '7'. The stages: 1 (01_asyncio_basics), "),
        ("lab --port 0", "A port is a number from 1 to 65535, not '0'"),
        ("--port 65536", "A port is a number from 1 to 65535, not '65536'"),
        ("serve 3 --port http", "A port is a number from 1 to 65535, not 'http'"),
        ("serve 3 --port ²", "A port is a number from 1 to 65535, not '²'"),
        ("serve 3 --port", "Argument --port: expected one argument. See: "),
        ("serve 1 2", "Unrecognized arguments: 2. See: "),
        ("--frob", "Unrecognized arguments: --frob. See: "),
        ("bench ech", "Argument what: invalid choice: 'ech'"),
        ("bench --rounds 0", "Rounds are a number from 1 to 1000, not '0': --rounds 5"),
        ("bench --rounds ²", "Rounds are a number from 1 to 1000, not '²'"),
        ("bench --compare no.json switch", "no.json cannot be read: No such file"),
        ("bench --report LICENSE", "LICENSE holds no results: "),
        ("bench switch --json no/x.json", "no/x.json cannot be written: "),
        ("doctor --port 1", "Unrecognized arguments: --port 1. See: "),
    ],
)
def test_a_mistake_is_one_clear_line(arguments: str, words: str) -> None:
    done = run(*arguments.split(), PYTHONUTF8="1")
    assert (done.returncode, done.stdout) == (2, "")
    command = "py -m workshop" if os.name == "nt" else "python3 -m workshop"
    assert words.replace("[COMMAND]", command) in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", ["serve 7", "srve", "--port x", "serve 3 --port"])
def test_a_mistake_is_told_before_any_set_up(tmp_path: Path, arguments: str) -> None:
    tree = make_tree(tmp_path)
    done = run(*arguments.split(), python=BASE_PYTHON, cwd=tree, **offline(tree))
    assert done.returncode == 2
    assert not (tree / ".venv").exists()


@pytest.mark.parametrize("command", [["lab"], ["serve", "3"]])
def test_a_taken_port_is_told_before_any_set_up(
    tmp_path: Path, taken_port: int, command: list[str]
) -> None:
    tree = make_tree(tmp_path)
    arguments = [*command, "--port", str(taken_port)]
    done = run(*arguments, python=BASE_PYTHON, cwd=tree, **offline(tree))
    assert done.returncode == 2
    assert f"Port {taken_port} is in use" in done.stderr
    assert not (tree / ".venv").exists()


@pytest.mark.parametrize("command", [["lab", "--no-browser"], ["serve", "03"]])
def test_a_taken_port_names_its_holder_and_a_free_one(
    taken_port: int, command: list[str]
) -> None:
    done = run(*command, "--port", str(taken_port))
    assert (done.returncode, done.stdout) == (2, "")
    assert f"Port {taken_port} is in use" in done.stderr
    if sys.platform != "darwin":  # where only root may ask
        assert f"(process {os.getpid()})" in done.stderr
    suggested = re.search(r"--port (\d+)\n$", done.stderr)
    assert suggested and ports.is_free(int(suggested[1]))


def test_a_holder_that_the_system_hides_is_left_unnamed(
    monkeypatch: pytest.MonkeyPatch, taken_port: int
) -> None:
    def refuse(kind: str) -> list[object]:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "net_connections", refuse)
    with pytest.raises(UserError, match=f"^Port {taken_port} is in use. Stop"):
        ports.require_free(taken_port)


def test_a_port_that_the_system_keeps_is_told_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listen = socket.create_server

    def keep(address: tuple[str, int]) -> socket.socket:
        if address[1] < 1024:
            raise PermissionError
        return listen(address)

    monkeypatch.setattr(socket, "create_server", keep)
    with pytest.raises(UserError, match=r"port 80\. Choose .* --port [89]\d{3}$"):
        ports.require_free(80)


def test_a_reader_that_has_seen_enough_is_no_traceback() -> None:
    """As in ``python3 -m workshop exercise list | head -1``."""
    listing = subprocess.Popen(
        [sys.executable, "-m", "workshop", "exercise", "list"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert listing.stdout is not None and listing.stderr is not None
    listing.stdout.close()
    with listing.stderr:
        said = listing.stderr.read()
    assert listing.wait(300) == READER_GONE
    assert said == ""


def test_the_help_names_every_command() -> None:
    done = run("--help")
    assert done.returncode == 0
    for command in ("lab", "serve", "test", "bench", "recipes", "doctor"):
        assert re.search(rf"^ +{command} +\w", done.stdout, re.MULTILINE)


@posix
@pytest.mark.parametrize("number", ["3", "03"])
def test_a_stage_is_served_until_ctrl_c(free_port: str, number: str) -> None:
    command = ["-m", "workshop", "serve", number, "--port", free_port]
    with server_process(command) as server:
        assert server.url == f"http://127.0.0.1:{free_port}"
        assert "<html" in fetch(server.url)
        children = children_of(server)
        server.process.send_signal(signal.SIGINT)
        assert server.wait() == 0
    assert f"Stage 03 at http://127.0.0.1:{free_port}/" in server.lines[0]
    assert "Open a second one for other commands" in server.lines[1]
    assert "Traceback" not in server.log
    assert not alive(children)


def test_the_command_that_serve_prints_serves_the_stage_as_it_stands(
    free_port: str,
) -> None:
    command = ["-m", "workshop", "serve", "3", "--port", free_port]
    with server_process(command) as server:
        lines = [line for line in server.lines if line.startswith("    uvicorn ")]
    name, *arguments = shlex.split(lines[0])
    script = shutil.which(name, path=str(Path(sys.executable).parent))
    assert script
    with server_process([script, *arguments]) as server:
        assert server.url == f"http://127.0.0.1:{free_port}"
        assert "<html" in fetch(server.url)


@pytest.fixture
def stage_04(tmp_path: Path) -> Path:
    """A tree with a scratch stage 04, whose migration writes the page."""
    tree = make_tree(tmp_path)
    (tree / "requirements.lock").write_text("")  # what runs here has all of nothing
    stage = tree / "04_django_wrapper"
    (stage / "websocket_app").mkdir(parents=True)
    (stage / "manage.py").write_text(
        "import sys, pathlib\n"
        "if pathlib.Path('broken').exists(): sys.exit('no such table: chat')\n"
        "pathlib.Path('page').write_text(' '.join(sys.argv))\n"
    )
    (stage / "websocket_app" / "asgi.py").write_text(
        "page = open('page', 'rb').read()\n"
        "async def application(scope, receive, send):\n"
        "    assert scope['type'] == 'http'\n"
        "    await send({'type': 'http.response.start', 'status': 200})\n"
        "    await send({'type': 'http.response.body', 'body': page})\n"
    )
    return tree


def test_stage_04_is_migrated_before_it_is_served(
    stage_04: Path, free_port: str
) -> None:
    command = ["-m", "workshop", "serve", "4", "--port", free_port]
    migrate = "04_django_wrapper/manage.py migrate --verbosity 0"
    with server_process(command, cwd=stage_04) as server:
        assert fetch(server.url) == migrate
    assert f"    python {migrate}\n" in server.lines


def test_a_migration_that_fails_is_told_in_its_own_words(
    stage_04: Path, free_port: str
) -> None:
    (stage_04 / "broken").touch()
    done = run("serve", "4", "--port", free_port, cwd=stage_04)
    assert done.returncode == 2
    assert done.stderr == ("The database could not be migrated: no such table: chat\n")


@pytest.mark.parametrize("number", ["1", "01"])
def test_the_number_of_a_stage_runs_the_tests_of_that_stage(number: str) -> None:
    done = run("test", number, "--collect-only", "-q", "-k", "three_ways")
    assert done.returncode == 0, done.stderr
    names = [line for line in done.stdout.splitlines() if "::" in line]
    assert names
    assert all(name.startswith("tests/01_asyncio_basics/") for name in names)


def test_a_stage_s_files_run_at_a_time_unless_an_option_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ran: list[tuple[str, ...]] = []
    monkeypatch.setattr(cli, "run_tool", lambda *words: ran.append(words) or 0)
    assert cli.test(["3"]) == cli.test(["3", "--pdb"]) == 0
    folder = "tests/03_asgi_raw"
    assert ran == [
        ("pytest", folder, "-n4", *cli.TOGETHER),
        ("pytest", folder, "--pdb"),  # it has the terminal for itself
    ]


@pytest.mark.parametrize(("cores", "files"), [(None, 2), (1, 2), (2, 3), (4, 5)])
def test_the_whole_suite_runs_one_file_more_than_there_are_cores(
    cores: int | None, files: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[tuple[str, ...]] = []
    monkeypatch.setattr(cli, "run_tool", lambda *words: ran.append(words) or 0)
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert cli.test([]) == 0
    assert ran == [("pytest", f"-n{files}", *cli.TOGETHER)]


def test_no_more_files_run_at_a_time_than_have_been_tried() -> None:
    assert cli.files_at_a_time(64) == cli.MOST_FILES


def test_pytest_gets_its_arguments_and_gives_its_exit_code(tmp_path: Path) -> None:
    tests = tmp_path / "test_scratch.py"
    tests.write_text("def test_first(): pass\ndef test_second(): assert False\n")
    passed = run("test", "-k", "first or none", "-q", "-x", str(tests))
    assert passed.returncode == 0
    assert "1 passed, 1 deselected" in passed.stdout
    failed = run("test", "-q", str(tests))
    assert failed.returncode == 1
    assert "1 failed, 1 passed" in failed.stdout


@posix
def test_ctrl_c_ends_the_tests(tmp_path: Path) -> None:
    tests = tmp_path / "test_scratch.py"
    tests.write_text(
        "import threading\n"
        "def test_for_ever(): print('begun', flush=True); threading.Event().wait()\n"
    )
    command = ["-m", "workshop", "test", "-s", str(tests)]
    with server_process(command, address=re.compile("(begun)")) as process:
        process.process.send_signal(signal.SIGINT)
        assert process.wait() == 2  # pytest's own code for an interrupted run
    assert "Traceback" not in process.log


@posix
def test_ctrl_c_while_a_tool_is_still_loading_leaves_no_traceback(
    free_port: str,
) -> None:
    command = ["-m", "workshop", "lab", "--no-browser", "--port", free_port]
    with server_process(command, address=re.compile("(JupyterLab starts)")) as process:
        process.process.send_signal(signal.SIGINT)
        # Where a KeyboardInterrupt came within exec("…"), as of a dataclass that is
        # made, CPython ends itself by SIGINT, although it was caught. A shell says 130
        # of both.
        assert process.wait() in (130, -signal.SIGINT)
    assert "Traceback" not in process.log


@pytest.fixture
def terminal() -> Iterator[int]:
    """The end of a terminal that a program reads; only there Jupyter asks (y/[n])."""
    ours, its = os.openpty()
    yield its
    os.close(ours)
    os.close(its)


@posix
def test_lab_serves_the_notebooks_until_ctrl_c_ends_it_and_its_kernels(
    free_port: str, tmp_path: Path, terminal: int
) -> None:
    command = ["-m", "workshop", "--no-browser", "--port", free_port]
    settings = {"JUPYTER_CONFIG_DIR": str(tmp_path)}
    with server_process(command, address=LAB, stdin=terminal, **settings) as lab:
        wait_until_listening(int(free_port))
        address, token = lab.url.split("?token=")
        base, start = address.split("/lab")
        name = "@jupyterlab/apputils-extension:notification"
        asks = fetch(f"{base}/lab/api/settings/{name}?token={token}")
        listing = fetch(f"{base}/api/contents?token={token}")
        authorization = f"token {token}"
        kernel = fetch(f"{base}/api/kernels", b"{}", Authorization=authorization)
        channels = f"/api/kernels/{json.loads(kernel)['id']}/channels?token={token}"
        with connect(base.replace("http", "ws") + channels) as websocket:
            websocket.recv(timeout=300)  # the kernel is up: it says what it does
        kernels = children_of(lab)
        lab.process.send_signal(signal.SIGINT)
        assert lab.wait() == 0
    assert base == f"http://127.0.0.1:{free_port}"
    names = {entry["name"] for entry in json.loads(listing)["content"]}
    assert {"README.md", "notebooks", "01_asyncio_basics"} <= names
    assert start in ("", "/tree/notebooks/01_asyncio_basics.ipynb")
    news = json.loads(asks)["schema"]["properties"]["fetchNews"]
    assert news["default"] == "false"  # no pop-up that asks about news
    assert kernels and not alive(kernels)
    assert "Traceback" not in lab.log and "y/[n]" not in lab.log
