"""A conversation as a sequence diagram: browser ⇄ protocol server ⇄ application.

The lifelines' names stand above, then one arrow a row, then how it stands at the end.
"""

from workshop.pictures import svg
from workshop.pictures.conversation import HEAD, Conversation, Entry
from workshop.pictures.units import seconds

ROW = 44.0  # height of an arrow with its words
TOP = 44.0  # of the lifelines' names
SMALL = 6.95  # width of an 11.5 px monospaced character, rounded up
# The place of each lifeline: with bytes on the wire, without them, and narrow.
WITH_BYTES = {"browser": 90.0, "protocol server": 430.0, "application": 770.0}
WITHOUT_BYTES = {"browser": 90.0, "protocol server": 250.0, "application": 770.0}
NARROW = {"protocol server": 68.0, "application": 272.0}


class Drawing:
    """One SVG.

    Args:
        conversation: what is drawn.
        narrow: 340 units wide, the events only, in place of 860.
    """

    def __init__(self, conversation: Conversation, narrow: bool) -> None:
        self.conversation = conversation
        self.narrow = narrow
        self.entries = conversation.entries
        if narrow:
            self.entries = [entry for entry in self.entries if not entry.wire]
            self.width = 340.0
            self.box = 124.0
            self.lifelines = NARROW
            self.captions = ["events, as dictionaries"]
        elif any(entry.wire for entry in self.entries):
            self.width = svg.WIDTH
            self.box = 140.0
            self.lifelines = WITH_BYTES
            self.captions = ["bytes on one TCP connection", "events, as dictionaries"]
        else:
            self.width = svg.WIDTH
            self.box = 140.0
            self.lifelines = WITHOUT_BYTES
            self.captions = ["bytes: not seen", "events, as dictionaries"]
        self.server = self.lifelines["protocol server"]
        self.app = self.lifelines["application"]

    def document(self) -> str:
        """The whole picture."""
        arrows: list[str] = []
        y = 140.0
        left_out = self.conversation.left_out
        for entry in self.entries:
            if left_out and entry.number > HEAD:
                words = f"… {left_out:,} more, not kept …"
                middle = (self.server + self.app) / 2
                arrows.append(svg.text(middle, y, words, "small soft", "middle"))
                y += ROW
                # Said once.
                left_out = 0
            arrows += self._arrow(entry, y)
            y += ROW
        bottom = y - 4

        heading = svg.fitted(self.conversation.title, self.width - 60)
        shapes = [svg.text(16, 28, heading, "b")]
        shapes += self._lifelines(bottom)
        shapes += arrows
        shapes += self._state(bottom)
        state = self.conversation.state
        title = f"{self.conversation.title}: the application {state}"
        return svg.document(title, bottom + 38, shapes, self.width)

    def _lifelines(self, bottom: float) -> list[str]:
        shapes = []
        for name, x in self.lifelines.items():
            left = x - self.box / 2
            shapes += [
                svg.line(x, TOP + 28, x, bottom),
                svg.rect(left, TOP, self.box, 28, "panel", stroke="line", radius=6),
                svg.text(x, TOP + 19, name, "b", "middle"),
            ]
        ends = list(self.lifelines.values())
        for left, right, words in zip(ends, ends[1:], self.captions, strict=False):
            middle = (left + right) / 2
            shapes.append(svg.text(middle, TOP + 46, words, "small soft", "middle"))
        return shapes

    def _arrow(self, entry: Entry, y: float) -> list[str]:
        if entry.wire:
            left = self.lifelines["browser"]
            right = self.server
        else:
            left = self.server
            right = self.app
        middle = (left + right) / 2
        width = right - left - 16
        title, words = self._words(entry)
        title = svg.fitted(title, width)
        words = svg.fitted(words, width * svg.CHARACTER / SMALL)

        tip = left
        back = 8
        color = "done"
        if entry.direction == "in":
            tip = right
            back = -8
            color = "run"
        if entry.failed:
            color = "fail"
        stroke = f'stroke="var(--{color})" stroke-width="2"'
        return [
            svg.text(middle, y - 7, title, "mono", "middle"),
            f'<path d="M{left:g} {y:g}H{right:g}" {stroke}/>',
            f'<path d="M{tip:g} {y:g}l{back} -5v10z" fill="var(--{color})"/>',
            svg.text(middle, y + 15, words, "mono small soft", "middle"),
        ]

    def _words(self, entry: Entry) -> tuple[str, str]:
        """The lines above and below an arrow."""
        if self.narrow:
            # A payload has the second line for itself.
            title, _, content = entry.title.partition("  ")
            return title, content or entry.words
        if entry.since is None or entry.wire:
            return entry.title, entry.words
        words = f"{seconds(entry.since)} later"
        if entry.words:
            words += f" · {entry.words}"
        return entry.title, words

    def _state(self, y: float) -> list[str]:
        """How it stands, below the application's lifeline."""
        conversation = self.conversation
        if conversation.failed:
            mark = "✗ "
            kind = "fail"
            color = "fail"
        elif conversation.ended:
            mark = "✓ "
            kind = "done"
            color = "done"
        else:
            mark = ""
            kind = "soft"
            color = "wait"
        words = svg.fitted(f"{mark}{conversation.state}", self.width - 60)
        right = self.app + self.box / 2
        return [
            svg.rect(self.app - 5, y - 5, 10, 10, color, radius=5),
            svg.text(right, y + 22, words, f"mono b {kind}", "end"),
        ]
