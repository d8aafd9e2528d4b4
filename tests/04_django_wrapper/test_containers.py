"""``Dockerfile``, ``compose.yaml`` and the two services: in plain steps, no container.

nginx, Redis and PostgreSQL are real. What only an engine does, networks and volumes, is
not tried here; ``deployment/README.md`` says so.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from contextlib import contextmanager
from fnmatch import fnmatch
from urllib.parse import urlsplit

import pytest
import yaml
from websockets.exceptions import ConnectionClosed

from tests.support import nginx, postgres
from tests.support.containers import DEPLOYMENT, build, compose, ignored
from tests.support.nginx import HOST, ask, cookies_of, opened_at, origin_of, replaced
from tests.support.processes import server_process
from tests.support.recipes import require_packages
from tests.support.redis_server import running_redis
from tests.support.servers import wait_until_listening

VARIABLES = {  # the file .env
    "SECRET_KEY": "of this test only",
    "ALLOWED_HOSTS": HOST,
    "POSTGRES_PASSWORD": "secret",
}
# uvicorn's workers listen in the moment after they have said the last of these.
UVICORN = re.compile(
    r"running on (http://[\d.]+:\d+)(?:.*Application startup complete){2}", re.DOTALL
)
GUNICORN = re.compile(r"Listening at: (http://[\d.]+:\d+)")


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """The image of the site."""
    require_packages()
    return build("site", tmp_path_factory.mktemp("image") / "site", {})


@pytest.fixture(scope="module")
def environment(tmp_path_factory, image):
    """What ``compose.yaml`` sets, with a database and a Redis of ours."""
    if reason := nginx.missing() or postgres.missing():
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with (
        postgres.running_postgres() as database,
        running_redis(tmp_path_factory.mktemp("redis")) as redis,
    ):
        services = compose(VARIABLES, "compose.yaml")
        yield {
            **image.environment,
            **services["site"]["environment"],
            "DATABASE_URL": database,
            "SOCKETS_REDIS_URL": redis.url,
            "FORWARDED_ALLOW_IPS": "127.0.0.1",
            "DJANGO_SETTINGS_MODULE": "websocket_app.settings",
            "PYTHONPATH": "",
        }


@pytest.fixture(scope="module")
def site(image, environment):
    """The service ``site``, after the service ``migrate`` has done its work."""
    program, *migrate = compose(VARIABLES, "compose.yaml")["migrate"]["command"]
    assert program == "python"
    done = subprocess.run(
        [sys.executable, *migrate],
        cwd=image.at("."),
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    with served(image, image.command, environment) as server:
        yield server


@contextmanager
def served(image, command, environment):
    """A service's command as a process, on a free port of this machine only."""
    command = [re.sub(r"0\.0\.0\.0:\d+", "127.0.0.1:0", word) for word in command]
    if "--port" in command:
        command[command.index("--port") + 1] = "0"
        command[command.index("--host") + 1] = "127.0.0.1"
    ready = UVICORN if command[0] == "uvicorn" else GUNICORN
    with server_process(
        ["-m", *command], address=ready, cwd=image.at("."), **environment
    ) as server:
        wait_until_listening(server)
        yield server


def proxy(image, folder, conf, services):
    """nginx as its image has it, with the services at their places here."""
    made = build("nginx", folder / "nginx", {"site": image}, CONF=conf)
    static = "/srv/chat/04_django_wrapper/static_collected"
    places = [(name, url.removeprefix("http://")) for name, url in services.items()]
    text = made.at("/etc/nginx/conf.d/default.conf").read_text("utf-8")
    text = replaced(text, (static, str(made.at(static))), *places)
    return nginx.running_site(folder, text)


def test_the_image_has_what_the_site_needs(image):
    assert image.command[0] == "uvicorn"
    assert image.environment["DEBUG"] == "0"
    assert image.at("static_collected/chat/chat.css").is_file()
    assert image.at("static_collected/style.css").is_file()  # of workshop/static


@pytest.mark.parametrize(
    "name", [".env", "certificates", "db.sqlite3", "db.sqlite3-wal", "__pycache__"]
)
def test_secrets_and_leftovers_stay_out_of_the_image(name):
    assert [pattern for pattern in ignored() if fnmatch(name, pattern)]


def test_the_site_of_compose_answers_pages_and_websockets(image, site, tmp_path):
    with proxy(image, tmp_path, "nginx.conf", {"site:8000": site.url}) as front:
        status, _, body = ask(front, "/rooms/")
        assert (status, "Lobby" in body) == (200, True)
        assert ask(front, "/static/chat/chat.css")[0] == 200
        with (
            opened_at(front, "wss", "/ws/rooms/lobby/") as anna,
            opened_at(front, "wss", "/ws/rooms/lobby/") as ben,
        ):
            # Two workers: Redis brings what one says to the other.
            for client in (anna, ben):
                assert json.loads(client.recv(timeout=30))["type"] == "welcome"
            said = {"type": "message", "key": "1", "text": "hello"}
            anna.send(json.dumps(said))
            while json.loads(ben.recv(timeout=30)).get("text") != "hello":
                pass


