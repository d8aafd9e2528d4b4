"""Each stage's ``app.py``: modules of one name, so they are loaded by their path."""

import importlib.util
from functools import cache
from types import ModuleType

from tests.support.processes import ROOT


@cache
def stage_app(folder: str) -> ModuleType:
    """The module ``app`` of the stage in ``folder``."""
    path = ROOT / folder / "app.py"
    spec = importlib.util.spec_from_file_location(f"app_of_{folder}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
