"""The README's exercises: its answers, put into ``app.py`` where it says."""

import textwrap

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.support.processes import ROOT
from tests.support.readmes import python_of
from workshop.pages.serving import serving

APP = ROOT / "03_asgi_raw" / "app.py"
SPEAK_FIRST, REFUSE = python_of("03_asgi_raw", "Your turn")


def with_lines(below: str, lines: str) -> str:
    """The source of ``app.py`` with ``lines`` below the one line with ``below``."""
    source = APP.read_text("utf-8").splitlines(keepends=True)
    [at] = [number for number, line in enumerate(source) if below in line]
    depth = len(source[at]) - len(source[at].lstrip())
    if source[at].rstrip().endswith(":"):
        depth += 4
    source.insert(at + 1, textwrap.indent(lines, depth * " "))
    return "".join(source)


def application_of(source: str):
    names = {"__file__": str(APP)}
    exec(source, names)
    return names["application"]


async def test_the_answer_to_speak_first_says_hello_before_anybody_has_asked():
    app = application_of(with_lines('"websocket.accept"', SPEAK_FIRST))
    async with serving(app) as url, connect(url.replace("http", "ws")) as client:
        assert await client.recv() == "hello"


async def test_the_answer_to_refuse_gives_another_path_a_403_and_no_close_code():
    source = with_lines("async def websocket(", REFUSE)
    source = source.replace(
        "websocket(receive, send)", "websocket(scope, receive, send)"
    )
    source = source.replace("websocket(receive: ", "websocket(scope: Scope, receive: ")
    async with serving(application_of(source)) as url:
        with pytest.raises(InvalidStatus, match="HTTP 403"):
            await connect(url.replace("http", "ws") + "/other")
        async with connect(url.replace("http", "ws")) as client:
            await client.send("ping")
            assert await client.recv() == "pong!"
