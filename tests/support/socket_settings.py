"""The project's settings with ``socket_handlers.py``, for a server's own process."""

import json
import os

from websocket_app.settings import *  # noqa: F403

SECRET_KEY = "of these tests only"  # sessions are made by another process
SECRET_KEY_FALLBACKS = ["the one before"]
SOCKETS = {
    "URLCONF": "tests.support.socket_handlers",
    "DATABASE_SECONDS": 3600,  # what is kept is kept for the length of the tests
    **json.loads(os.environ.get("SOCKETS", "{}")),
}
