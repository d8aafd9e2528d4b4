"""A kernel that cannot run the lessons says so in the first cell."""

import os
import re
import shutil
import subprocess
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.support.later import nbclient, nbformat
from tests.support.processes import ROOT

FIRST_CELL = (
    "import sys\n\nsys.path[:0] = ['..']\n\nfrom workshop.notebook import record"
)
ANSI = re.compile(r"\x1b\[[0-9;]*m")
OLD = [f"python{version}" for version in ("3.6", "3.7", "3.8", "3.9", "3.10")]


def test_an_old_kernel_gets_a_sentence_from_the_first_import() -> None:
    versions = Path.home() / ".pyenv" / "versions"
    folders = [str(path / "bin") for path in versions.glob("*")]
    path = os.pathsep.join([*folders, os.environ["PATH"]])
    found = [python for name in OLD if (python := shutil.which(name, path=path))]
    if not found:
        pytest.skip("no Python from 3.6 to 3.10 here")
    tried = 0
    for python in found:
        answer = subprocess.run([python, "-V"], capture_output=True)
        if answer.returncode:  # a stand-in of pyenv, with nothing behind it
            continue
        tried += 1
        done = subprocess.run(
            [python, "-B", "-c", FIRST_CELL.replace("'..'", "'.'")],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        last = done.stderr.strip().splitlines()[-1]
        assert "WrongKernelError: This notebook runs on Python 3." in last
        assert "The lessons need Python 3.11 or newer." in last
        assert "python3 -m workshop" in last or "py -m workshop" in last
    assert tried


@pytest.fixture
def poor_environment(tmp_path: Path) -> Path:
    """An environment that can run a kernel, and has neither Django nor uvicorn."""
    folder = tmp_path / "poor"
    venv.create(folder, symlinks=True)
    [packages] = folder.glob("lib/python*/site-packages")
    for path in Path(sysconfig.get_paths()["purelib"]).iterdir():
        if not re.match("(?i)django|uvicorn", path.name):
            (packages / path.name).symlink_to(path)
    return folder / "bin" / "python"


@pytest.mark.skipif(os.name == "nt", reason="Windows makes no links for a user")
async def test_a_kernel_of_another_environment_gets_a_sentence_in_the_first_cell(
    poor_environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernels = tmp_path / "kernels" / "poor"
    kernels.mkdir(parents=True)
    (kernels / "kernel.json").write_text(
        f'{{"argv": ["{poor_environment}", "-m", "ipykernel_launcher", "-f", '
        '"{connection_file}"], "display_name": "poor", "language": "python"}'
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(FIRST_CELL)],
        metadata={"kernelspec": {"name": "poor", "display_name": "poor"}},
    )
    client = nbclient.NotebookClient(
        notebook, resources={"metadata": {"path": str(ROOT / "notebooks")}}
    )
    with pytest.raises(nbclient.exceptions.CellExecutionError):
        await client.async_execute()
    [error] = [o for o in notebook.cells[0].outputs if o.output_type == "error"]
    shown = ANSI.sub("", "\n".join(error.traceback))
    assert "packages are missing: django, uvicorn." in shown
    assert str(poor_environment) in shown
    assert "Traceback" not in shown and "kernel.py" not in shown
    assert len(error.traceback) == 1


async def test_the_kernel_of_the_workshop_runs_the_first_cell() -> None:
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(f"{FIRST_CELL}\nprint(record.__name__)")]
    )
    await nbclient.NotebookClient(
        notebook, resources={"metadata": {"path": str(ROOT / "notebooks")}}
    ).async_execute()
    assert notebook.cells[0].outputs[0].text == "record\n"
