"""What the tests of the command share."""

import signal
from collections.abc import Iterator

import pytest


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Processes that the test starts can be interrupted, as from a terminal.

    A shell starts a background job (``pytest &``) deaf to Ctrl-C, and its children too.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
