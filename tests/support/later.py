"""Modules that are imported when one of their names is first used.

``nbformat`` takes more than two seconds of CPU time, and every process that collects
the tests would spend them, though only one runs those that need it.
"""

import importlib.util
import sys
from types import ModuleType


def _later(name: str) -> ModuleType:
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.find_spec(name)
    assert spec is not None and spec.loader is not None
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


nbformat = _later("nbformat")
nbclient = _later("nbclient")
