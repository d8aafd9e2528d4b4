"""Whether a notebook's Python is the one that the lessons are written for.

Standard library only, and nothing that Python 3.6 cannot parse: this file has to speak
where the Python is too old, and where nothing is installed.
"""

import sys
from importlib.util import find_spec

COMMAND = "python3 -m workshop"
if sys.platform == "win32":
    COMMAND = "py -m workshop"
# The modules that the lessons import.
NEEDED = ("asgiref", "django", "uvicorn", "websockets")
WAY_OUT = (
    "Close this tab, and type `{command}` in a terminal, in the repository's folder. "
    "It opens the notebooks with the right Python. In an editor such as VS Code, "
    "choose the Python of the folder `.venv` as the kernel."
)


class WrongKernelError(Exception):
    """The kernel cannot run the lessons; the message says what to do."""

    def _render_traceback_(self) -> "list[str]":
        """IPython shows these lines in place of a traceback."""
        return [str(self)]


def require_kernel() -> None:
    """Do nothing in a Python that has what the lessons need.

    Raises:
        WrongKernelError: the Python is too old, or packages are missing in it.
    """
    version = ".".join(str(number) for number in sys.version_info[:3])
    this = "This notebook runs on Python " + version + " (" + sys.executable + ")"
    way_out = " " + WAY_OUT.format(command=COMMAND)
    if sys.version_info < (3, 11):  # noqa: UP036
        needs = ". The lessons need Python 3.11 or newer."
        raise WrongKernelError(this + needs + way_out)
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        lacks = ", where packages are missing: " + ", ".join(missing) + "."
        raise WrongKernelError(this + lacks + way_out)
