"""A scratch copy of the command with a tiny lock, installed without a network."""

import base64
import hashlib
import os
import shutil
import sys
import zipfile
from pathlib import Path

from tests.support.processes import ROOT

# The Python that made the running environment: it has none of the lock's packages.
BASE_PYTHON: str = getattr(sys, "_base_executable", sys.executable)
SCRIPTS = "Scripts" if os.name == "nt" else "bin"


def make_tree(folder: Path) -> Path:
    """Copy the command into ``folder``, beside a lock with the package ``tiny`` 1.0.

    ``test`` does not run pytest there: it says which ``tiny`` it finds.
    """
    shutil.copytree(
        ROOT / "workshop",
        folder / "workshop",
        ignore=shutil.ignore_patterns("__pycache__", "static"),
    )
    (folder / "03_scratch").mkdir()
    (folder / "pytest.py").write_text(
        "import sys\nimport tiny\n"
        "print('tiny', tiny.VERSION, 'in', sys.prefix, sys.argv[1:])\n"
    )
    (folder / "pyproject.toml").write_text(
        '[project]\ndependencies = ["Tiny>=1"]\n[dependency-groups]\ntest = []\n'
    )
    lock(folder, "1.0")
    return folder


def lock(folder: Path, version: str) -> None:
    """Make ``version`` of ``tiny``, and a lock that asks for it."""
    digest = make_wheel(folder / "wheels", version)
    (folder / "requirements.lock").write_text(
        f"tiny=={version} \\\n    --hash=sha256:{digest}\n"
        "colorama==0.4.6 ; sys_platform == 'cygwin' \\\n"
        f"    --hash=sha256:{'0' * 64}\n"
    )


def add_bench(tree: Path) -> None:
    """Give a tree a lock for the benchmarks, with the package ``peer``.

    ``bench`` does not measure there: it says whether it finds ``peer``, and what it is
    told about the set-up.
    """
    digest = make_wheel(tree / "wheels", "2.0", "peer")
    locked = (tree / "requirements.lock").read_text()
    locked += f"peer==2.0 \\\n    --hash=sha256:{digest}\n"
    (tree / "requirements-bench.lock").write_text(locked)
    project = tree / "pyproject.toml"
    project.write_text(
        project.read_text()
        + 'bench = ["peer>=2"]\n[tool.workshop.commands]\n'
        + 'bench = { module = "benchmarks.command", help = "measure" }\n'
    )
    (tree / "benchmarks").mkdir()
    (tree / "benchmarks" / "command.py").write_text(
        "import importlib.util\n"
        "from workshop.command import environment\n"
        "def main(arguments):\n"
        "    lacking = environment.add_peers()\n"
        "    notes = [lacking] if lacking else []\n"
        "    print('peer', importlib.util.find_spec('peer') is not None, notes)\n"
        "    return 0\n"
    )


def make_wheel(folder: Path, version: str, name: str = "tiny") -> str:
    """Write the wheel of the package ``name``; returns its SHA-256."""
    info = f"{name}-{version}.dist-info"
    told = f"Name: {name}\nVersion: {version}\n"
    files = {
        f"{name}.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\n{told}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\n"
        "Root-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [f"{info}/RECORD,,"]
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
        record.append(f"{path},sha256={digest.decode().rstrip('=')},{len(text)}")
    folder.mkdir(exist_ok=True)
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in {**files, f"{info}/RECORD": "\n".join(record)}.items():
            archive.writestr(path, text)
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def offline(folder: Path) -> dict[str, str]:
    """The environment variables with which pip finds ``folder``'s wheels only."""
    wheels = str(folder / "wheels")
    pip = {"CONFIG_FILE": os.devnull, "NO_INDEX": "1", "FIND_LINKS": wheels}
    return {f"PIP_{name}": value for name, value in pip.items()}


def index(address: str) -> dict[str, str]:
    """The environment variables with which pip asks the index at ``address`` only."""
    pip = {"CONFIG_FILE": os.devnull, "INDEX_URL": address, "EXTRA_INDEX_URL": ""}
    pip |= {"FIND_LINKS": "", "NO_INDEX": "0"}
    return {f"PIP_{name}": value for name, value in pip.items()} | {"NO_PROXY": "*"}
