"""Where a run keeps its files, and what it tells of a failure."""

import os
import signal
import sys
from collections.abc import Generator
from pathlib import Path

import hypothesis
import pytest

from tests.support import failures, processes

# Containers often set it. Each of the hundreds of processes that the tests start would
# compile all that it imports.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

CACHE = Path(__file__).parent.parent / ".pytest_cache"
os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(CACHE / "hypothesis"))
# The database of the exercises, which is made once.
os.environ.setdefault("WORKSHOP_PRACTICE", str(CACHE / "practice"))
# An example that takes long on a busy machine is no failure.
hypothesis.settings.register_profile("no deadline", deadline=None)
hypothesis.settings.load_profile("no deadline")


# The files that take longest. They begin first, so that no process is left alone with
# one of them at the end.
LONGEST = (
    "site/test_built_site.py",
    "notebooks/test_notebooks.py",
    "workshop/test_environment.py",
    "exercises/test_exercise_answers.py",
    "browser/test_lab.py",
    "browser/test_pages.py",
    "faults/test_faults_workers.py",
    "benchmarks/test_bench_smoke.py",
    "faults/test_faults_messages.py",
    "browser/test_chat_connection.py",
    "faults/test_faults_life.py",
    "03_asgi_raw/test_protocol_command.py",
    "03_asgi_raw/test_bug_zoo.py",
    "03_asgi_raw/test_raw_servers.py",
    "03_asgi_raw/test_raw_server_faults.py",
    "03_asgi_raw/test_protocol_server.py",
    "03_asgi_raw/test_error_index_asgi.py",
    "03_asgi_raw/test_wsgi_limit.py",
    "03_asgi_raw/test_raw_claims.py",
)


def pytest_configure() -> None:
    """Processes that a test starts can be interrupted, as from a terminal.

    A shell starts a background job (``pytest &``) deaf to Ctrl-C, and its children too.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Order the files of a folder; whoever names files has an order already."""
    if not any(".py" in argument for argument in config.args):
        tests = Path(__file__).parent
        place = {tests / name: number for number, name in enumerate(LONGEST)}
        items.sort(key=lambda item: place.get(item.path, len(LONGEST)))


def pytest_runtest_logstart() -> None:
    processes.forget_servers()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    failures.keep(item, report)
    return report
