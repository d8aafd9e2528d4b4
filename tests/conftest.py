"""Where a run keeps its files, and what it tells of a failure."""

import os
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.support import failures, processes

CACHE = Path(__file__).parent.parent / ".pytest_cache"
os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(CACHE / "hypothesis"))


def pytest_runtest_logstart() -> None:
    processes.forget_servers()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    failures.keep(item, report)
    return report
