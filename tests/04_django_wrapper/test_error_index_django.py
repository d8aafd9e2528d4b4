"""Every entry of ERRORS.md is run, and says what its title says."""

import asyncio
import contextlib
import os
import re
import subprocess
import sys
import traceback

import pytest
from django.test import AsyncClient, override_settings
from sockets.testing import SocketClient, SocketRefused
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus, WebSocketException

from tests.support.clients import websocket
from tests.support.error_index import entries_of
from tests.support.processes import ROOT, server_process
from tests.support.sites import site_of
from workshop.pages.serving import serving

STAGE = ROOT / "04_django_wrapper"
ENTRIES = entries_of("04_django_wrapper")


def entries_with(word):
    """Entries whose program has ``word``, as parameters of a test."""
    found = [entry for entry in ENTRIES if word in "".join(entry.blocks("python"))]
    return pytest.mark.parametrize("entry", found, ids=lambda entry: entry.name)


def found_in(log):
    """The titles whose message stands in ``log``."""
    return {e.title for e in ENTRIES if e.message and e.message.search(log)}


def names_of(entry):
    """What the entry's program defines."""
    [program] = entry.blocks("python")
    names = {"__name__": "handlers"}
    exec(program, names)
    return names


@entries_with("import User\nfrom django.core.asgi")
def test_an_entry_s_asgi_py_fails_with_its_message(entry, monkeypatch):
    """In a process of its own, with the settings named only where asgi.py does it."""
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE")
    ended = subprocess.run(
        [sys.executable, "-c", *entry.blocks("python")],
        cwd=STAGE,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 1
    assert found_in(ended.stderr) == {entry.title}


@pytest.mark.parametrize("kind", ["websocket", "lifespan"])
async def test_django_alone_produces_its_message(kind, application, capsys):
    """For a websocket, and where the server insists on lifespan."""
    [entry] = [entry for entry in ENTRIES if "Django can only" in entry.title]
    django = names_of(entry)["application"]
    if kind == "websocket":
        await hello(django)
        log = capsys.readouterr().err
    else:
        with pytest.raises(ValueError) as failure:
            await django({"type": kind}, None, None)
        log = f"ValueError: {failure.value}"
    assert found_in(log) == {entry.title}
    assert f"not {kind}." in log


async def hello(application, path="/ws/"):
    """Connect, say something, wait a little for an answer, and leave."""
    async with serving(application, lifespan="off") as url:
        with contextlib.suppress(WebSocketException, TimeoutError):
            async with connect(url.replace("http", "ws", 1) + path) as client:
                await client.send("ping")
                await asyncio.wait_for(client.recv(), 2)


@entries_with("def handler(")
async def test_an_entry_s_handler_produces_its_message(
    entry, application, caplog, monkeypatch
):
    """Under uvicorn, or with the test that stands beside it."""
    from sockets import deadline

    monkeypatch.setattr(deadline, "PATIENCE", 0.1)
    names = names_of(entry)
    with site_of(names["handler"], LEAVE_SECONDS=0.1, CLEANUP_SECONDS=0.1) as site:
        if "test" not in names:
            await hello(site)
            found = found_in(caplog.text)
            if "goes on after its end" in entry.title:
                # It is cut off in its clean-up before, unless the server ends first.
                for before in found - {entry.title}:
                    assert "was not done with its clean-up" in before
                    found = found - {before}
            assert found == {entry.title}
            return
        with pytest.raises(AssertionError) as failure:
            await names["test"](site)
    said = "".join(traceback.format_exception_only(failure.value))
    assert found_in(said) == {entry.title}


@entries_with("urlpatterns = ")
async def test_an_entry_s_route_produces_its_message(entry, application, caplog):
    """And the client is answered with 500."""
    routes = tuple(names_of(entry)["urlpatterns"])
    with override_settings(SOCKETS={"URLCONF": routes}):
        async with serving(application, lifespan="off") as url:
            with pytest.raises(InvalidStatus, match="HTTP 500"):
                await connect(url.replace("http", "ws", 1) + "/ws/rooms/lobby/")
    assert found_in(caplog.text) == {entry.title}


@entries_with("def welcome(")
async def test_an_await_that_is_missing_produces_both_its_messages(
    entry, application, caplog
):
    with site_of(names_of(entry)["welcome"]) as site:
        with pytest.warns(RuntimeWarning) as warned:
            await hello(site)
    said = [f"RuntimeWarning: {warning.message}" for warning in warned]
    assert entry.title in {title for line in said for title in found_in(line)}
    [beside] = found_in(caplog.text)
    assert beside.strip("`") in " ".join(entry.body.split())


@entries_with("def alone(")
async def test_a_block_that_stands_alone_produces_its_message(
    entry, application, caplog
):
    with site_of(names_of(entry)["alone"]) as site:
        with pytest.warns(RuntimeWarning) as warned:
            await hello(site)
    [said] = [f"RuntimeWarning: {warning.message}" for warning in warned]
    assert found_in(said) == {entry.title}
    assert not found_in(caplog.text)


@entries_with("def command(")
def test_a_process_without_websockets_produces_its_message(
    entry, application, caplog, monkeypatch
):
    from sockets.groups import groups

    monkeypatch.setattr(groups, "loop", None)
    monkeypatch.setattr(groups, "warned", False)
    names_of(entry)["command"]()
    assert found_in(caplog.text) == {entry.title}


@pytest.mark.parametrize(
    ("table", "headers"),
    [("chat_room", {}), ("django_session", {"Cookie": "sessionid=left-behind"})],
)
async def test_a_database_without_tables_produces_its_message(table, headers, tmp_path):
    """For a guest, and for a browser with an old cookie."""
    command = ["-m", "uvicorn", "websocket_app.asgi:application", "--port=0"]
    empty = f"sqlite:///{tmp_path / 'empty.sqlite3'}"
    with server_process(command, cwd=STAGE, DATABASE_URL=empty) as server:
        address = server.url.replace("http", "ws", 1) + "/ws/rooms/lobby/"
        options = {"origin": server.url, "additional_headers": headers}
        with pytest.raises(InvalidStatus, match="HTTP 500"):
            await connect(address, **options)
    assert found_in(server.log) == {"`OperationalError: no such table: …`"}
    assert f"no such table: {table}" in server.log


@entries_with("def page(")
async def test_a_page_of_another_origin_of_this_machine_produces_its_message(
    entry, application, caplog
):
    with override_settings(DEBUG=True, ALLOWED_HOSTS=["testserver"]):
        with pytest.raises(SocketRefused):
            await names_of(entry)["page"](application)
    assert found_in(caplog.text) == {entry.title, "`refused '/…`"}


async def test_a_session_of_another_secret_key_produces_its_message(
    application, tables, caplog
):
    from django.contrib.auth.models import User

    user = await User.objects.acreate(username="anna")
    browser = AsyncClient()
    with override_settings(SECRET_KEY="the one before"):
        await browser.aforce_login(user)
    cookie = f"sessionid={browser.cookies['sessionid'].value}"
    headers = {"host": "localhost", "origin": "http://localhost", "cookie": cookie}
    async with SocketClient(application, "/ws/ping/", headers=headers):
        pass
    await user.adelete()
    assert found_in(caplog.text) == {"`Session data corrupted`"}


@entries_with("SOCKETS = ")
async def test_an_entry_s_setting_produces_its_message(
    entry, application, caplog, capsys
):
    """At the first websocket that comes."""
    setting = {"URLCONF": "websocket_app.websocket_urls", **names_of(entry)["SOCKETS"]}
    with override_settings(SOCKETS=setting):
        await hello(application, "/ws/ping/")
    assert found_in(caplog.text + capsys.readouterr().err) == {entry.title}


def test_django_s_own_runserver_produces_its_message(tmp_path):
    """In a new project, where nothing of the layer is installed."""
    django = [sys.executable, "-m", "django", "startproject", "mysite", str(tmp_path)]
    subprocess.run(django, check=True, timeout=300)
    with server_process(
        ["manage.py", "runserver", "--noreload", "127.0.0.1:0"],
        address=re.compile(r"development server at (http://[\d.]+:\d+)"),
        cwd=tmp_path,
        DJANGO_SETTINGS_MODULE="mysite.settings",
    ) as server:
        with pytest.raises(InvalidStatus, match="HTTP 404"):
            websocket(f"{server.url}/ws/ping")
    assert found_in(server.log) == {"`Not Found: /…`"}


@entries_with("def in_background(")
def test_a_test_s_database_in_memory_produces_its_message(entry, tmp_path):
    """And with the first half of the fix the same test passes."""
    [program] = entry.blocks("python")
    fixed = program.replace("TestCase", "TransactionTestCase")
    for module, code in [("locked", program), ("fixed", fixed)]:
        (tmp_path / f"{module}.py").write_text(code, "utf-8")
    memory = {"PYTHONPATH": str(tmp_path), "DATABASE_URL": "sqlite:///db.sqlite3"}
    tried = subprocess.run(
        [sys.executable, "manage.py", "test", "locked", "fixed", "-v", "2"],
        cwd=STAGE,
        env={**os.environ, **memory},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert found_in(tried.stderr) == {entry.title}
    assert "FAILED (errors=1)" in tried.stderr and "Ran 2 tests" in tried.stderr


def test_manage_py_check_produces_its_message():
    """Here of a setting that is made in the environment."""
    checked = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=STAGE,
        env={**os.environ, "WEB_CONCURRENCY": "2"},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    assert found_in(checked.stderr) == {"`(sockets.…) …`"}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_an_entry_names_files_that_exist_and_a_fix(entry):
    assert "The fix" in entry.body
    for file in re.findall(r"`([\w/]+/\w+\.py)`", entry.body):
        assert (STAGE / file).is_file()


def test_every_sentence_of_a_handler_error_has_its_entry():
    """Each place where the layer raises one."""
    code = "".join(
        path.read_text("utf-8") for path in (STAGE / "sockets").rglob("*.py")
    )
    sentences = re.findall(r'HandlerError\(\s*f?"([^"{]+)', code)
    assert len(sentences) == code.count("HandlerError(") - 1  # and where it is defined
    for sentence in sentences:
        assert [e for e in ENTRIES if f"HandlerError: {sentence}" in e.title], sentence


@pytest.mark.parametrize(
    "message",
    [
        "Not Found: /ws/ping/",
        "ValueError: Django can only handle ASGI/HTTP connections, not websocket.",
        "AppRegistryNotReady: Apps aren't loaded yet.",
        "SynchronousOnlyOperation: You cannot call this from an async context - use a "
        "thread or sync_to_async.",
    ],
)
def test_a_message_that_learners_meet_has_its_entry(message):
    """The stuck places 6, 8, 9 and 10 are all in the index, once."""
    found = [e for e in ENTRIES if e.message and e.message.fullmatch(message)]
    assert len(found) == 1
