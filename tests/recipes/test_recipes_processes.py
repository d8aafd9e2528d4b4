"""Recipes whose subject is another process: gunicorn, and a Celery worker."""

import json
import os
import re
import signal
import subprocess
import sys

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.support.clients import websocket
from tests.support.processes import server_process
from tests.support.recipes import lift, require_packages
from tests.support.redis_server import running_redis

LISTENING = re.compile(r"Listening at: (http://[\d.]+:\d+)[\s\S]*startup complete")
READY = re.compile(r"(celery@\S+ ready)")
MAKE_SESSION = """
import django
django.setup()
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
call_command("migrate", verbosity=0)
client = Client()
client.force_login(User.objects.create_user("anna"))
print(client.cookies["sessionid"].value)
"""


def environment_of(folder, **more):
    return {
        "DJANGO_SETTINGS_MODULE": "mysite.settings",
        "PYTHONPATH": os.fspath(folder),
        **more,
    }


@pytest.mark.skipif(sys.platform == "win32", reason="gunicorn does not run on Windows")
def test_gunicorn_serves_websockets_and_ends_them_with_1012(tmp_path):
    require_packages()
    folder = lift(["rooms", "with_gunicorn"], tmp_path)
    command = ["-m", "gunicorn", "-c", "python:mysite.with_gunicorn"]
    # The control socket would lie in the home of whoever runs the tests.
    command += ["--bind=127.0.0.1:0", "--no-control-socket", "mysite.asgi:application"]
    with (
        server_process(
            command, address=LISTENING, cwd=folder, **environment_of(folder)
        ) as server,
        websocket(f"{server.url}/ws/rooms", origin=server.url) as room,
    ):
        room.send('{"do": "enter", "room": "news"}')
        assert room.recv(timeout=30) == '{"entered": "news"}'

        # The worker's own limit: the server has not read the message to its end.
        with websocket(f"{server.url}/ws/rooms", origin=server.url) as loud:
            with pytest.raises(ConnectionClosed) as closed:
                loud.send("x" * 100_000)
                loud.recv(timeout=30)
        assert closed.value.rcvd.code == 1009

        server.process.send_signal(signal.SIGTERM)
        with pytest.raises(ConnectionClosed) as closed:
            room.recv(timeout=30)
        assert closed.value.rcvd.code == 1012
        assert server.wait() == 0
    assert "Traceback" not in server.log


def test_a_celery_worker_tells_the_websocket_that_has_started_its_task(tmp_path):
    require_packages()
    folder = lift(["worker"], tmp_path)
    worker = "-m celery -A mysite.worker worker --pool=solo --loglevel=INFO"
    worker += " --without-mingle --without-gossip"  # waiting for other workers
    site = "-m uvicorn mysite.asgi:application --port=0"
    with running_redis(tmp_path) as redis:
        environment = environment_of(folder, REDIS_URL=redis.url)
        session = session_of_anna(folder, environment)
        with (
            server_process(
                worker.split(), address=READY, cwd=folder, **environment
            ) as celery,
            server_process(site.split(), cwd=folder, **environment) as server,
            connect(
                server.url.replace("http", "ws", 1) + "/ws/report/",
                origin=server.url,
                additional_headers={"Cookie": f"sessionid={session}"},
                open_timeout=30,
            ) as page,
        ):
            told = [json.loads(page.recv(timeout=30)) for _ in range(3)]
        assert told == [{"page": number, "of": 3} for number in (1, 2, 3)]
    assert "Traceback" not in celery.log + server.log


def session_of_anna(folder, environment):
    """The key of a session in the project's database, which is made, too."""
    made = subprocess.run(
        [sys.executable, "-c", MAKE_SESSION],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return made.stdout.strip()
