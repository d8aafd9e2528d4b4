"""A message says text or bytes, and leaves the other one out (ASGI spec, "Send").

Channels' communicator refuses a message that says both, also with a ``None``.
"""

import re

import pytest
from channels.testing.websocket import WebsocketCommunicator

from tests.support.processes import ROOT
from tests.support.stages import stage_app

APPLICATIONS = {
    "01": ("01_asyncio_basics", "app"),
    "02": ("02_coroutines", "app"),
    "03": ("03_asgi_raw", "app"),
    "03 watched": ("03_asgi_raw", "watched"),
    "04": ("04_django_wrapper/websocket_app", "websocket"),
}


@pytest.mark.parametrize("name", APPLICATIONS)
async def test_an_application_satisfies_channels_communicator(name):
    module = stage_app(*APPLICATIONS[name])
    application = getattr(module, "application", None) or module.websocket_application
    peer = WebsocketCommunicator(application, "/")
    connected, _ = await peer.connect()
    assert connected
    await peer.send_to(text_data="ping")
    assert await peer.receive_from()
    await peer.disconnect()


def test_no_file_of_ours_teaches_a_message_that_says_both():
    both = re.compile(r'"(text|bytes)": None')
    found = [
        str(path.relative_to(ROOT))
        for pattern in ("*.py", "*.md", "*.ipynb")
        for path in ROOT.rglob(pattern)
        if not {".venv", "tests", ".git", "build", "exercises"}
        & set(path.relative_to(ROOT).parts)
        and both.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []
