"""The real nginx with the site of ``deployment/nginx.conf``, as a process of a test."""

import contextlib
import http.client
import os
import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from http.client import HTTPMessage
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.support.ports import free_port
from tests.support.processes import ROOT, ServerProcess, server_process

SITE = ROOT / "04_django_wrapper" / "deployment" / "nginx.conf"
HOST = "chat.example.org"
# Around the site: one process, as whoever runs the test, with all files in one folder.
MAIN = """
daemon off;
master_process off;
pid nginx.pid;
error_log stderr notice;
events {{ worker_connections 100; }}
http {{
    types {{ text/css css; text/javascript js; }}
    access_log off;
    client_body_temp_path temporary;
    proxy_temp_path temporary;
    fastcgi_temp_path temporary;
    uwsgi_temp_path temporary;
    scgi_temp_path temporary;
{site}
}}
"""


def missing() -> str:
    """What is not there; "" if nginx can be started."""
    if _nginx() is None:
        return "no nginx found: on Debian, apt-get install nginx-light"
    if shutil.which("openssl") is None:
        return "no openssl command found, to make a certificate"
    return ""


def _nginx() -> str | None:
    path = os.environ.get("PATH", os.defpath)
    return shutil.which("nginx", path=f"{path}{os.pathsep}/usr/sbin")  # Debian's


class Nginx:
    """A running nginx: its two ports, and a context that trusts its certificate."""

    def __init__(self, folder: Path, process: ServerProcess, http: int, https: int):
        self.process, self.http, self.https = process, http, https
        self.tls = ssl.create_default_context(cafile=folder / "certificate.pem")


def replaced(text: str, *edits: tuple[str, str]) -> str:
    """The text with each edit, whose first half must be there once."""
    for old, new in edits:
        assert text.count(old) == 1, f"{text.count(old)} times {old!r}"
        text = text.replace(old, new)
    return text


@contextlib.contextmanager
def running_nginx(
    folder: Path, upstream: str, *edits: tuple[str, str]
) -> Iterator[Nginx]:
    """Run nginx with ``nginx.conf`` in front of a server until the block ends.

    Args:
        folder: for its files; ``static`` in it is what collectstatic has gathered.
        upstream: the server's address, ``http://127.0.0.1:8000``.
        edits: what a test changes in the site: what is there, and what comes instead.
    """
    site = replaced(
        SITE.read_text("utf-8"),
        *edits,
        ("http://127.0.0.1:8000", upstream),
        ("/srv/chat/04_django_wrapper/static_collected/", f"{folder}/static/"),
    )
    with running_site(folder, site) as nginx:
        yield nginx


@contextlib.contextmanager
def running_site(folder: Path, site: str) -> Iterator[Nginx]:
    """Run nginx with one site until the block ends.

    Args:
        folder: for nginx's files.
        site: the text of a site of ``deployment/``, with its upstreams and its files
            already where the test has them.
    """
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-days", "2", "-subj", f"/CN={HOST}"),
            *("-addext", f"subjectAltName=DNS:{HOST},IP:127.0.0.1", "-nodes"),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-keyout", folder / "key.pem", "-out", folder / "certificate.pem"),
        ],
        check=True,
        capture_output=True,
    )
    http, https = free_port(), free_port()
    site = replaced(
        site,
        ("listen 80;", f"listen 127.0.0.1:{http};"),
        ("listen 443 ssl;", f"listen 127.0.0.1:{https} ssl;"),
        ("/etc/ssl/certs/chat.example.org.pem", f"{folder}/certificate.pem"),
        ("/etc/ssl/private/chat.example.org.key", f"{folder}/key.pem"),
    )
    Path(folder, "nginx.conf").write_text(MAIN.format(site=site), "utf-8")
    nginx = _nginx()
    assert nginx is not None
    # It prints this when it listens.
    ready = re.compile(r'using the "(\w+)" event method')
    command = ["-e", "stderr", "-p", f"{folder}", "-c", "nginx.conf"]
    with server_process(command, python=nginx, address=ready) as process:
        yield Nginx(folder, process, http, https)


def opened_at(
    site: Nginx, scheme: str, path: str, host: str = HOST, **options: Any
) -> ClientConnection:
    """A websocket through nginx, by ``ws`` or ``wss``, from a page of the site."""
    options = {"origin": origin_of(scheme, host), **options}
    if scheme == "wss":
        options |= {"ssl": site.tls, "server_hostname": HOST}
    address = ("127.0.0.1", site.https if scheme == "wss" else site.http)
    url = f"{scheme}://{host}{path}"  # what a browser has in its address bar
    return connect(url, address=address, proxy=None, **options)


def origin_of(scheme: str, host: str = HOST) -> str:
    """The Origin of a page whose websockets have this scheme."""
    return {"ws": "http", "wss": "https"}[scheme] + f"://{host}"


def ask(
    site: Nginx,
    path: str,
    method: str = "GET",
    body: str | None = None,
    *,
    tls: bool = True,
    **headers: str,
) -> tuple[int, HTTPMessage, str]:
    """One request: status, headers, body."""
    if tls:
        client = http.client.HTTPSConnection("127.0.0.1", site.https, context=site.tls)
    else:
        client = http.client.HTTPConnection("127.0.0.1", site.http)
    client.request(method, path, body, {"Host": HOST, **headers})
    response = client.getresponse()
    answer = response.status, response.headers, response.read().decode()
    client.close()
    return answer


def cookies_of(headers: HTTPMessage) -> SimpleCookie:
    """The cookies that an answer sets."""
    return SimpleCookie("\r\n".join(headers.get_all("Set-Cookie", [])))
