"""The README's steps, with its own code, in a new project outside of this one."""

import ast
import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from channels.layers import InMemoryChannelLayer
from websockets.exceptions import InvalidStatus

from tests.support.clients import fetch, websocket
from tests.support.ports import free_port
from tests.support.processes import ROOT, server_process
from tests.support.readmes import python_of, section_of
from tests.support.recipes import require_packages
from workshop.copying.command import main as copy

STAGE = ROOT / "04_django_wrapper"
LAYER, CHANNELS = "Copy it into your project", "The same room in both"
CONSUMERS = "Consumers as they are"
NEXT = "What a site needs next"
ROOM = "/ws/rooms/lobby"


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """``python command`` in ``folder``, with nothing else on Python's path."""
    clean = {name: value for name, value in os.environ.items() if name in KEPT}
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=clean,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )


# What an interpreter needs of its surroundings: no PYTHONPATH, no DJANGO_…
KEPT = ("PATH", "HOME", "TEMP", "TMP", "SYSTEMROOT", "LANG")


@pytest.fixture(scope="module", params=[LAYER, CHANNELS], ids=["layer", "channels"])
def project(request, tmp_path_factory):
    """A new project with the README's files; the layer's has the folder ``sockets``."""
    folder = tmp_path_factory.mktemp("new")
    made = run(folder, "-m", "django", "startproject", "mysite", ".")
    assert made.returncode == 0, made.stderr
    if request.param == LAYER:
        with contextlib.redirect_stdout(io.StringIO()) as said:
            assert copy([str(folder)]) == 0
        shown = said.getvalue().replace(str(folder), "/home/you/mysite")
        # Any version will do: it is raised more often than the page is read.
        told = re.sub(r"\d+\.\d+\.\d+", "2.1.0", section_of(STAGE.name, LAYER))
        shown = re.sub(r"\d+\.\d+\.\d+", "2.1.0", shown)
        assert f"copy ../mysite\n{shown}```" in told
    for block in python_of("04_django_wrapper", request.param):
        write(folder, block)
    return folder


def write(folder, block):
    """Do with a block of the README what its first line says."""
    name, at_its_end = re.match(r"# (mysite/\w+\.py)(, at its end)?\n", block).groups()
    file = folder / name
    before = file.read_text("utf-8") if at_its_end else ""
    file.write_text(before + block, "utf-8")


def test_nothing_of_this_repository_can_be_imported_in_the_new_project(project):
    names = ["workshop", "websocket_app", "tests", "protocol_server", "tiny_loop"]
    looked = f"[importlib.util.find_spec(name) for name in {names}]"
    found = run(project, "-c", f"import importlib.util; print({looked})")
    assert found.stdout.strip() == str([None] * len(names))
    path = run(project, "-c", "import sys; print(*sys.path, sep='\\n')").stdout
    assert str(ROOT) not in [str(Path(entry)) for entry in path.splitlines()]


def test_manage_py_check_finds_nothing_wrong_with_the_new_project(project):
    checked = run(project, "manage.py", "check", "--fail-level=WARNING")
    assert checked.returncode == 0, checked.stderr
    assert checked.stdout == "System check identified no issues (0 silenced).\n"


def test_the_readme_s_test_of_the_room_passes_in_the_new_project(project):
    tested = run(project, "manage.py", "test")
    assert tested.returncode == 0, tested.stderr
    assert "Ran 1 test" in tested.stderr


def uvicorn(project):
    """The README's command, with nothing of this repository on Python's path."""
    command = ["-m", "uvicorn", "mysite.asgi:application", "--port=0"]
    clean = {"PYTHONPATH": "", "DJANGO_SETTINGS_MODULE": "mysite.settings"}
    return server_process(command, cwd=project, **clean)


def test_two_clients_of_a_real_server_hear_each_other(project):
    with (
        uvicorn(project) as server,
        websocket(server.url + ROOM, origin=server.url) as anna,
        websocket(server.url + ROOM, origin=server.url) as ben,
    ):
        anna.send("hello")
        for client in (anna, ben):
            assert client.recv(timeout=30) == "somebody: hello"
        ben.send("hi")
        assert anna.recv(timeout=30) == "somebody: hi"
    assert "Traceback" not in server.log


