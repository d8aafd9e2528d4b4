"""A stage's ERRORS.md, entry by entry, so that tests can run what it says."""

import re
from typing import NamedTuple

from tests.support.processes import ROOT


class Entry(NamedTuple):
    title: str
    body: str

    @property
    def name(self) -> str:
        return self.title.strip("`")

    @property
    def message(self) -> re.Pattern[str] | None:
        """The title as a pattern; ``None`` where there is no message."""
        if not self.title.startswith("`"):
            return None
        # A title may name what two versions say: `this` or `that`.
        patterns = []
        for message in self.name.split("` or `"):
            parts = [re.escape(part) for part in message.split("…")]
            patterns.append(".*".join(parts))
        return re.compile("|".join(patterns), re.I)

    def blocks(self, language: str) -> list[str]:
        """The blocks of code in this language."""
        return re.findall(rf"^```{language}\n(.*?)^```$", self.body, re.M | re.S)


def entries_of(folder: str) -> list[Entry]:
    """All entries of the ERRORS.md in ``folder``, in their order."""
    text = (ROOT / folder / "ERRORS.md").read_text("utf-8")
    return [
        Entry(title, body)
        for title, body in re.findall(r"^## (.+)\n([\s\S]*?)(?=^## |\Z)", text, re.M)
    ]
