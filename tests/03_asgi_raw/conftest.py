"""Stage 03's application."""

import pytest
from asgiref.typing import ASGIApplication

from tests.support.stages import stage_app


@pytest.fixture(scope="session")
def application() -> ASGIApplication:
    return stage_app("03_asgi_raw").application