@pytest.mark.parametrize(
    ("place", "app", "package"),
    [
        ("live", "live", "live"),
        ("apps/sockets", "apps.sockets", "apps.sockets"),
        ("apps/live", "mysite.apps.Own", "apps.live"),
    ],
    ids=["renamed", "nested", "an AppConfig of one's own"],
)
def test_the_folder_may_be_elsewhere_and_have_another_name(
    tmp_path, place, app, package
):
    """The README's project, with this one change."""
    made = run(tmp_path, "-m", "django", "startproject", "mysite", ".")
    assert made.returncode == 0, made.stderr
    assert copy([str(tmp_path)]) == 0
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / "sockets").rename(tmp_path / place)
    for block in python_of("04_django_wrapper", LAYER):
        block = block.replace("from sockets.", f"from {package}.")
        write(tmp_path, block.replace('["sockets",', f'["{app}",'))
    config = f"""
from {package}.apps import SocketsConfig

class Own(SocketsConfig):
    verbose_name = "Websockets"
"""
    (tmp_path / "mysite" / "apps.py").write_text(config, "utf-8")
    checked = run(tmp_path, "manage.py", "check", "--fail-level=WARNING")
    assert checked.returncode == 0, checked.stderr
    tested = run(tmp_path, "manage.py", "test")
    assert "Ran 1 test" in tested.stderr and "OK" in tested.stderr, tested.stderr


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The project with what a site needs next, but WhiteNoise."""
    folder = tmp_path_factory.mktemp("site")
    assert run(folder, "-m", "django", "startproject", "mysite", ".").returncode == 0
    assert copy([str(folder)]) == 0
    exposition = STAGE / "operations" / "prometheus.py"
    shutil.copy(exposition, folder / "mysite" / "prometheus.py")
    blocks = python_of(STAGE.name, LAYER) + python_of(STAGE.name, NEXT)
    for block in blocks:
        if "whitenoise" not in block:
            write(folder, block)
    (folder / "mysite" / "tests_of_metrics.py").write_text(METRICS_TEST, "utf-8")
    return folder


METRICS_TEST = """
from django.contrib.auth.models import User
from django.test import TestCase


class MetricsTest(TestCase):
    async def test_the_metrics_are_for_staff(self):
        response = await self.async_client.get("/metrics")
        self.assertEqual(response.status_code, 403)
        staff = await User.objects.acreate(username="anna", is_staff=True)
        await self.async_client.aforce_login(staff)
        response = await self.async_client.get("/metrics")
        self.assertContains(response, "websockets_open{")
