"""How long the notebooks take: one source for all the pages that say it.

``minutes.toml`` keeps what readers noted, section by section. A page says the mean of
the walks, rounded up to five minutes, for each part of a notebook: a part is one
sitting, or less. An exercise's minutes stand in its own file.
"""

import math
import re
import statistics
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

WALKS = Path(__file__).with_name("minutes.toml")


@dataclass(frozen=True)
class Notebook:
    """The minutes of one notebook.

    Attributes:
        parts: the minutes of each part, by the words in which the pages name it:
            ``{"sections 0 to 4": 60}``.
    """

    parts: dict[str, int]

    @property
    def whole(self) -> int:
        """Minutes of all parts."""
        return sum(self.parts.values())


@cache
def notebooks() -> dict[str, Notebook]:
    """Each notebook's minutes, by its file's name without the ending."""
    found = {}
    for name, table in tomllib.loads(WALKS.read_text("utf-8")).items():
        parts = {}
        since = table.get("since", {})
        for words, sections in table["parts"].items():
            more = sum(since.get(section, 0) for section in sections)
            walks = [
                sum(walk["minutes"][section] for section in sections) + more
                for walk in table["walks"]
            ]
            parts[words] = math.ceil(statistics.mean(walks) / 5) * 5
        found[name] = Notebook(parts)
    return found


def time_line(notebook: Notebook) -> str:
    """The words in a notebook's first cell, up to the end of their sentence."""
    parts = [f"{minutes} for {words}" for words, minutes in notebook.parts.items()]
    *some, last = parts
    return f"**Time** about {notebook.whole} minutes: {', '.join(some)}, and {last}."


def with_time_line(text: str, notebook: Notebook) -> str:
    """The text of a first cell, with the minutes of ``minutes.toml``."""
    return re.sub(r"\*\*Time\*\* about [^.]+\.", time_line(notebook), text)
