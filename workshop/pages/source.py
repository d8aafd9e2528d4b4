"""Show a program's source in a page, with the tasks at the lines where they are."""

from collections.abc import Iterable
from html import escape
from pathlib import Path

from workshop.pictures.recorder import Place


def source(code: Path, places: Iterable[tuple[Place, str]], current: str = "") -> str:
    """A file's source as HTML, from its first function on, with the tasks at its lines.

    Args:
        code: the file.
        places: each task's line and name, in the order in which they are to be named.
        current: the one of them whose line is to be kept in view.
    """
    names: dict[int, list[str]] = {}
    for place, name in places:
        if place.code.co_filename == str(code):
            names.setdefault(place.line, []).append(name)
    lines = code.read_text(encoding="utf-8").rstrip().splitlines()
    functions = [
        number
        for number, line in enumerate(lines)
        if line.startswith(("def ", "async def "))
    ]
    start = functions[0] if functions else 0
    shown = []
    for number, line in enumerate(lines[start:], start + 1):
        html = f'<span class="number">{number:3}</span> {escape(line)}'
        if number in names:
            here = ""
            if current in names[number]:
                here = ' class="current"'
            words = escape(", ".join(names[number]))
            html = f'<mark{here}>{html} <span class="who">◀ {words}</span></mark>'
        shown.append(html)
    return "\n".join(shown)
