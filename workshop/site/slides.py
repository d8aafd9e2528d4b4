"""Slides for the wall, made from a notebook that has run.

The notebooks have a habit, which a test holds: a question (*Before you run it*), the
code, and the explanation folded away (*What happened*). The slides follow it:

1. A heading is a slide with its first sentences, and with the list, table or code that
   these announce.
2. A question fills a slide, so that a room can vote. Its code stands below it. Code for
   which there is no place is shown first, and the question comes after it.
3. What the code printed or drew is the next slide. Nothing is cut: a long text goes on
   over several slides, which break between functions or paragraphs.
4. The explanation's first sentence stands below the output, or on a slide of its own.
   The rest of the prose is the speaker's note (key ``n``).

One HTML file for each notebook, with no request to anywhere. ``#12`` at the end of its
address is the twelfth slide, and ``#section-4`` the first one of section 4.
"""

import math
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
from workshop.site.blocks import blocks, parts, rows, screens

HERE = Path(__file__).parent
ASKS = re.compile(r"^\*\*(Before (you|each)|Break it|A question)\b", re.MULTILINE)
FOLDED = re.compile(r"<details><summary>.*?</summary>(.*?)</details>", re.DOTALL)
HEADING = re.compile(r"^(#{1,3}) (.+)$", re.MULTILINE)
STRUCTURE = re.compile(r"[*\->] |\d+\. |\||```")  # a list, a table, a quotation, code
FENCE = re.compile(r"^```\w*\n(.*?)\n```$", re.DOTALL | re.MULTILINE)
# A sentence may end in bold or in brackets. A colon does not end one.
SENTENCE = re.compile(r"(?:(?<=[.?!])|(?<=[.?!]\*\*)|(?<=[.?!]\)))\s+(?=[A-Z`*(])")

