"""The order of a folder's files: what takes longest begins first."""

from types import SimpleNamespace

import pytest

from tests import conftest
from tests.support.processes import ROOT

SHORT = "suite/test_order.py"


def order_of(names: list[str], *arguments: str) -> list[str]:
    """The files as the hook puts them, where pytest was told ``arguments``."""
    items = [SimpleNamespace(path=ROOT / "tests" / name, name=name) for name in names]
    config = SimpleNamespace(args=arguments)
    conftest.pytest_collection_modifyitems(config, items)  # type: ignore[arg-type]
    return [item.name for item in items]


def test_every_file_that_is_said_to_take_long_is_there() -> None:
    for name in conftest.LONGEST:
        assert (ROOT / "tests" / name).is_file()


@pytest.mark.parametrize("folder", ["tests", "tests/03_asgi_raw"])
def test_the_longest_files_of_a_folder_begin_first(folder: str) -> None:
    names = [SHORT, *reversed(conftest.LONGEST)]
    assert order_of(names, folder) == [*conftest.LONGEST, SHORT]


def test_files_that_are_named_keep_their_order() -> None:
    names = [SHORT, *reversed(conftest.LONGEST)]
    assert order_of(names, "tests/first.py", "tests/test_a.py::test_it") == names
