"""What the report of a failed test says: the logs of its servers, a picture."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import ROOT
from workshop.command.doctor import find_browser

WITH_SERVER = """
from tests.support.processes import server_process
SERVER = '''
import threading
print("Uvicorn running on http://127.0.0.1:1", flush=True)
print("a line of the server", flush=True)
threading.Event().wait()
'''
def test_it():
    with server_process(["-c", SERVER]) as server:
        while len(server.lines) < 2:
            pass
        assert server.url == "another one"
def test_the_next_one():
    assert False
"""
WITH_PAGE = """
import pytest
pytestmark = pytest.mark.asyncio(loop_scope="session")
async def test_it(page):
    assert await page.title() == "another one"
"""


def report_of(folder: Path, code: str, *plugins: str) -> str:
    """What pytest prints of a file with this code."""
    loaded = [word for plugin in plugins for word in ("-p", plugin)]
    (folder / "test_scratch.py").write_text(code)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-c", "pyproject.toml", *loaded),
            *("-p", "no:cacheprovider", f"--rootdir={ROOT}", f"{folder}"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


def test_a_failure_shows_the_log_of_each_server_that_the_test_had(
    tmp_path: Path,
) -> None:
    report = report_of(tmp_path, WITH_SERVER, "tests.conftest")
    first, next_one = report.split("_ test_the_next_one _")
    assert "- The log of " in first and "\na line of the server\n" in first
    assert "The log of" not in next_one


@pytest.mark.skipif(find_browser() is None, reason="no Chromium or Chrome found")
def test_a_failure_of_a_page_says_where_its_picture_is(tmp_path: Path) -> None:
    report = report_of(tmp_path, WITH_PAGE, "tests.conftest", "tests.browser.conftest")
    [path] = re.findall(r"What the page showed: (.+\.png)", report)
    assert Path(path).read_bytes().startswith(b"\x89PNG")
