"""Stage 03's application. Other stages have an ``app.py`` too, so: by its path."""

import importlib.util

import pytest
from asgiref.typing import ASGIApplication

from tests.support.processes import ROOT


@pytest.fixture(scope="session")
def application() -> ASGIApplication:
    path = ROOT / "03_asgi_raw" / "app.py"
    spec = importlib.util.spec_from_file_location("stage_03_app", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.application
