"""The verdict of a check, in words, and as JSON from the child process."""

import json
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Self

LINES = 20  # lines of a program's output that are shown
COLUMNS = 120  # characters of such a line


class State(Enum):
    """The three states of an exercise under check."""

    NOT_BEGUN = "not begun"
    NOT_YET = "not yet"
    RIGHT = "right"


@dataclass
class Verdict:
    """The verdict of a check.

    Args:
        state: one of the three.
        says: what was seen, and what was wanted.
        ask: one question that leads on, or ``""``.
        traceback: the learner's own exception, from their first line on, or ``""``.
        printed: what the program printed.
        line: the line of the learner's file that is meant, or 0.
        picture: a MIME bundle (``{"text/html": …, "text/plain": …}``) or nothing.
    """

    state: State
    says: str
    ask: str = ""
    traceback: str = ""
    printed: str = ""
    line: int = 0
    picture: dict[str, str] = field(default_factory=dict)

    @property
    def right(self) -> bool:
        return self.state is State.RIGHT

    def text(self) -> str:
        """The verdict in words, without the picture."""
        head = {
            State.RIGHT: "Right:",
            State.NOT_YET: "Not yet:",
            State.NOT_BEGUN: "Not begun. As it stands:",
        }[self.state]
        rows = [f"{head} {self.says}"]
        if self.traceback:
            rows.append(self.traceback.rstrip())
        if self.ask:
            rows.append(f"Ask yourself: {self.ask}")
        if self.printed.strip():
            rows.append("It printed:")
            rows += [f"  | {line}" for line in _shortened(self.printed)]
        return "\n".join(rows)

    def to_json(self) -> str:
        return json.dumps(asdict(self) | {"state": self.state.value})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The verdict that :meth:`to_json` wrote.

        Raises:
            ValueError: it was not, or was cut off.
        """
        fields = json.loads(text)
        return cls(**fields | {"state": State(fields["state"])})


def _shortened(printed: str) -> list[str]:
    """The first lines, and what is left out."""
    lines = printed.splitlines()
    shown = []
    for line in lines[:LINES]:
        more = len(line) - COLUMNS
        shown.append(f"{line[:COLUMNS]}… {more:,} more" if more > 0 else line)
    if len(lines) > LINES:
        shown.append(f"… and {len(lines) - LINES:,} lines more")
    return shown