"""


def test_a_site_has_its_log_its_metrics_and_pages_of_another_origin(site):
    checked = run(site, "manage.py", "check", "--fail-level=WARNING")
    assert checked.returncode == 0, checked.stderr
    tested = run(site, "manage.py", "test", "--pattern=tests*.py")
    assert tested.returncode == 0, tested.stderr
    assert "Ran 2 tests" in tested.stderr
    with uvicorn(site) as server:
        with websocket(server.url + ROOM, origin="https://app.example.org") as anna:
            anna.send("hello")
            assert anna.recv(timeout=30) == "somebody: hello"
        with pytest.raises(InvalidStatus):
            websocket(server.url + ROOM, origin="https://other.example.org")
    opened = r"^[\d-]+ [\d:,]+ INFO sockets.connections: opened path='/ws/rooms/lobby/'"
    assert re.search(opened, server.log, re.MULTILINE)


def test_a_site_runs_with_whitenoise_and_under_gunicorn(site):
    """Both find the websockets; WhiteNoise's ``runserver`` finds the layer's."""
    require_packages()
    [block] = [block for block in python_of(STAGE.name, NEXT) if "whitenoise" in block]
    settings = site / "mysite" / "settings.py"
    before = settings.read_text("utf-8")
    write(site, block)
    clean = {"PYTHONPATH": "", "DJANGO_SETTINGS_MODULE": "mysite.settings"}
    [options] = re.findall(
        r"^\$ gunicorn (.+)$", section_of(STAGE.name, LAYER), re.MULTILINE
    )
    gunicorn = ["-m", "gunicorn", *options.split(), "--bind=127.0.0.1:0"]
    runserver = ["manage.py", "runserver", "--noreload", f"127.0.0.1:{free_port()}"]
    started = re.compile(r"(?:server|Listening) at:? (http://127[\d.]+:\d+)")
    try:
        for command in (runserver, gunicorn):
            with server_process(command, address=started, cwd=site, **clean) as server:
                if command is runserver:
                    style = fetch(server.url + "/static/admin/css/base.css")
                    # Django's own static files have no such header.
                    assert style.headers["Access-Control-Allow-Origin"] == "*"
                with websocket(server.url + ROOM, origin=server.url) as anna:
                    anna.send("hello")
                    assert anna.recv(timeout=30) == "somebody: hello"
    finally:
        settings.write_text(before, "utf-8")


def test_a_consumer_of_channels_runs_in_the_copied_project_with_another_import(
    tmp_path,
):
    """The page's consumer, its routes, and the room's test of the layer."""
    made = run(tmp_path, "-m", "django", "startproject", "mysite", ".")
    assert made.returncode == 0, made.stderr
    assert copy([str(tmp_path)]) == 0
    for block in python_of("04_django_wrapper", LAYER):
        if not block.startswith("# mysite/handlers.py"):
            write(tmp_path, block)
    [consumers] = [
        block
        for block in python_of("04_django_wrapper", CHANNELS)
        if block.startswith("# mysite/consumers.py")
    ]
    moved = re.sub(
        r"from channels\.[a-z.]+ import", "from sockets.channels import", consumers
    )
    assert moved != consumers
    write(tmp_path, moved)
    [routes] = python_of("04_django_wrapper", CONSUMERS)
    write(tmp_path, routes)
    tested = run(tmp_path, "manage.py", "test")
    assert "Ran 1 test" in tested.stderr and "OK" in tested.stderr, tested.stderr
    assert "System check identified no issues" in tested.stdout


def test_the_layer_imports_only_python_django_asgiref_and_itself():
    """uvicorn, too, but only where it is started; redis where it is set."""
    allowed = {*sys.stdlib_module_names, "django", "asgiref", "sockets"}
    others = {
        (file.name, module.partition(".")[0])
        for file in (STAGE / "sockets").rglob("*.py")
        for module in imported(ast.parse(file.read_text("utf-8")))
        if module.partition(".")[0] not in allowed
    }
    redis = {
        (f"{name}.py", "redis") for name in ("connection", "synchronous", "settings")
    }
    tests = {("live_server.py", "uvicorn"), ("pytest_plugin.py", "pytest")}
    assert others == {("runserver.py", "uvicorn"), *redis, *tests}


def test_a_copy_has_its_licence_its_types_and_the_version_that_its_changelog_names():
    folder = STAGE / "sockets"
    newest = re.search(r"^## (\S+)", (folder / "CHANGELOG.md").read_text("utf-8"), re.M)
    code = (folder / "__init__.py").read_text("utf-8")
    assert f'__version__ = "{newest[1]}"' in code
    assert (folder / "py.typed").is_file()
    licence = (folder / "LICENSE").read_text("utf-8")
    assert licence == (ROOT / "LICENSE").read_text("utf-8")


def imported(tree):
    """The modules that a file imports, wherever it does."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # A relative import stays inside the folder, whatever the folder is called.
            yield node.module if node.level == 0 else "sockets"


def test_a_path_without_a_route_is_404_here_and_a_value_error_in_channels(project):
    with uvicorn(project) as server:
        with pytest.raises(InvalidStatus) as refusal:
            websocket(f"{server.url}/ws/nothing", origin=server.url)
    is_ours = (project / "sockets").is_dir()
    assert refusal.value.response.status_code == (404 if is_ours else 500)
    assert ("ValueError: No route found" in server.log) == (not is_ours)


async def test_a_full_channel_drops_messages_in_silence():
    """The other side of the README's table, where this layer closes with 1013."""
    layer = InMemoryChannelLayer(capacity=1)
    await layer.group_add("room", channel := await layer.new_channel())
    for text in ("first", "second"):
        await layer.group_send("room", {"type": "room.said", "text": text})
    assert (await layer.receive(channel))["text"] == "first"
    assert layer.channels == {}  # nothing waits
