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
    connected, _ = await peer.connect(timeout=30)
    assert connected
    await peer.send_to(text_data="ping")
    assert await peer.receive_from(timeout=30)
    await peer.disconnect()


def test_no_file_of_ours_teaches_a_message_that_says_both():
    both = re.compile(r'"(text|bytes)": None')
    # Beside the notebooks there may be a file of the learner's, or of another test.
    files = [*ROOT.glob("*.md"), *ROOT.glob("notebooks/*.ipynb")]
    for room in ("0?_*", "workshop", "benchmarks", "notebooks/pictures"):
        files += [*ROOT.glob(f"{room}/**/*.py"), *ROOT.glob(f"{room}/**/*.md")]
    assert len(files) > 100
    found = [
        str(path.relative_to(ROOT))
        for path in files
        if "exercises" not in path.parts and both.search(path.read_text("utf-8"))
    ]
    assert found == []
