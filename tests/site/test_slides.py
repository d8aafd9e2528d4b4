"""The slides, made from a small notebook and shown in a real browser."""

import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tests.support.browsers import browser_page
from workshop.site.slides import Slide, page, slides_of

# The parts of the slide on the wall that are larger than their place.
OVERFLOWS = """() => [...document.querySelectorAll("section.now, section.now .body *")]
  .filter(part => part.scrollWidth > part.clientWidth + 1 && part.clientWidth
    || part.scrollHeight > part.clientHeight + 1 && part.matches("section, pre"))
  .map(part => part.outerHTML.slice(0, 80))"""
LISTING = """```python
def first():
    return 1
```

```python
def second():
    return 2
```"""
ANSWER = "<details><summary><b>What happened</b></summary>\n\n{}\n\n</details>"


@pytest.fixture
def notebook() -> nbformat.NotebookNode:
    drawn = new_output(
        "display_data", {"text/html": '<img alt="a picture" src="data:,">'}
    )
    printed = new_output("stream", text="\n".join(f"line {n}" for n in range(30)))
    return new_notebook(
        cells=[
            new_markdown_cell(
                "# 01 · asyncio basics\n\n**After this you can** say it."
            ),
            new_code_cell("import sys\nsys.path[:0] = ['..']"),
            new_markdown_cell("## 1. Two waits\n\nOne sentence. Another one."),
            new_markdown_cell("Prose.\n\n**Before you run it:** how long?"),
            new_code_cell("await record(main())", outputs=[drawn]),
            new_markdown_cell(ANSWER.format("2.25 s. The rest is told, not shown.")),
            new_code_cell("\n".join(f"line = {n}" for n in range(12))),
            new_code_cell("print(lines)", outputs=[printed]),
        ]
    )


def test_the_slides_follow_question_code_picture_answer(
    notebook: nbformat.NotebookNode,
) -> None:
    kinds = [slide.kind for slide in slides_of(notebook)]
    assert kinds == [
        *("title", "section", "told", "question", "seen"),
        *("code", "code", "seen", "seen"),
    ]


def test_short_code_stands_below_its_question(notebook: nbformat.NotebookNode) -> None:
    question = slides_of(notebook)[3]
    assert "how long?" in question.body
    assert "record" in question.body


def test_the_answer_is_not_on_the_slide_that_asks(
    notebook: nbformat.NotebookNode,
) -> None:
    *before, seen = slides_of(notebook)[:5]
    assert not any("2.25 s" in slide.body + slide.notes for slide in before)
    assert "2.25 s." in seen.body
    assert "not shown" not in seen.body
    assert "not shown" in seen.notes


def test_the_set_up_is_no_slide_and_a_number_is_no_list(
    notebook: nbformat.NotebookNode,
) -> None:
    slides = slides_of(notebook)
    assert not any("sys.path" in slide.body for slide in slides)
    assert slides[1].head == "1. Two waits"


def told(*texts: str) -> list[Slide]:
    """The slides of text cells."""
    return slides_of(new_notebook(cells=[new_markdown_cell(text) for text in texts]))


def run(source: str, *outputs: nbformat.NotebookNode) -> nbformat.NotebookNode:
    return new_code_cell(source, outputs=list(outputs))


def test_a_long_output_goes_on_over_several_slides_and_no_line_is_lost(
    notebook: nbformat.NotebookNode,
) -> None:
    seen = slides_of(notebook)[-2:]
    assert [slide.head for slide in seen] == [
        "1. Two waits (1 of 2)",
        "1. Two waits (2 of 2)",
    ]
    shown = "\n".join(slide.body for slide in seen)
    assert re.findall(r"line (\d+)", shown) == [str(n) for n in range(30)]


def test_long_code_is_cut_between_its_functions() -> None:
    function = "def work{}():\n" + "    step()\n" * 9
    source = "\n\n".join(function.format(n) for n in range(3))
    slides = slides_of(new_notebook(cells=[new_code_cell(source)]))
    assert [slide.body.count("step") for slide in slides] == [9, 9, 9]


def test_code_for_which_the_question_leaves_no_place_is_shown_before_it() -> None:
    source = "\n".join(f"line = {n}" for n in range(16))
    asked = new_markdown_cell("**Before you run it:** what now?")
    printed = new_output("stream", text="an answer")
    slides = slides_of(new_notebook(cells=[asked, run(source, printed)]))
    assert [slide.kind for slide in slides] == ["code", "question", "seen"]


def test_a_function_that_a_cell_shows_is_whole_and_has_a_slide_of_its_own() -> None:
    listing = new_output("execute_result", {"text/markdown": LISTING})
    slides = slides_of(new_notebook(cells=[run("show(first, second)", listing)]))
    assert ["first" in slide.body for slide in slides] == [True, False]
    assert ["second" in slide.body for slide in slides] == [False, True]
    assert not any("show" in slide.body for slide in slides)


