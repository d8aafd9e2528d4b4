"""``manage.py runserver``: Django's own, and it answers websockets, too."""

import contextlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import connect

from tests.support.clients import fetch
from tests.support.ports import free_port
from tests.support.processes import ROOT, server_process

STAGE = ROOT / "04_django_wrapper"
ADDRESS = re.compile(r"development server at (http://[\d.]+:\d+)")


@contextlib.contextmanager
def runserver(*options, port=0, cwd=STAGE, **environment):
    command = ["manage.py", "runserver", f"127.0.0.1:{port}", *options]
    with server_process(command, address=ADDRESS, cwd=cwd, **environment) as server:
        yield server


@pytest.fixture(scope="module")
def server():
    with runserver("--noreload") as server:
        yield server


def ping(server):
    url = server.url.replace("http", "ws", 1) + "/ws/ping/"
    with connect(url, origin=server.url) as client:
        client.send("ping")
        return client.recv(timeout=30)


def test_it_answers_websockets(server):
    assert ping(server) == "pong!"
    with pytest.raises(InvalidStatus, match="HTTP 404"):
        connect(server.url.replace("http", "ws", 1) + "/nothing/")


def test_it_answers_pages_and_serves_static_files(server):
    assert fetch(server.url).status == 200
    assert fetch(f"{server.url}/nothing").status == 404
    for path in ("console.js", "admin/css/base.css"):
        assert fetch(f"{server.url}/static/{path}").status == 200


def test_without_its_handler_of_static_files_it_serves_none():
    production = {"DEBUG": "0", "SECRET_KEY": "x" * 50, "ALLOWED_HOSTS": "127.0.0.1"}
    with runserver("--noreload", "--nostatic", **production) as server:
        assert ping(server) == "pong!"
        assert fetch(f"{server.url}/static/admin/css/base.css").status in (301, 404)


def test_a_port_that_is_taken_is_said_in_one_sentence(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = subprocess.run(
            [
                *(sys.executable, "manage.py", "runserver", "--noreload"),
                f"127.0.0.1:{taken.getsockname()[1]}",
            ],
            cwd=STAGE,
            capture_output=True,
            text=True,
            timeout=300,
        )
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1] == "Error: That port is already in use."
    assert "Traceback" not in ended.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
def test_ctrl_c_ends_it_with_a_websocket_open():
    with runserver("--noreload") as server:
        with connect(server.url.replace("http", "ws", 1) + "/ws/ping/") as client:
            server.process.send_signal(signal.SIGINT)
            assert server.wait() == 0
            with pytest.raises(ConnectionClosed):
                client.recv(timeout=30)
            assert client.close_code == 1012
    assert "Traceback" not in server.log


@pytest.mark.parametrize(
    "mistake", ["import nothing_like_this", "from asyncio import nothing_like_this"]
)
def test_a_handler_s_module_that_is_corrected_is_served_again(tmp_path, mistake):
    """While it is wrong, the error is shown in full."""
    project = shutil.copytree(STAGE, tmp_path / "project")
    handlers = project / "websocket_app" / "handlers.py"
    right = handlers.read_text("utf-8")
    with runserver(port=free_port(), cwd=project) as server:
        assert ping(server) == "pong!"
        handlers.write_text(f"{mistake}\n{right}", "utf-8")
        wait_for_a_reload(server, handlers)
        wait_for(server, lambda: "nothing_like_this'" in server.log)
        assert 'websocket_app/handlers.py", line 1' in server.log
        assert "sockets.E002" not in server.log
        handlers.write_text(right, "utf-8")
        wait_for_a_reload(server, handlers)
        wait_for(server, lambda: answers(server) == "pong!")


def answers(server):
    with contextlib.suppress(OSError, WebSocketException):  # it starts anew
        return ping(server)


def wait_for_a_reload(server, changed):
    """Touch a file that has changed: the reloader may look for the first time now."""
    before = server.log.count("changed, reloading")

    def reloads():
        changed.touch()
        return server.log.count("changed, reloading") > before

    wait_for(server, reloads)


def wait_for(server, holds):
    """Wait for the reloader, which looks at the files once in a second."""
    until = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < until, server.log
        time.sleep(0.05)


def test_it_starts_anew_when_a_file_changes(tmp_path):
    project = shutil.copytree(STAGE, tmp_path / "project")
    with runserver(port=free_port(), cwd=project) as server:  # at each start the same
        assert ping(server) == "pong!"
        handlers = project / "websocket_app" / "handlers.py"
        changed = handlers.read_text("utf-8").replace("pong!", "pong again!")
        handlers.write_text(changed, "utf-8")
        wait_for_a_reload(server, handlers)
        wait_for(server, lambda: answers(server) == "pong again!")
