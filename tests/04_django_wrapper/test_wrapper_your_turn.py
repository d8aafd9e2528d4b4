"""The README's exercise: its answer, put into ``websocket.py`` where it says."""

import textwrap

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.support.processes import ROOT
from tests.support.readmes import python_of
from workshop.pages.serving import serving

[ANSWER] = python_of("04_django_wrapper", "Your turn")


@pytest.fixture
def handler():
    path = ROOT / "04_django_wrapper" / "websocket_app" / "websocket.py"
    loop = "    while True:\n"
    source = path.read_text("utf-8")
    assert source.count(loop) == 1
    names = {}
    exec(source.replace(loop, textwrap.indent(ANSWER, "    ") + loop), names)
    return names["websocket_application"]


@pytest.mark.parametrize("origin", [None, "http://127.0.0.1:8000"])
async def test_the_answer_lets_in_its_own_page_and_a_client_without_an_origin(
    handler, origin
):
    async with (
        serving(handler, lifespan="off") as url,
        connect(url.replace("http", "ws"), origin=origin) as client,
    ):
        await client.send("ping")
        assert await client.recv() == "pong!"


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8001", "http://localhost:8001"])
async def test_the_answer_refuses_pages_of_other_origins_with_403(handler, origin):
    async with serving(handler, lifespan="off") as url:
        with pytest.raises(InvalidStatus, match="HTTP 403"):
            await connect(url.replace("http", "ws"), origin=origin)
