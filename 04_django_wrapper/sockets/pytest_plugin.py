"""For pytest and pytest-django: the site on a real server, and an end for async tests.

In the project's top ``conftest.py``: ``pytest_plugins = ["sockets.pytest_plugin"]``.
"""

from collections.abc import Iterator

import pytest
from asgiref.sync import SyncToAsync
from django.db import connections

from .live_server import live_server


@pytest.fixture
def sockets_live_server(transactional_db: None) -> Iterator[str]:
    """The address of a server, for one test: ``"http://localhost:54321"``."""
    with live_server() as url:
        yield url


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(nextitem: object) -> None:
    """After the last test, and before pytest-django drops the database.

    Async tests do their queries in asgiref's thread. PostgreSQL drops no database to
    which that thread still has a connection.
    """
    if nextitem is None:
        SyncToAsync.single_thread_executor.submit(connections.close_all).result()
