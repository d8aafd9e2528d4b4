"""The Django project under every server, as a process of its own."""

import contextlib
import http.client
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
from websockets.exceptions import InvalidStatus

from tests.support.clients import fetch, websocket
from tests.support.processes import ROOT, server_process
from tests.support.servers import SERVERS, running

STAGE = ROOT / "04_django_wrapper"
WEBSOCKETS = ["websockets", "websockets-sansio", "wsproto"]
APPLICATION = "websocket_app.asgi:application"


@pytest.fixture(scope="module", params=SERVERS)
def server(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("no_database")
    with running(
        request.param,
        APPLICATION,
        "04_django_wrapper",
        DATABASE_URL=f"sqlite:///{folder}/none.sqlite3",
    ) as process:
        yield process
    assert list(folder.iterdir()) == []  # neither page nor socket asked for a database


def test_claim_21_a_server_shows_the_page_without_a_database(server):
    page = fetch(server.url)
    assert page.status == 200
    assert "Django answers http" in page.body


def test_claim_21_a_server_hands_its_websockets_to_the_coroutine(server):
    with websocket(server.url) as client:
        client.send("ping")
        assert client.recv(timeout=30) == "pong!"
        client.send("")
        assert "A text of length 0" in client.recv(timeout=30)
        client.send(b"ping")
        assert client.recv(timeout=30) == "4 bytes, but no text. Send the text ping."
    assert client.close_code == 1000


def test_claim_21_a_server_hands_the_other_paths_to_the_layer(server):
    with websocket(f"{server.url}/ws/ping") as client:
        client.send("ping")
        assert client.recv(timeout=30) == "pong!"
        client.send(b"ping")
        assert client.recv(timeout=30) == "4 of bytes. Send ping, get pong!"
    assert client.close_code == 1000


def test_a_path_without_a_handler_is_404_where_the_server_can_say_it(server):
    with pytest.raises(InvalidStatus) as refusal:
        websocket(f"{server.url}/ws/nothing")
    can_say_it = "daphne" not in server.process.args
    assert refusal.value.response.status_code == (404 if can_say_it else 403)
    assert "Traceback" not in server.log


def test_the_admin_has_its_styles_under_a_plain_server(server):
    css = fetch(f"{server.url}/static/admin/css/base.css")
    assert css.status == 200
    assert css.headers["content-type"] == "text/css"
    assert (
        fetch(f"{server.url}/admin/").headers["location"]
        == "/admin/login/?next=/admin/"
    )
    assert fetch(f"{server.url}/admin/login/").status == 200
    assert "Traceback" not in server.log
    assert "StreamingHttpResponse" not in server.log  # Django's warning about files


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to catch")
@pytest.mark.parametrize(
    "implementation", ["websockets", "websockets-sansio", "wsproto"]
)
@pytest.mark.parametrize("place", ["in its folder", "with --app-dir"])
def test_the_plain_command_works_both_ways_and_ends_at_sigterm(
    place, implementation, tmp_path
):
    command = ["-m", "uvicorn", APPLICATION, "--port", "0", "--ws", implementation]
    if place == "with --app-dir":
        command[2:2] = ["--app-dir", "04_django_wrapper"]
    with (
        server_process(
            command,
            cwd=STAGE if place == "in its folder" else ROOT,
            DATABASE_URL=f"sqlite:///{tmp_path}/none.sqlite3",
        ) as server,
        websocket(server.url) as client,
    ):
        client.send("ping")
        assert client.recv(timeout=30) == "pong!"
        server.process.send_signal(signal.SIGTERM)
        assert server.wait() == -signal.SIGTERM
        with contextlib.suppress(Exception):
            client.recv(timeout=30)
        assert client.close_code == 1012
        assert "Application shutdown complete" in server.log
        assert "Traceback" not in server.log


def test_the_stage_starts_from_any_folder(tmp_path):
    command = ["-m", "uvicorn", "--app-dir", str(STAGE), APPLICATION, "--port", "0"]
    with server_process(
        command, cwd=tmp_path, DATABASE_URL=f"sqlite:///{tmp_path}/none.sqlite3"
    ) as server:
        assert fetch(f"{server.url}/static/console.js").status == 200


def test_a_site_below_a_root_path_answers_at_its_own_address(tmp_path):
    """The proxy in front takes the root path away, and uvicorn puts it back."""
    command = ["-m", "uvicorn", APPLICATION, "--port", "0", "--root-path", "/site"]
    with server_process(
        command, cwd=STAGE, DATABASE_URL=f"sqlite:///{tmp_path}/none.sqlite3"
    ) as server:
        for path in ("", "/ws/ping"):
            with websocket(server.url + path) as client:
                client.send("ping")
                assert client.recv(timeout=30) == "pong!"
        page = fetch(f"{server.url}/").body
        assert 'src="/site/static/console.js"' in page
        assert 'href="/site/rooms/"' in page
        assert fetch(f"{server.url}/static/console.js").status == 200


@pytest.mark.parametrize("option", ["", "--reload-include=*.html"])
def test_a_changed_template_is_shown_where_reload_looks_at_templates(option, tmp_path):
    project = shutil.copytree(STAGE, tmp_path / "project")
    command = ["-m", "uvicorn", "--reload", APPLICATION, "--port=0"]
    if option:
        command.append(option)
    with server_process(
        command, cwd=project, DATABASE_URL=f"sqlite:///{tmp_path}/none.sqlite3"
    ) as server:
        until = time.monotonic() + 60
        while "Django answers http" not in page_of(server):
            assert time.monotonic() < until, server.log
        template = project / "templates" / "console.html"
        text = template.read_text("utf-8")
        template.write_text(text.replace("Django answers", "Django shows"), "utf-8")
        if not option:
            assert "Django answers http" in fetch(server.url).body  # read only once
            return
        while "Django shows http" not in page_of(server):
            assert time.monotonic() < until, server.log
            if "Reloading..." not in server.log:
                template.touch()  # it may not have looked for the first time yet


def page_of(server):
    """The page at /; "" while the server starts anew."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        return fetch(server.url).body
    return ""


def test_claim_20_a_uvicorn_without_a_library_answers_with_the_page(tmp_path):
    command = ["-m", "uvicorn", "--ws", "none", APPLICATION, "--port", "0"]
    with server_process(
        command, cwd=STAGE, DATABASE_URL=f"sqlite:///{tmp_path}/none.sqlite3"
    ) as server:
        with pytest.raises(InvalidStatus, match="HTTP 200"):
            websocket(server.url)
    assert "Unsupported upgrade request." in server.log


def runserver(folder, database):
    """``manage.py runserver`` of the project in ``folder``."""
    return server_process(
        ["manage.py", "runserver", "--noreload", "127.0.0.1:0"],
        address=re.compile(r"development server at (http://[\d.]+:\d+)"),
        cwd=folder,
        DATABASE_URL=f"sqlite:///{database}/none.sqlite3",
    )


def test_runserver_answers_pages_and_websockets(tmp_path):
    with runserver(STAGE, tmp_path) as server:
        for path in ("", "/ws/ping"):
            with websocket(server.url + path) as client:
                client.send("ping")
                assert client.recv(timeout=30) == "pong!"
        assert fetch(f"{server.url}/static/console.js").status == 200


def test_django_s_own_runserver_answers_a_websocket_with_a_page(tmp_path):
    project = shutil.copytree(STAGE, tmp_path / "project")
    settings = project / "websocket_app" / "settings.py"
    lines = settings.read_text("utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith('    "sockets",')]
    assert len(kept) == len(lines) - 1
    settings.write_text("".join(kept), "utf-8")
    with runserver(project, tmp_path) as server:
        with pytest.raises(InvalidStatus) as refusal:
            websocket(server.url)
        assert refusal.value.response.status_code == 200
        with pytest.raises(InvalidStatus) as refusal:
            websocket(server.url + "/ws")
        assert refusal.value.response.status_code == 404


ASGI_IMPORT = (
    "from websocket_app.websocket import websocket_application  # noqa: E402\n"
)
READY = "django_application = get_asgi_application()\n"


@pytest.mark.parametrize(
    ("moved_above", "error"),
    [
        (None, None),
        (READY, "django.core.exceptions.AppRegistryNotReady: Apps aren't loaded yet."),
        (
            "import os\n",
            "django.core.exceptions.ImproperlyConfigured: Requested setting",
        ),
    ],
    ids=["where it is", "just above django_application", "at the very top"],
)
def test_claim_16_an_import_that_needs_a_model_works_only_where_asgi_py_has_it(
    moved_above, error, tmp_path, monkeypatch
):
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE")  # asgi.py sets it, as under a server
    project = shutil.copytree(STAGE, tmp_path / "project")
    handler = project / "websocket_app" / "websocket.py"
    with handler.open("a", encoding="utf-8") as file:
        file.write("\nfrom django.contrib.auth.models import User\n")
    if moved_above:
        wrapper = project / "websocket_app" / "asgi.py"
        source = wrapper.read_text("utf-8")
        assert source.count(ASGI_IMPORT) == source.count(moved_above) == 1
        source = source.replace(ASGI_IMPORT, "")
        source = source.replace(moved_above, ASGI_IMPORT + moved_above)
        wrapper.write_text(source, "utf-8")
    ended = subprocess.run(
        [sys.executable, "-c", "import websocket_app.asgi"],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=300,
    )
    if error is None:
        assert (ended.returncode, ended.stderr) == (0, "")
    else:
        assert ended.returncode == 1
        assert ended.stderr.splitlines()[-1].startswith(error)
