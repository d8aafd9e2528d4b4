"""Draw one state of a program between two steps: who is where, and what happened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import wrap
from typing import NamedTuple

from workshop.pictures import svg

GAP = 10.0
CARD = 40.0  # height of a card with its gap
LINE = 20.0  # height of a line of source


class Card(NamedTuple):
    """One thing in a box, for example a task, with a few words about it."""

    name: str
    about: str = ""


class Box(NamedTuple):
    """A place where things are: a queue, the running task, the sleepers."""

    title: str
    color: str  # of the palette
    cards: Sequence[Card] = ()


class Mark(NamedTuple):
    """Who is at a line of the source, in which colour of the palette."""

    name: str
    color: str = "run"


@dataclass(frozen=True)
class State(svg.Picture):
    """A program between two steps.

    Args:
        heading: which step this is.
        detail: one line about it.
        boxes: from left to right.
        source: the lines of the program, from line ``first_line`` of its file on.
        marks: who is at which line of the file.
        happened: what the step did, in a sentence or two.
        printed: what was printed so far.
        rows: space for so many cards in a box at least, so that pictures do not jump.
        error: the traceback of a program that has raised. A notebook shows it below the
            picture; it is to be in ``printed``, too, for pages and for text.
    """

    heading: str
    detail: str = ""
    boxes: Sequence[Box] = ()
    source: Sequence[str] = ()
    first_line: int = 1
    marks: Mapping[int, Sequence[Mark]] = field(default_factory=dict)
    happened: str = ""
    printed: Sequence[str] = ()
    rows: int = 1
    error: str = ""

    def below(self) -> str:
        return self.error

    def text(self) -> str:
        rows = [f"{self.heading} · {self.detail}"]
        for box in self.boxes:
            cards = ", ".join(
                f"{card.name} ({card.about})" if card.about else card.name
                for card in box.cards
            )
            rows.append(f"  {box.title}: {cards or 'empty'}")
        for number, line in enumerate(self.source, self.first_line):
            who = ", ".join(mark.name for mark in self.marks.get(number, ()))
            rows.append(
                f"{'>' if who else ' '} {number:3} {line}{who and f'  ◀ {who}'}"
            )
        if self.happened:
            rows.append(self.happened)
        rows += [f"| {line}" for line in self.printed]
        return "\n".join(rows)

    def svg(self) -> str:
        most = max([self.rows, *(len(box.cards) for box in self.boxes)])
        top = 44.0
        bottom = top + 38 + most * CARD
        aside = 100 + 19 * len(wrap(self.happened, 33)) + 17 * len(self._rows()[-14:])
        below = max(len(self.source) * LINE + 24, 180.0, aside)
        shapes = [
            svg.text(16, 28, self.heading, "b"),
            svg.text(svg.WIDTH - 16, 28, self.detail, "soft", "end"),
            *self._boxes(top, bottom - top),
            *self._source(bottom + 16, below),
            *self._aside(bottom + 16, below),
        ]
        title = f"{self.heading}: {self.detail}"
        return svg.document(title, bottom + below + 32, shapes)

    def _boxes(self, y: float, height: float) -> list[str]:
        count = max(len(self.boxes), 1)
        width = (svg.WIDTH - 32 - GAP * (count - 1)) / count
        shapes = []
        for n, box in enumerate(self.boxes):
            x = 16 + n * (width + GAP)
            shapes += [
                svg.rect(x, y, width, height, "panel", stroke="line", radius=8),
                svg.rect(x, y + 4, 5, height - 8, box.color),
                svg.text(x + 16, y + 22, box.title, "b"),
            ]
            if not box.cards:
                shapes.append(svg.text(x + 16, y + 52, "empty", "soft"))
            for row, card in enumerate(box.cards):
                top = y + 32 + row * CARD
                room, more = width - 46, (width - 46) * 1.2  # more of the small type
                shapes += [
                    svg.rect(
                        x + 16, top, width - 28, 34, "paper", stroke="line", radius=6
                    ),
                    svg.text(
                        x + 26,
                        top + (15 if card.about else 22),
                        svg.fitted(card.name, room),
                        "mono b",
                    ),
                    svg.text(
                        x + 26,
                        top + 29,
                        svg.fitted(card.about, more),
                        "small soft",
                    ),
                ]
        return shapes

    def _source(self, y: float, height: float) -> list[str]:
        shapes = [svg.rect(16, y, 556, height, "panel", stroke="line", radius=8)]
        for n, line in enumerate(self.source):
            number, top = self.first_line + n, y + 12 + n * LINE
            for mark in self.marks.get(number, ())[:1]:
                shapes += [
                    svg.rect(20, top, 548, LINE, "wait"),
                    svg.rect(20, top, 4, LINE, mark.color),
                ]
            names = ", ".join(mark.name for mark in self.marks.get(number, ()))
            words = f"◀ {names}" if names else ""
            room = 500 - (len(words) + 2) * svg.CHARACTER if words else 510.0
            shapes += [
                svg.text(50, top + 14, str(number), "mono soft", "end"),
                svg.text(60, top + 14, svg.fitted(line, room), "mono"),
            ]
            if words:
                shapes.append(svg.text(560, top + 14, words, "mono b", "end"))
        return shapes

    def _aside(self, y: float, height: float) -> list[str]:
        shapes = [svg.rect(588, y, 256, height, "panel", stroke="line", radius=8)]
        bottom = y + height
        y += 24
        shapes.append(svg.text(602, y, "What just happened", "b"))
        for line in wrap(self.happened, 33):
            y += 19
            shapes.append(svg.text(602, y, f"{line} ", "soft"))  # a space to copy
        y += 34
        shapes.append(svg.text(602, y, "Printed so far", "b"))
        rows, room = self._rows(), int((bottom - y - 10) / 17)
        if len(rows) > room:  # the end is what matters
            rows = ["…", *rows[len(rows) - room + 1 :]]
        for row in rows:
            y += 17
            shapes.append(svg.text(602, y, row, "mono note"))
        return shapes

    def _rows(self) -> list[str]:
        """What was printed, in rows that fit."""
        return [
            row
            for line in self.printed
            for row in wrap(line, 32, subsequent_indent="  ", drop_whitespace=False)
            or [""]
        ]


def lines_of(file: Path, first: str, last: str) -> tuple[int, list[str]]:
    """A part of a source file: from the line that starts with ``first`` up to ``last``.

    Returns:
        The number of its first line, and its lines.
    """
    lines = file.read_text(encoding="utf-8").splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(first))
    end = next((n for n, line in enumerate(lines) if line.startswith(last)), len(lines))
    while not lines[end - 1].strip():
        end -= 1
    return start + 1, lines[start:end]
