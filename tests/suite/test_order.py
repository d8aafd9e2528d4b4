"""The order of the whole suite: what takes longest begins first."""

from types import SimpleNamespace

import pytest

from tests import conftest
from tests.support.processes import ROOT

SHORT = "suite/test_order.py"
Source = pytest.Config.ArgsSource


def order_of(names: list[str], source: Source) -> list[str]:
    """The files as the hook puts them, where pytest has found them in ``source``."""
    items = [SimpleNamespace(path=ROOT / "tests" / name, name=name) for name in names]
    config = SimpleNamespace(args_source=source)
    conftest.pytest_collection_modifyitems(config, items)  # type: ignore[arg-type]
    return [item.name for item in items]


def test_every_file_that_is_said_to_take_long_is_there() -> None:
    for name in conftest.LONGEST:
        assert (ROOT / "tests" / name).is_file()


def test_the_longest_files_of_the_whole_suite_begin_first() -> None:
    names = [SHORT, *reversed(conftest.LONGEST)]
    assert order_of(names, Source.TESTPATHS) == [*conftest.LONGEST, SHORT]


def test_files_that_are_named_keep_their_order() -> None:
    names = [SHORT, *reversed(conftest.LONGEST)]
    assert order_of(names, Source.ARGS) == names