def test_a_comment_in_code_is_no_heading() -> None:
    [slide] = told(
        "### Exercise 1.1 · Two\n\nDo it.\n\n```python\n\n# load: yours\n```"
    )
    assert slide.head == "Exercise 1.1 · Two"
    assert "Do it." in slide.body


def test_a_list_or_code_that_a_sentence_announces_is_shown_with_it() -> None:
    [title] = told("# 01 · basics\n\n**After this you can**\n\n* say it;\n* draw it.")
    assert "<li>draw it.</li>" in title.body
    text = (
        "## Step 5. Go\n\nOne. Two. Three. Type these lines:\n\n```js\nws.send()\n```"
    )
    [step] = told(text)
    assert "Type these lines:" in step.body
    assert "ws.send()" in step.body


def test_a_sentence_does_not_end_at_a_colon() -> None:
    asked, answer = told(
        "**Break it:** how?", ANSWER.format("Six: `a`: `b` more. Not I.")
    )
    assert "how?" in asked.body
    assert "more." in answer.body


def test_a_question_with_its_answer_in_one_cell_is_a_slide_before_the_answer() -> None:
    asked = "**Break it:** take it away. What now?"
    printed = new_output("stream", text="what came before")
    cells = [
        run("work()", printed),
        new_markdown_cell(f"{asked}\n\n{ANSWER.format('It waits.')}"),
    ]
    _, seen, question, answer = slides_of(new_notebook(cells=cells))
    assert "It waits." not in seen.body
    assert question.kind == "question" and "What now?" in question.body
    assert "It waits." not in question.body + question.notes
    assert "It waits." in answer.body


def test_the_check_of_an_exercise_that_nobody_has_solved_is_no_slide() -> None:
    cell = run("%%exercise 1.1\npass", new_output("stream", text="Not yet"))
    stuck = new_code_cell("# Stuck? Run this cell.\n# %hint 1.1")
    slides = slides_of(new_notebook(cells=[cell, stuck]))
    assert [slide.kind for slide in slides] == ["code"]


async def test_nothing_runs_out_of_a_slide_and_the_contents_lead_to_each_section(
    tmp_path: Path,
) -> None:
    words = "word " * 150
    output = new_output("stream", text=f"{'long ' * 60}\n" * 15)
    picture = "<svg viewBox='0 0 100 100'><rect width='100' height='100'/></svg>"
    drawn = new_output("display_data", {"text/html": picture})
    cells = [
        new_markdown_cell("# 01 · basics\n\n**You can**\n\n" + f"* {words[:99]}\n" * 5),
        new_markdown_cell(f"**Break it:** {words}?\n\n{ANSWER.format(words)}"),
        new_markdown_cell("## 7. Long\n\n**Before you run it:** how long is this?"),
        run("x = 1  # " + "x" * 78, output),
        new_markdown_cell(ANSWER.format(words)),
        run("draw()", new_output("stream", text="one line"), drawn),
        new_markdown_cell(ANSWER.format("It is drawn. " * 9)),
    ]
    path = tmp_path / "slides.html"
    path.write_text(page(new_notebook(cells=cells), "01", "index.html"), "utf-8")
    async with browser_page(viewport={"width": 1280, "height": 720}) as shown:
        await shown.goto(f"{path.as_uri()}#section-7")
        assert await shown.locator("section.now h1").inner_text() == "7. Long"
        for number in range(await shown.locator("section").count()):
            await shown.evaluate(f"show({number})")
            assert await shown.evaluate(OVERFLOWS) == [], number
        await shown.keyboard.press("c")
        await shown.locator("#contents a", has_text="01 · basics").click()
        assert shown.url.endswith("#1")
        assert not await shown.locator("#contents").is_visible()


async def test_keys_turn_the_slides_and_show_the_notes(
    notebook: nbformat.NotebookNode, tmp_path: Path
) -> None:
    path = tmp_path / "slides.html"
    path.write_text(page(notebook, "01", "index.html"), "utf-8")
    asked: list[str] = []
    async with browser_page(viewport={"width": 1280, "height": 720}) as shown:
        shown.on("request", lambda request: asked.append(request.url))
        await shown.goto(path.as_uri())
        place = shown.locator("#place")
        assert await place.inner_text() == "1 / 9"
        await shown.keyboard.press("ArrowRight")
        assert await place.inner_text() == "2 / 9"
        assert shown.url.endswith("#2")
        await shown.keyboard.press("End")
        assert await place.inner_text() == "9 / 9"
        await shown.keyboard.press("Home")
        assert not await shown.locator("section.now aside").is_visible()
        await shown.keyboard.press("n")
        assert await shown.locator("section.now aside").is_visible()
        # No slide scrolls sideways, and what one reads on a wall is large.
        for number in range(9):
            await shown.evaluate(f"show({number})")
            wide = "document.documentElement.scrollWidth"
            assert await shown.evaluate(wide) <= 1280
        question = shown.locator(".question .body")
        size = await question.evaluate("e => parseFloat(getComputedStyle(e).fontSize)")
        assert size >= 40
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
