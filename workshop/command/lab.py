"""JupyterLab on the notebooks."""

import os

from workshop.command.environment import ROOT
from workshop.command.tool import run_tool


def lab(port: int, browser: bool) -> int:
    """Run JupyterLab on the notebooks, with no question about news or updates."""
    paths = [
        str(ROOT / "workshop" / "command" / "jupyter"),
        os.environ.get("JUPYTER_CONFIG_PATH"),
    ]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, paths))
    arguments = [
        "--ServerApp.root_dir=notebooks",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        "--ServerApp.answer_yes=True",  # Ctrl-C asks nothing
        "--log-level=WARN",  # the address, and what goes wrong
    ]
    if not browser:
        arguments.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--allow-root")
    print("JupyterLab starts; Ctrl-C stops it.", flush=True)
    return run_tool("jupyterlab", *arguments)
