"""What a stage's README, or its reference, shows: to be run, or compared."""

import re
import textwrap

from tests.support.processes import ROOT


def text_of(folder: str) -> str:
    """The README of ``folder``, and its reference where it has one."""
    files = [
        ROOT / folder / name for name in ("README.md", "REFERENCE.md", "MIGRATION.md")
    ]
    return "".join(file.read_text("utf-8") for file in files if file.exists())


def section_of(folder: str, heading: str) -> str:
    """What stands below ``heading`` in the README of ``folder``, up to the next one."""
    title = rf"^##+ {re.escape(heading)}\n"
    found = re.split(title, text_of(folder), flags=re.MULTILINE)
    assert len(found) == 2, f"{len(found) - 1} sections are called {heading!r}"
    return re.split(r"^##+ ", found[1], maxsplit=1, flags=re.MULTILINE)[0]


def python_of(folder: str, heading: str) -> list[str]:
    """Each block of Python in that section, without its indentation."""
    text = section_of(folder, heading)
    blocks = re.findall(r"^ *```python\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(block) for block in blocks]


def table_of(folder: str, heading: str, first: str) -> list[list[str]]:
    """The rows of the table in that section whose first column is called ``first``."""
    _, below = section_of(folder, heading).split(f"| {first} |", 1)
    rows = below.split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]