def test_pages_under_wsgi_and_websockets_under_asgi_are_one_site(
    image, environment, site, tmp_path
):
    services = compose(VARIABLES, "compose.yaml", "two_services.yaml")
    conf = services["nginx"]["build"]["args"]["CONF"]
    # All that compose.yaml sets holds for the pages, too.
    assert services["pages"]["environment"] == services["site"]["environment"]
    with served(image, services["pages"]["command"], environment) as pages:
        places = {"site:8000": site.url, "pages:8001": pages.url}
        with proxy(image, tmp_path, conf, places) as front:
            cookie = choose_name(front, "anna", "")
            entered = {"additional_headers": {"Cookie": cookie}}
            with opened_at(front, "wss", "/ws/rooms/lobby/", **entered) as client:
                welcome = json.loads(client.recv(timeout=30))
                assert welcome["user"].startswith("anna (guest-")
                # A view under WSGI closes it, and only Redis can bring that here.
                choose_name(front, "ben", cookie)
                with pytest.raises(ConnectionClosed) as closed:
                    while True:
                        client.recv(timeout=30)
                assert closed.value.rcvd.reason == "You have another name now."

            # Each service answers for its own half, and for nothing else.
            pages.process.terminate()
            pages.wait()
            assert ask(front, "/")[0] == 502
            with opened_at(front, "wss", "/") as client:
                client.send("ping")
                assert client.recv(timeout=30) == "pong!"
            assert ask(front, "/metrics")[0] == 302  # to the log-in


def choose_name(front, name, cookie):
    """Give a guest a name by the chat's page; the Cookie header of their browser."""
    csrf = cookies_of(ask(front, "/accounts/name/")[1])["csrftoken"].value
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Cookie": f"csrftoken={csrf}; {cookie}",
        "Origin": origin_of("wss"),
        "X-CSRFToken": csrf,
    }
    status, headers, _ = ask(
        front, "/accounts/name/", "POST", f"name={name}", **headers
    )
    assert status == 302
    return f"sessionid={cookies_of(headers)['sessionid'].value}"


def test_containers_and_the_systemd_unit_start_uvicorn_alike(image):
    unit = (DEPLOYMENT / "chat.service").read_text("utf-8")
    [started] = re.findall(r"^ExecStart=\S+/(uvicorn .*?[^\\])$", unit, re.M | re.S)
    words = shlex.split(started.replace("\\\n", ""))
    # In a container the port is open to the network, whose addresses compose.yaml says.
    position = words.index("--forwarded-allow-ips")
    words[position : position + 2] = []
    words[words.index("127.0.0.1")] = "0.0.0.0"
    assert image.command == words

    site = compose(VARIABLES, "compose.yaml")["site"]
    assert f"LimitNOFILE={site['ulimits']['nofile']}\n" in unit
    assert f"TimeoutStopSec={site['stop_grace_period'].removesuffix('s')}\n" in unit
    named = re.findall(r"^(\w+)=", (DEPLOYMENT / "chat.env").read_text("utf-8"), re.M)
    assert set(site["environment"]) <= {*named, "FORWARDED_ALLOW_IPS"}


def test_the_addresses_in_compose_are_those_of_its_services():
    services = compose(VARIABLES, "compose.yaml")
    environment = services["site"]["environment"]
    redis = urlsplit(environment["SOCKETS_REDIS_URL"])
    database = urlsplit(environment["DATABASE_URL"])
    assert {redis.hostname, database.hostname} < set(services)
    wanted = services["postgres"]["environment"]
    assert database.username == wanted["POSTGRES_USER"]
    assert database.password == wanted["POSTGRES_PASSWORD"]
    assert database.path == f"/{wanted['POSTGRES_USER']}"  # the image's own default


def test_the_network_of_compose_is_the_one_that_uvicorn_trusts():
    text = (DEPLOYMENT / "compose.yaml").read_text("utf-8")
    [network] = yaml.safe_load(text)["networks"]["default"]["ipam"]["config"]
    environment = compose(VARIABLES, "compose.yaml")["site"]["environment"]
    assert environment["FORWARDED_ALLOW_IPS"] == network["subnet"]


def test_both_sites_of_nginx_pass_on_the_same_headers():
    def passed_on(name):
        text = (DEPLOYMENT / name).read_text("utf-8")
        found = re.findall(r"^ *(proxy_(?!pass)\w+ [^;]+);", text, re.M)
        return [" ".join(line.split()) for line in found]

    assert passed_on("two_services.conf") == passed_on("nginx.conf")
