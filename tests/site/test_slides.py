"""The slides, made from a small notebook and shown in a real browser."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tests.support.browsers import browser_page
from workshop.site.slides import page, slides_of

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
        *("code", "code", "seen"),
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


def test_a_long_output_is_cut_and_says_so(notebook: nbformat.NotebookNode) -> None:
    assert "… 16 more lines" in slides_of(notebook)[-1].body


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
        assert await place.inner_text() == "1 / 8"
        await shown.keyboard.press("ArrowRight")
        assert await place.inner_text() == "2 / 8"
        assert shown.url.endswith("#2")
        await shown.keyboard.press("End")
        assert await place.inner_text() == "8 / 8"
        await shown.keyboard.press("Home")
        assert not await shown.locator("section.now aside").is_visible()
        await shown.keyboard.press("n")
        assert await shown.locator("section.now aside").is_visible()
        # No slide scrolls sideways, and what one reads on a wall is large.
        for number in range(8):
            await shown.evaluate(f"show({number})")
            wide = "document.documentElement.scrollWidth"
            assert await shown.evaluate(wide) <= 1280
        question = shown.locator(".question .body")
        size = await question.evaluate("e => parseFloat(getComputedStyle(e).fontSize)")
        assert size >= 40
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
