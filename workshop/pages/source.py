"""Show a program's source in a page, with the tasks at the lines where they are."""

from collections.abc import Iterable
from html import escape
from pathlib import Path

from workshop.pictures.recorder import Place


def source(code: Path, places: Iterable[tuple[Place, str]], current: str = "") -> str:
    """A file's source as HTML, from its first function on, with who is at which line.

    Args:
        code: the file.
        places: where, and who, in the order in which they are to be named.
        current: the one of them whose line is to be kept in view.
    """
    who: dict[int, list[str]] = {}
    for place, name in places:
        if place.code.co_filename == str(code):
            who.setdefault(place.line, []).append(name)
    lines = code.read_text(encoding="utf-8").rstrip().splitlines()
    first = ("def ", "async def ")
    start = next((n for n, line in enumerate(lines) if line.startswith(first)), 0)
    shown = []
    for number, line in enumerate(lines[start:], start + 1):
        html = f'<span class="number">{number:3}</span> {escape(line)}'
        if number in who:
            names = escape(", ".join(who[number]))
            here = ' class="current"' if current in who[number] else ""
            html = f'<mark{here}>{html} <span class="who">◀ {names}</span></mark>'
        shown.append(html)
    return "\n".join(shown)
