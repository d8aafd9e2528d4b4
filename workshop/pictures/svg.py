"""The few shapes that every picture is made of, in the palette of the pages."""

import base64
from html import escape
from pathlib import Path

STATIC = Path(__file__).parents[1] / "static"
WIDTH = 860  # of every picture, in SVG units (pixels at full size)
CHARACTER = 7.25  # width of a 12 px monospaced character, rounded up
_STYLE = (
    (STATIC / "palette.css").read_text(encoding="utf-8")
    + """
svg text { font: 13px ui-sans-serif, system-ui, "Segoe UI", Roboto, sans-serif;
  fill: var(--ink); }
svg .mono { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace;
  font-size: 12px; }
svg .soft { fill: var(--soft); } svg .small { font-size: 11.5px; }
svg .b { font-weight: 600; } svg .note { fill: var(--note-text); }
svg .fail { fill: var(--fail-text); } svg .done { fill: var(--done-text); }
"""
)


class Picture:
    """Something that shows itself: as an image in a notebook, as text elsewhere."""

    def svg(self) -> str:
        """The picture as an SVG document."""
        raise NotImplementedError

    def text(self) -> str:
        """The picture as plain text, at most 80 columns."""
        raise NotImplementedError

    def below(self) -> str:
        """Text that a notebook shows below the image: a traceback, or ``""``."""
        return ""

    def __str__(self) -> str:
        return self.text()

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        # An <img> with a data URI is shown by JupyterLab, by VS Code and by GitHub.
        data = base64.b64encode(self.svg().encode()).decode()
        image = f'<img alt="{escape(self.text())}" src="data:image/svg+xml;base64,'
        html = f'{image}{data}">'
        if self.below():
            # Text that can be read whole, selected, and searched for.
            html += f"<pre>{escape(self.below())}</pre>"
        return {"text/html": html, "text/plain": self.text()}


def document(title: str, height: float, shapes: list[str], width: float = WIDTH) -> str:
    """An SVG document with its own palette and background."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}" role="img" '
        f'aria-label="{escape(title)}">'
        f"<style>{_STYLE}</style>"
        + rect(0, 0, width, height, "paper", radius=8)
        + "".join(shapes)
        + "</svg>"
    )


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    """Words on the baseline ``y``; ``kind`` is a list of classes of the style."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}" '
        f'xml:space="preserve">{escape(words)}</text>'
    )


def rect(
    x: float,
    y: float,
    width: float,
    height: float,
    fill: str,
    *,
    stroke: str = "",
    radius: float = 2,
    hint: str = "",
) -> str:
    """A box filled with a colour of the palette; ``hint`` appears under the mouse."""
    tag = (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
        f'rx="{radius:g}" fill="var(--{fill})"'
    )
    if stroke:
        tag += f' stroke="var(--{stroke})"'
    if hint:
        return f"{tag}><title>{escape(hint)}</title></rect>"
    return f"{tag}/>"


def line(x1: float, y1: float, x2: float, y2: float, color: str = "line") -> str:
    """A thin line in a colour of the palette."""
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="var(--{color})"/>'


def fitted(words: str, width: float) -> str:
    """``words``, shortened to what fits into ``width`` units of monospaced type."""
    most = int(width / CHARACTER)
    if len(words) <= most:
        return words
    if most <= 3:
        return ""
    return words[: most - 1] + "…"
