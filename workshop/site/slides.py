"""Slides for the wall, made from a notebook that has run.

The notebooks have a habit, which a test holds: a question (*Before you run it*), the
code, and the explanation folded away (*What happened*). The slides follow it:

1. A heading is a slide with its first sentences.
2. A question fills a slide, so that a room can vote.
3. Short code stands below its question, longer code has a slide of its own. Its output
   is the next slide.
4. The explanation's first sentence stands below the picture. The rest of the prose is
   the speaker's note (key ``n``).

One HTML file for each notebook, with no request to anywhere.
"""

import re
from dataclasses import dataclass
from html import escape
from pathlib import Path

import mistune
import nbformat
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from workshop.pictures.svg import STATIC

HERE = Path(__file__).parent
QUESTION = re.compile(r"^\*\*Before you [^*]*\*\*", re.MULTILINE)
FOLDED = re.compile(r"<details><summary>.*?</summary>(.*?)</details>", re.DOTALL)
HEADING = re.compile(r"^(#{1,3}) (.+)$", re.MULTILINE)
SENTENCE = re.compile(r"(?<=[.?!:])\s+(?=[A-Z`*(])")
LONGEST_CODE = 18  # lines that can be read from the last row
SHORT_CODE = 7  # lines that fit below a question
LONGEST_OUTPUT = 14

_markdown = mistune.create_markdown(plugins=["table", "strikethrough"], escape=False)


@dataclass
class Slide:
    """One screen.

    Attributes:
        kind: ``title``, ``section``, ``told``, ``question``, ``code`` or ``seen``; the
            style sheet knows these.
        head: the section that it belongs to, as HTML.
        body: what the room sees, as HTML.
        notes: what only the speaker needs, as HTML.
    """

    kind: str
    head: str
    body: str
    notes: str = ""


def slides_of(notebook: nbformat.NotebookNode) -> list[Slide]:
    """The slides of a notebook with outputs."""
    slides: list[Slide] = []
    head = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for part in _parts(cell.source):
                found = HEADING.match(part)
                if found:
                    head = _inline(found[2])
                    part = part[found.end() :].strip()
                    kind = "title" if found[1] == "#" else "section"
                    slides.append(Slide(kind, head, _markdown_of(_first(part, 3))))
                    slides[-1].notes = _markdown_of(part)
                    asked = QUESTION.search(part)
                    if asked:
                        question = part[asked.start() :]
                        slides[-1].body = _markdown_of(_first(part[: asked.start()], 3))
                        slides.append(_question(head, question))
                else:
                    slides += _told(head, part, slides)
        elif cell.cell_type == "code":
            _add_code(slides, head, cell)
    return slides


def _parts(source: str) -> list[str]:
    """A text cell, cut before each of its headings."""
    parts = re.split(r"(?m)^(?=#{1,3} )", source)
    return [part.strip() for part in parts if part.strip()]


def _told(head: str, text: str, before: list[Slide]) -> list[Slide]:
    """The slides of prose without a heading."""
    folded = FOLDED.search(text)
    if folded:
        # The explanation belongs to the picture that the room still sees.
        answer = folded[1].strip()
        if before and before[-1].kind == "seen":
            first = _markdown_of(_first(answer, 1))
            before[-1].body += f'<div class="answer">{first}</div>'
            before[-1].notes += _markdown_of(answer)
            return []
        slide = Slide("told", head, _markdown_of(_first(answer, 2)))
        slide.notes = _markdown_of(answer)
        return [slide]

    asked = QUESTION.search(text)
    if not asked:
        return [Slide("told", head, _markdown_of(_first(text, 2)), _markdown_of(text))]
    slides = []
    if asked.start() > 0:
        prose = text[: asked.start()].strip()
        told = Slide("told", head, _markdown_of(_first(prose, 2)), _markdown_of(prose))
        slides.append(told)
    slides.append(_question(head, text[asked.start() :]))
    return slides


def _question(head: str, text: str) -> Slide:
    first = text.split("\n\n")[0]
    return Slide("question", head, _markdown_of(first), _markdown_of(text))


def _add_code(slides: list[Slide], head: str, cell: nbformat.NotebookNode) -> None:
    """Add the code, and what came of it."""
    source = cell.source.strip()
    if "sys.path" in source or source.startswith(("%load_ext", "# Stuck?")):
        return  # neither the set-up nor a place for hints is a lesson
    length = len(source.splitlines())
    code = highlight(source, PythonLexer(), HtmlFormatter(cssclass="highlight"))
    if slides and slides[-1].kind == "question" and length <= SHORT_CODE:
        slides[-1].body += code
    elif source and length <= LONGEST_CODE:
        slides.append(Slide("code", head, code))
    shown = "".join(_output(output) for output in cell.get("outputs", []))
    if shown:
        slides.append(Slide("seen", head, shown))


def _output(output: nbformat.NotebookNode) -> str:
    if "text" in output:
        return _printed(output.text)
    data = output.get("data", {})
    if "text/html" in data:
        return f'<div class="picture">{data["text/html"]}</div>'
    if "text/plain" in data:
        return _printed(data["text/plain"])
    if output.output_type == "error":
        return _printed(f"{output.ename}: {output.evalue}")
    return ""


def _printed(text: str) -> str:
    lines = text.rstrip().splitlines()
    if len(lines) > LONGEST_OUTPUT:
        rest = len(lines) - LONGEST_OUTPUT
        lines = [*lines[:LONGEST_OUTPUT], f"… {rest} more lines"]
    return f'<pre class="printed">{escape(chr(10).join(lines))}</pre>'


def _first(text: str, sentences: int) -> str:
    """The first sentences of the first paragraph; a list or table is kept whole."""
    paragraph = text.strip().split("\n\n")[0]
    if re.match(r"[*\-|\d>`]", paragraph) and "\n" in paragraph:
        return paragraph
    return " ".join(SENTENCE.split(paragraph)[:sentences])


def _markdown_of(text: str) -> str:
    return str(_markdown(text)).strip()


def _inline(text: str) -> str:
    # "1. Title" would be a list.
    text = re.sub(r"^(\d+)\.", r"\1\\.", text)
    return _markdown_of(text).removeprefix("<p>").removesuffix("</p>")


def page(notebook: nbformat.NotebookNode, name: str, back: str) -> str:
    """The HTML document.

    Args:
        notebook: with outputs.
        name: the notebook's name, for the title.
        back: the address of the page that leads here.
    """
    light = HtmlFormatter(style="default").get_style_defs(".highlight")
    dark = HtmlFormatter(style="github-dark").get_style_defs(".dark .highlight")
    style = (STATIC / "palette.css").read_text("utf-8")
    style += (HERE / "slides.css").read_text("utf-8")
    script = (HERE / "slides.js").read_text("utf-8")
    sections = "\n".join(_section(slide) for slide in slides_of(notebook))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="description" content="Slides of the course WebSockets in Django">
<title>{escape(name)} · slides</title>
<link rel="icon" href="data:,">
<style>{light}
{dark}
{style}</style>
</head>
<body>
<main>
{sections}
</main>
<footer>
<a href="{escape(back)}">course</a>
<span>→ ← turn · n notes · d dark · p print</span>
<output id="place" aria-live="polite"></output>
</footer>
<script>{script}</script>
</body>
</html>
"""


def _section(slide: Slide) -> str:
    level = "h1" if slide.kind in ("title", "section") else "h2"
    return (
        f'<section class="{slide.kind}"><{level}>{slide.head}</{level}>'
        f'<div class="body">{slide.body}</div><aside>{slide.notes}</aside></section>'
    )