# How much the style sheet lets stand on a slide of 1280 × 720, in pixels and letters.
HEIGHT = 570
CODE_LINE = 30
CODE_LETTERS = 86
QUESTION_LINE = 57
QUESTION_LETTERS = 46
LONG_QUESTION = 230  # letters; a longer one is set smaller
LONG_TEXT = 450
LONGEST_TEXT = 900
LONG_LINE = 40
LONG_LETTERS = 70
ANSWER_LINE = 39
ANSWER_LETTERS = 72
PICTURE = 475
LOW_PICTURE = 360  # below a text
MARGIN = 48  # around output, or above code
ROWS = 17  # of code or output on one slide

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
        height: of the body, in pixels, as far as something may still stand below it.
        name: the end of its address, where the contents lead to it.
    """

    kind: str
    head: str
    body: str
    notes: str = ""
    height: int = 0
    name: str = ""


def slides_of(notebook: nbformat.NotebookNode) -> list[Slide]:
    """The slides of a notebook with outputs."""
    slides: list[Slide] = []
    head = ""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            _add_code(slides, head, cell)
            continue
        if cell.cell_type != "markdown":
            continue
        for part in parts(cell.source):
            found = HEADING.match(part)
            if found:
                head = _inline(found[2])
                part = part[found.end() :].strip()
                asked = _asked(part)
                slides += _opening(found, part[:asked].strip())
                part = part[asked:]
            _add_text(slides, head, part.strip())
    return slides


def _asked(text: str) -> int:
    """The place at which the first question or the first folded answer begins."""
    places = [
        found.start() for found in (ASKS.search(text), FOLDED.search(text)) if found
    ]
    return min(places, default=len(text))


def _opening(heading: re.Match[str], text: str) -> list[Slide]:
    """The slides of a heading and of the prose below it."""
    kind = "title" if heading[1] == "#" else "section"
    if "exercise" in heading[2].lower():
        # The task, whole. The program around it is in everybody's notebook.
        shown = blocks(text)[:1]
    else:
        shown = _shown(text, sentences=3)
    opening = Slide(kind, _inline(heading[2]), _body("\n\n".join(shown[:1])))
    opening.notes = _markdown_of(text)
    opening.name = _name(heading[2])
    return [opening, *(Slide("told", opening.head, _body(t)) for t in shown[1:])]


def _name(title: str) -> str:
    """``section-4`` for ``4. A room``, ``exercise-1-1`` for ``Exercise 1.1 · …``."""
    title = re.sub(r"^(\d+)\. .*", r"section \1", title)
    title = title.partition("·")[0] if title.startswith("Exercise") else title
    return "-".join(re.findall(r"[a-z0-9]+", title.lower()))


def _shown(text: str, sentences: int) -> list[str]:
    """What the room sees of prose, slide by slide.

    The first slide has the first sentences. A list, a table or code is never left out:
    the first one stands on the same slide, and each other one has a slide of its own.
    """
    shown: list[str] = []
    before = ""
    for number, block in enumerate(blocks(text)):
        if STRUCTURE.match(block):
            lead = SENTENCE.split(before)[-1] if before.endswith(":") else ""
            if number > 1 or not shown:
                shown.append(f"{lead}\n\n{block}")
            else:
                lead = "" if shown[0].endswith(":") else lead
                shown[0] = f"{shown[0]} {lead}\n\n{block}"
        elif number == 0:
            shown.append(_first(block, sentences))
        before = block
    return shown


def _add_text(slides: list[Slide], head: str, text: str) -> None:
    """Add the slides of prose without a heading."""
    while text:
        asked = _asked(text)
        prose = text[:asked].strip()
        if prose:
            shown = [Slide("told", head, _body(t)) for t in _shown(prose, 2)]
            shown[0].notes = _markdown_of(prose)
            slides += shown
        text = text[asked:]
        folded = FOLDED.search(text)
        question = text[: folded.start()] if folded else text
        if question.strip():
            slides.append(_question(head, question.strip()))
        if folded is None:
            return
        _add_answer(slides, head, folded[1].strip())
        text = text[folded.end() :].strip()


def _question(head: str, text: str) -> Slide:
    first, *others = blocks(text)
    structure = [block for block in others if STRUCTURE.match(block)]
    body = _markdown_of("\n\n".join([first, *structure]))
    notes = _markdown_of("\n\n".join(others))
    height = _height(first, QUESTION_LETTERS, QUESTION_LINE)
    if len(first) > LONG_QUESTION:
        body = f'<div class="long">{body}</div>'
        height = _height(first, LONG_LETTERS, LONG_LINE)
    return Slide("question", head, body, notes, height)


def _add_answer(slides: list[Slide], head: str, answer: str) -> None:
    """Add an explanation: below the output that the room sees, if there is a place."""
    shown = _shown(answer, 1)
    height = _height(shown[0], ANSWER_LETTERS, ANSWER_LINE) + ANSWER_LINE
    last = slides[-1] if slides else None
    if last and last.kind == "seen" and last.height + height <= HEIGHT:
        last.body += f'<div class="answer">{_markdown_of(shown[0])}</div>'
        last.notes += _markdown_of(answer)
        last.height = HEIGHT
    else:
        told = Slide("told", head, _body(_shown(answer, 2)[0]))
        told.notes = _markdown_of(answer)
        slides.append(told)
    slides += [Slide("told", head, _body(text)) for text in shown[1:]]


def _add_code(slides: list[Slide], head: str, cell: nbformat.NotebookNode) -> None:
    """Add the code, and what came of it."""
    source = cell.source.strip()
    if "sys.path" in source or source.startswith(("%load_ext", "# Stuck?")):
        return  # neither the set-up nor a place for hints is a lesson
    outputs = cell.get("outputs", [])
    listed = [_listing(output) for output in outputs if _listing(output)]
    if not listed:
        _add_source(slides, head, source)
    for listing in listed:
        # The cell only shows this code: its own line is no lesson.
        for fence in FENCE.finditer(listing):
            slides += _code_slides(head, fence[1])
    if not source.startswith("%%exercise"):
        # The check of an exercise that nobody has solved tells nothing.
        slides += _output_slides(head, outputs)


def _add_source(slides: list[Slide], head: str, source: str) -> None:
    asks = slides[-1] if slides and slides[-1].kind == "question" else None
    if asks is None:
        slides += _code_slides(head, source)
        return
    height = rows(source, CODE_LETTERS) * CODE_LINE + MARGIN
    if asks.height + height <= HEIGHT:
        asks.body += _highlighted(source)
        asks.height += height
    else:
        # One votes on code that one has seen.
        slides[-1:] = [*_code_slides(head, source), asks]


def _code_slides(head: str, source: str) -> list[Slide]:
    pages = screens(source.strip("\n"), ROWS, CODE_LETTERS)
    heads = _heads(head, len(pages))
    return [
        Slide("code", title, _highlighted(page))
        for title, page in zip(heads, pages, strict=True)
    ]


def _highlighted(source: str) -> str:
    return str(highlight(source, PythonLexer(), HtmlFormatter(cssclass="highlight")))


def _heads(head: str, count: int) -> list[str]:
    if count == 1:
        return [head]
    return [f"{head} ({number} of {count})" for number in range(1, count + 1)]


def _listing(output: nbformat.NotebookNode) -> str:
    """The Markdown of ``show(…)``: the source of functions."""
    return str(output.get("data", {}).get("text/markdown", ""))


def _output_slides(head: str, outputs: list[nbformat.NotebookNode]) -> list[Slide]:
    """The slides of what a cell printed and drew."""
    printed = ""
    pictures = []
    for output in outputs:
        picture = output.get("data", {}).get("text/html")
        if picture:
            pictures.append(str(picture))
        elif not _listing(output):
            printed += _text_of(output)
    slides = []
    pages = screens(printed.strip("\n"), ROWS, CODE_LETTERS) if printed.strip() else []
    for title, page in zip(_heads(head, len(pages)), pages, strict=True):
        body = f'<pre class="printed">{escape(page)}</pre>'
        height = rows(page, CODE_LETTERS) * CODE_LINE + MARGIN
        slides.append(Slide("seen", title, body, height=height))
    for picture in pictures:
        if slides and slides[-1].height + LOW_PICTURE <= HEIGHT:
            slides[-1].body += f'<div class="picture low">{picture}</div>'
            slides[-1].height += LOW_PICTURE
        else:
            body = f'<div class="picture">{picture}</div>'
            slides.append(Slide("seen", head, body, height=PICTURE))
    return slides


def _text_of(output: nbformat.NotebookNode) -> str:
    if "text" in output:
        return str(output.text)
    if output.output_type == "error":
        return f"{output.ename}: {output.evalue}\n"
    return str(output.get("data", {}).get("text/plain", "")) + "\n"


def _height(text: str, letters: int, line: int) -> int:
    return sum(math.ceil(len(row) / letters) * line for row in text.splitlines())


def _first(text: str, sentences: int) -> str:
    return " ".join(SENTENCE.split(text)[:sentences])


def _body(text: str) -> str:
    """Prose as HTML; much of it is set smaller."""
    body = _markdown_of(text)
    if len(text) > LONGEST_TEXT:
        return f'<div class="longest">{body}</div>'
    if len(text) > LONG_TEXT:
        return f'<div class="long">{body}</div>'
    return body


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
    slides = slides_of(notebook)
    sections = "\n".join(_section(slide) for slide in slides)
    contents = "\n".join(
        f'<li><a href="#{slide.name}">{slide.head}</a></li>'
        for slide in slides
        if slide.name
    )
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
<nav id="contents" aria-label="Contents" hidden><ol>
{contents}
</ol></nav>
<footer>
<a href="{escape(back)}">course</a>
<span>→ ← turn · c contents · n notes · d dark · p print</span>
<output id="place" aria-live="polite"></output>
</footer>
<script>{script}</script>
</body>
</html>
"""


def _section(slide: Slide) -> str:
    level = "h1" if slide.kind in ("title", "section") else "h2"
    name = f' data-name="{slide.name}"' if slide.name else ""
    return (
        f'<section class="{slide.kind}"{name}><{level}>{slide.head}</{level}>'
        f'<div class="body">{slide.body}</div><aside>{slide.notes}</aside></section>'
    )
