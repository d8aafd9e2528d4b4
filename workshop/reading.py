"""Show the source of functions and classes in a notebook, as code that can be read.

A cell that ends with ``show(main, fetch)`` shows both, in the colours of the notebook's
own theme. Above each stands its file and its line.
"""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


class Source:
    """The source of some functions and classes, one below the other.

    Args:
        things: functions, methods or classes that stand in a file.
    """

    def __init__(self, *things: Callable[..., Any]) -> None:
        self.pieces = [_piece(thing) for thing in things]

    def __str__(self) -> str:
        return "\n\n".join(f"# {place}\n{code}" for place, code in self.pieces)

    __repr__ = __str__

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        # Markdown, so that the notebook colours the code as it does its own cells.
        blocks = [f"`{place}`\n\n```python\n{code}\n```" for place, code in self.pieces]
        return {"text/markdown": "\n\n".join(blocks), "text/plain": str(self)}


def show(*things: Callable[..., Any]) -> Source:
    """The last value of a cell that shows the source of ``things``."""
    return Source(*things)


def _piece(thing: Callable[..., Any]) -> tuple[str, str]:
    """The first line of a function or class, and its source without indentation."""
    lines, first = inspect.getsourcelines(thing)
    code = inspect.cleandoc("\n" + "".join(lines))
    file = inspect.getsourcefile(thing)
    assert file is not None, "getsourcelines() has read it"
    path = Path(file).resolve()
    if path.is_relative_to(ROOT):
        path = path.relative_to(ROOT)
    return f"{path.as_posix()}, line {first}", code
