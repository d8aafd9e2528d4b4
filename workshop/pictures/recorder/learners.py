"""Which files are the learner's, what they are called, and their tracebacks."""

import os
import sys
import sysconfig
import traceback
from pathlib import Path
from typing import Any

WORKSHOP = str(Path(__file__).parents[2]) + os.sep
_PATHS = [sysconfig.get_paths()[key] for key in ("stdlib", "purelib", "platlib")]
# A browser's Python has its standard library in a zip.
_PATHS += [path for path in sys.path if path.endswith(".zip")]
_NOT_THE_LEARNERS = (WORKSHOP, *(path + os.sep for path in _PATHS), "<frozen")

# Machinery that a traceback leaves out wherever it stands, not only at its start.
_hidden = [WORKSHOP]


class _Learners(dict[str, bool]):
    """Whether each file is the learner's, found out when it is first asked for."""

    def __missing__(self, filename: str) -> bool:
        found = not filename.startswith(_NOT_THE_LEARNERS)
        self[filename] = found
        return found


learners = _Learners()


def is_learners(filename: str) -> bool:
    """Whether a file is the learner's: not Python's, a package's or the workshop's."""
    return learners[filename]


def hide(file: str) -> None:
    """Treat ``file`` as machinery and not as the learner's: a loop to be recorded."""
    learners[file] = False
    _hidden.append(file)


def shown_file(filename: str) -> str:
    """The words for a file in a picture: its name, or ``In[3]`` for a notebook's cell.

    IPython compiles a cell under a name such as ``ipykernel_7/480433879.py``. It
    knows the number that stands beside the cell.
    """
    cell = _cell(filename)
    if cell:
        return cell
    return Path(filename).name


def _cell(filename: str) -> str:
    """The ``In[3]`` of a notebook's cell, or ``""`` if the file is no cell."""
    ipython = sys.modules.get("IPython")
    shell: Any = ipython and ipython.get_ipython()
    if not shell:
        return ""
    # https://ipython.readthedocs.io/en/stable/api/generated/IPython.core.compilerop.html
    label = shell.compile.format_code_name(filename)
    if label is None:
        return ""
    return str(label[1])


def learners_traceback(error: BaseException) -> str:
    """The traceback of ``error``, from the learner's first line on.

    Returns:
        The lines that Python prints, without the frames that called the learner's code.
        The same holds for each exception of a group, and for causes and contexts.
    """
    shown = traceback.TracebackException.from_exception(error)
    _clean(shown)
    lines = "".join(shown.format()).splitlines(keepends=True)
    return "".join(_with_cell(line) for line in lines)


def show_learners_lines(error: BaseException) -> None:
    """Let a notebook show ``error`` by :func:`learners_traceback`.

    IPython shows all frames of an exception, the workshop's too, unless the exception
    has a method of this name that gives the lines.
    """

    def lines() -> list[str]:
        return learners_traceback(error).splitlines()

    vars(error)["_render_traceback_"] = lines


def _clean(shown: traceback.TracebackException) -> None:
    """Leave out the frames before the learner's first, here and in what it holds."""
    hidden = tuple(_hidden)
    frames = [frame for frame in shown.stack if not frame.filename.startswith(hidden)]
    mine = [n for n, frame in enumerate(frames) if is_learners(frame.filename)]
    if mine:
        frames = frames[mine[0] :]
    shown.stack = traceback.StackSummary.from_list(frames)
    for inner in (shown.__cause__, shown.__context__, *(shown.exceptions or ())):
        if inner is not None:
            _clean(inner)


def _with_cell(line: str) -> str:
    """A line of a traceback, with ``Cell In[3]`` in place of a cell's file."""
    before, mark, after = line.partition('File "')
    filename, quote, rest = after.partition('"')
    if not mark or not quote or before.strip(" |+"):
        return line
    cell = _cell(filename)
    if not cell:
        return line
    return f"{before}Cell {cell}{rest}"
