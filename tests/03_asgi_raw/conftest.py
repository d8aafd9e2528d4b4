"""Stage 03's application."""

import pytest
from asgiref.typing import ASGIApplication
from hypothesis import HealthCheck, settings

from tests.support.stages import stage_app

# How long an example takes says how busy the machine is, and nothing about the code.
settings.register_profile(
    "busy", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("busy")


@pytest.fixture(scope="session")
def application() -> ASGIApplication:
    return stage_app("03_asgi_raw").application
