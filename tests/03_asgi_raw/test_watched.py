"""The watched application: the same as ever, and a picture of the page's connection."""

import json
import re
import signal
import subprocess
import sys
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.support.clients import fetch
from tests.support.processes import ROOT, server_process

OURS = re.compile(r"Serving on (http://[\d.]+:\d+)")


@pytest.fixture(scope="module")
def server():
    command = ["-m", "uvicorn", "--app-dir", "03_asgi_raw", "watched:application"]
    with server_process([*command, "--port=0"]) as process:
        yield process


def query_of(page):
    found = re.search(
        r'<html data-query="(\?watch=[0-9a-f]{16})" lang="en">', page.body
    )
    assert found
    return found[1]


def ws(server, path, **options):
    return connect(server.url.replace("http", "ws", 1) + path, **options)


def pieces(watcher):
    """The next pieces of the page, by the ids of their elements."""
    return json.loads(watcher.recv(timeout=30))


def picture_with(watcher, *words):
    """The first picture in which all ``words`` stand."""
    picture = ""
    while not all(word in picture for word in words):
        picture = pieces(watcher)["wiretap"]
    return picture


def test_the_page_is_app_py_s_with_the_wiretap_beside_the_console(server):
    page = fetch(server.url)
    assert page.status == 200
    assert page.headers["cache-control"] == "no-store"
    assert int(page.headers["content-length"]) == len(page.body.encode())
    order = ['id="console-title"', 'id="wiretap-title"', 'id="try-title"']
    assert sorted(order, key=page.body.index) == order
    for tag in ("div", "section"):
        opened = re.findall(rf"<{tag}[ >]", page.body)
        assert len(opened) == page.body.count(f"</{tag}>")


def test_each_page_gets_a_word_of_its_own(server):
    assert query_of(fetch(server.url)) != query_of(fetch(server.url))


def test_the_picture_follows_the_page_s_own_connection(server):
    query = query_of(fetch(server.url))
    with ws(server, f"/wiretap{query}") as watcher:
        with ws(server, f"/{query}") as client:
            client.send("ping")
            assert client.recv(timeout=30) == "pong!"
            picture_with(watcher, "“pong!”", "waits in receive()")
        picture_with(watcher, "has returned")


def test_a_phone_gets_a_narrow_picture(server):
    query = query_of(fetch(server.url))
    with ws(server, f"/wiretap/narrow{query}") as watcher, ws(server, f"/{query}"):
        assert 'viewBox="0 0 340 ' in pieces(watcher)["wiretap"]


def test_a_second_connection_of_the_page_takes_the_picture_over(server):
    query = query_of(fetch(server.url))
    with ws(server, f"/wiretap{query}") as watcher:
        for word in ("first", "second"):
            with ws(server, f"/{query}") as client:
                client.send(word)
                client.recv(timeout=30)
            picture = picture_with(watcher, "has returned")
        assert "“second”" in picture and "“first”" not in picture


def test_nobody_sees_another_one_s_connection(server):
    one, other = query_of(fetch(server.url)), query_of(fetch(server.url))
    with (
        ws(server, f"/wiretap{one}") as watcher,
        ws(server, f"/{one}") as mine,
        ws(server, f"/{other}") as theirs,  # began after mine, and so did the next one
        ws(server, "/") as nobodys,
    ):
        for client, word in ((theirs, "secret"), (nobodys, "secret"), (mine, "open")):
            client.send(word)
            client.recv(timeout=30)
        pictures = [pieces(watcher)["wiretap"]]
        while "“open”" not in pictures[-1]:
            pictures.append(pieces(watcher)["wiretap"])
    assert not any("secret" in picture for picture in pictures)


def test_under_another_server_the_page_says_how_to_see_the_bytes(server):
    query = query_of(fetch(server.url))
    with ws(server, f"/wiretap{query}") as watcher, ws(server, f"/{query}"):
        found = pieces(watcher)
    assert "bytes: not seen" in found["wiretap"]
    assert "<code>python 03_asgi_raw/watched.py</code>" in found["frames"]


def test_under_our_server_the_frames_of_the_page_s_own_connection_are_opened():
    with server_process(["03_asgi_raw/watched.py", "--port=0"], address=OURS) as server:
        one, other = query_of(fetch(server.url)), query_of(fetch(server.url))
        with (
            ws(server, f"/wiretap{one}") as watcher,
            ws(server, f"/{one}") as mine,
            ws(server, f"/{other}") as theirs,
        ):
            for _ in range(25):  # pages are not drawn: they would push the others out
                fetch(server.url)
            for client, word in ((theirs, "secret"), (mine, "ping")):
                client.send(word)
                client.recv(timeout=30)
            while "&#x27;pong!&#x27;" not in (found := pieces(watcher))["frames"]:
                pass
        assert "bytes on one TCP connection" in found["wiretap"]
        summaries = re.findall("<summary>(.*?)</summary>", found["frames"])
        assert [words.partition(", ")[0] for words in summaries] == [
            "→ from the browser: the handshake",
            "← to the browser: the handshake",
            "→ from the browser: text frame",
            "← to the browser: text frame",
        ]
        assert "secret" not in found["frames"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl+C so")
def test_under_our_server_ctrl_c_says_goodbye_and_ends():
    with server_process(["03_asgi_raw/watched.py", "--port=0"], address=OURS) as server:
        query = query_of(fetch(server.url))
        with ws(server, f"/{query}") as client, ws(server, f"/wiretap{query}"):
            server.process.send_signal(signal.SIGINT)
            with pytest.raises(ConnectionClosed):
                client.recv(timeout=30)
            assert client.close_code == 1012
        assert server.wait() == 0
        assert "Traceback" not in server.log


def test_a_port_that_is_taken_is_said_in_one_sentence(server):
    port = urlsplit(server.url).port
    ended = subprocess.run(
        [sys.executable, "03_asgi_raw/watched.py", f"--port={port}"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"cannot listen on port {port}: ")
    assert len(ended.stderr.splitlines()) == 1


def test_a_page_of_another_origin_may_not_watch(server):
    query = query_of(fetch(server.url))
    with pytest.raises(InvalidStatus) as refused:
        ws(server, f"/wiretap{query}", origin="http://elsewhere.example")
    assert refused.value.response.status_code == 403
    with ws(server, f"/wiretap{query}", origin=server.url):
        pass


def test_an_open_watcher_does_not_keep_the_server_from_ending():
    command = ["-m", "uvicorn", "--app-dir", "03_asgi_raw", "watched:application"]
    with server_process([*command, "--port=0"]) as server:
        with ws(server, f"/wiretap{query_of(fetch(server.url))}"):
            server.process.terminate()
            server.wait()


def test_everything_else_is_as_without_the_tap(server):
    assert fetch(f"{server.url}/nothing").status == 404
    assert fetch(server.url, "POST").status == 405
    assert fetch(server.url, "HEAD").status == 200
    assert fetch(f"{server.url}/static/console.js").status == 200
    with ws(server, "/") as client:
        client.send(b"ping")
        assert client.recv(timeout=30) == "4 bytes, but no text. Send the text ping."
    assert client.close_code == 1000
    assert "ERROR" not in server.log
