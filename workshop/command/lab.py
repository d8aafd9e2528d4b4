"""JupyterLab on the repository, opened on the first notebook."""

import os

from workshop.command.places import ROOT
from workshop.command.tool import run_tool

CONFIGURATION = ROOT / "workshop" / "command" / "jupyter"
# The list of open tabs, kept when JupyterLab is closed. It is this clone's own: the
# user's default workspace may have the notebooks of another clone open.
WORKSPACES = ROOT / ".workshop" / "workspaces"
FIRST = "notebooks/01_asyncio_basics.ipynb"


def lab(port: int, browser: bool) -> int:
    """Run JupyterLab, with no question about news or updates.

    Its root is the repository, so that every file that a text names can be opened.

    Args:
        port: a free port of this machine.
        browser: whether to open the user's browser.
    """
    paths = [str(CONFIGURATION)]
    if os.environ.get("JUPYTER_CONFIG_PATH"):
        paths.append(os.environ["JUPYTER_CONFIG_PATH"])
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(paths)

    arguments = [
        f"--ServerApp.root_dir={ROOT}",
        f"--LabApp.workspaces_dir={WORKSPACES}",
        f"--LabApp.default_url={start()}",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        # Ctrl-C asks nothing.
        "--ServerApp.answer_yes=True",
        # Only the address is printed, and what goes wrong.
        "--log-level=WARN",
    ]
    if not browser:
        arguments.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--allow-root")
    print("JupyterLab starts; Ctrl-C stops it.", flush=True)
    return run_tool("jupyterlab", *arguments)


def start() -> str:
    """The path to open: the first notebook; later what was open the last time."""
    if any(WORKSPACES.glob("*")):
        return "/lab"
    return f"/lab/tree/{FIRST}"
