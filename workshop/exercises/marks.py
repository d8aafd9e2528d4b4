"""The two marks in an exercise's file, and the part between them."""

from typing import NamedTuple

BEGIN = "# ↓ Your turn begins here."
END = "# ↑ Your turn ends here."


class Damaged(Exception):
    """The marks are not where they were; the message says what is wrong."""


class Parts(NamedTuple):
    """A file in three pieces; joined with ``"".join`` they are the file again."""

    before: str  # with the line of the first mark
    part: str
    after: str  # from the line of the second mark on

    @property
    def first_line(self) -> int:
        """The number of the part's first line in the file, counted from 1."""
        return self.before.count("\n") + 1

    def with_part(self, part: str) -> str:
        """The file with another part between the marks, and the blank lines as here."""
        blank = self.part[len(self.part.rstrip()) :] or "\n"
        return f"{self.before}{part.strip()}{blank}{self.after}"


def split(text: str) -> Parts:
    """Cut the text of an exercise's file at its marks.

    Raises:
        Damaged: a mark is missing, stands there twice, or both are in the wrong order.
    """
    lines = text.splitlines(keepends=True)
    begins = [n for n, line in enumerate(lines) if line.strip() == BEGIN]
    ends = [n for n, line in enumerate(lines) if line.strip() == END]
    for mark, found in ((BEGIN, begins), (END, ends)):
        if not found:
            raise Damaged(f"the line {mark!r} is missing")
        if len(found) > 1:
            raise Damaged(f"the line {mark!r} stands there {len(found)} times")
    if ends[0] < begins[0]:
        raise Damaged("the two marks stand in the wrong order")
    return Parts(
        "".join(lines[: begins[0] + 1]),
        "".join(lines[begins[0] + 1 : ends[0]]),
        "".join(lines[ends[0] :]),
    )


def same(one: str, other: str) -> bool:
    """Whether two parts are the same but for blank space at the ends of lines."""
    return _bare(one) == _bare(other)


def _bare(part: str) -> list[str]:
    return [line.rstrip() for line in part.strip().splitlines()]
