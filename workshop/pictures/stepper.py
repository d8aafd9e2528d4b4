"""Draw one state of a program between two steps: where its tasks are, what happened."""

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
    """The name of a task that is at a line, and a colour of the palette."""

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
        marks: by number of a line of the file, the tasks that are there.
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
            cards = ", ".join(map(_card_in_text, box.cards))
            rows.append(f"  {box.title}: {cards or 'empty'}")
        for number, line in enumerate(self.source, self.first_line):
            names = self._names_at(number)
            if names:
                rows.append(f"> {number:3} {line}  ◀ {names}")
            else:
                rows.append(f"  {number:3} {line}")
        if self.happened:
            rows.append(self.happened)
        rows += [f"| {line}" for line in self.printed]
        return "\n".join(rows)

    def svg(self) -> str:
        cards = max((len(box.cards) for box in self.boxes), default=0)
        top = 44.0
        bottom = top + 38 + max(self.rows, cards) * CARD
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
            top = y + 32
            for card in box.cards:
                shapes += self._card(card, x + 16, top, width - 28)
                top += CARD
        return shapes

    def _card(self, card: Card, x: float, y: float, width: float) -> list[str]:
        name = svg.fitted(card.name, width - 18)
        # Of the small type, a fifth more fits into the same width.
        about = svg.fitted(card.about, (width - 18) * 1.2)
        baseline = y + 22
        if about:
            baseline = y + 15
        return [
            svg.rect(x, y, width, 34, "paper", stroke="line", radius=6),
            svg.text(x + 10, baseline, name, "mono b"),
            svg.text(x + 10, y + 29, about, "small soft"),
        ]

    def _source(self, y: float, height: float) -> list[str]:
        shapes = [svg.rect(16, y, 556, height, "panel", stroke="line", radius=8)]
        top = y + 12
        for number, line in enumerate(self.source, self.first_line):
            marks = self.marks.get(number, ())
            words = ""
            width = 510.0
            if marks:
                words = f"◀ {self._names_at(number)}"
                width = 500 - (len(words) + 2) * svg.CHARACTER
                shapes += [
                    svg.rect(20, top, 548, LINE, "wait"),
                    svg.rect(20, top, 4, LINE, marks[0].color),
                ]
            shapes += [
                svg.text(50, top + 14, str(number), "mono soft", "end"),
                svg.text(60, top + 14, _fitted_code(line, width), "mono"),
            ]
            if words:
                shapes.append(svg.text(560, top + 14, words, "mono b", "end"))
            top += LINE
        return shapes

    def _names_at(self, number: int) -> str:
        """The names of the tasks that are at a line."""
        return ", ".join(mark.name for mark in self.marks.get(number, ()))

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
        rows = self._rows()
        most = int((bottom - y - 10) / 17)
        if len(rows) > most:
            # The last lines are the ones that matter now.
            rows = rows[len(rows) - most + 1 :]
            rows.insert(0, "…")
        for row in rows:
            y += 17
            shapes.append(svg.text(602, y, row, "mono note"))
        return shapes

    def _rows(self) -> list[str]:
        """The printed lines, in rows that fit."""
        rows = []
        for line in self.printed:
            # An empty line has no row for wrap(), but one in the picture.
            wrapped = wrap(line, 32, subsequent_indent="  ", drop_whitespace=False)
            rows += wrapped or [""]
        return rows


def _fitted_code(line: str, width: float) -> str:
    """A line of source that fits: without its comment, before it is cut."""
    code, mark, _ = line.partition("  #")
    if mark and svg.fitted(line, width) != line:
        line = code
    return svg.fitted(line, width)


def _card_in_text(card: Card) -> str:
    if card.about:
        return f"{card.name} ({card.about})"
    return card.name


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
