"""What the Python of a page is made of, and what is said where it cannot be made."""

import sys
import zipfile
from pathlib import Path

import pytest

from workshop.command.errors import UserError
from workshop.command.places import LOCK
from workshop.site import page_python


def test_a_machine_without_npm_is_told_to_install_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"needs npm and Node\.js.*: install Node\.js"):
        page_python.fetch_pyodide(tmp_path / "work")
    assert not (tmp_path / "work").exists()


def test_a_node_that_cannot_run_pyodide_is_told_with_what_it_said(
    tmp_path: Path,
) -> None:
    with pytest.raises(UserError, match=r"could not run Pyodide(.|\n)+SyntaxError"):
        page_python.compile_library(sys.executable, tmp_path)  # Python is no Node.js


def test_a_lighter_wheel_keeps_one_language_and_all_code(tmp_path: Path) -> None:
    names = [
        "django/apps/registry.py",
        "django/conf/locale/__init__.py",
        "django/conf/locale/en/formats.py",
        "django/conf/locale/pt_BR/formats.py",
        "django/contrib/auth/locale/de/LC_MESSAGES/django.mo",
    ]
    wheel = tmp_path / "django-5.2-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in names:
            archive.writestr(name, name)
    (tmp_path / "lighter").mkdir()
    copy = page_python.lighter(wheel, tmp_path / "lighter")
    with zipfile.ZipFile(copy) as archive:
        assert archive.namelist() == names[:3]
        assert archive.read(names[0]).decode() == names[0]


def test_each_package_of_a_page_has_one_version_and_a_hash_in_the_lock() -> None:
    entries = list(page_python.locked(LOCK.read_text("utf-8")))
    assert [entry.partition("==")[0] for entry in entries] == list(page_python.PACKAGES)
    assert all("--hash=sha256:" in entry for entry in entries)
