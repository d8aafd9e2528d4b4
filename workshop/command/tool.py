"""Run a tool that is a Python module: pytest, uvicorn, JupyterLab."""

import runpy
import sys


def run_tool(module: str, *arguments: str) -> int:
    """``python -m module arguments`` in this process: Ctrl-C reaches the tool itself.

    Returns:
        0; a tool that ends otherwise raises ``SystemExit`` with its own code.
    """
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    return 0
