"""Each stage's ``app.py``: modules of one name, so they are loaded by their path."""

import asyncio
import importlib.util
import threading
from functools import cache
from types import ModuleType

import pytest

from tests.support.processes import ROOT


@cache
def stage_app(folder: str, name: str = "app") -> ModuleType:
    """The module ``app`` of the stage in ``folder``, or another one of its modules."""
    path = ROOT / folder / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"{name}_of_{folder}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def without_end(patch: pytest.MonkeyPatch) -> threading.Event:
    """Let the first program of stage 01's page go on until somebody ends it.

    Returns:
        An event that ends it, too, and all that begin later.
    """
    enough = threading.Event()

    async def main() -> None:
        while not enough.is_set():
            await asyncio.sleep(0.01)

    programs = stage_app("01_asyncio_basics").PROGRAMS
    name = next(iter(programs))
    patch.setitem(programs, name, programs[name]._replace(main=main))
    return enough
