"""The glossary is short and in order, and each link to it leads to a word."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GLOSSARY = (ROOT / "GLOSSARY.md").read_text(encoding="utf-8")
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

SECTIONS = re.split(r"^## .*\n", GLOSSARY, flags=re.MULTILINE)[1:]
ENTRIES = {
    word: " ".join(meaning.split())
    for word, meaning in re.findall(
        r"^### (.+)\n\n((?:[^#\n].*\n|\n(?!#))+)", GLOSSARY, re.MULTILINE
    )
}

# Words that are linked in the very sentence in which a notebook first uses them.
INTRODUCED = {
    "01_asyncio_basics": ["coroutine", "event loop", "task", "turn", "future"],
    "02_coroutines": ["generator", "wish", "selector", "deadlock"],
    "03_asgi_raw": ["WSGI", "lifespan", "middleware", "backpressure"],
    "04_django_wrapper": ["handler", "origin", "group", "unit of work"],
    "04_django_wrapper_in_earnest": ["feed", "worker", "outbox"],
}


def markdown(path: Path) -> list[str]:
    """The notebook's cells of words, in their order, without blocks of code."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    texts = ["".join(c["source"]) for c in cells if c["cell_type"] == "markdown"]
    return [re.sub(r"```.*?```", "", text, flags=re.DOTALL) for text in texts]


def anchor(word: str) -> str:
    """The part of an address that leads to a heading, as GitHub and JupyterLab do."""
    return word.lower().replace(" ", "-")


def test_the_glossary_has_each_word_once() -> None:
    words = re.findall(r"^### (.+)$", GLOSSARY, re.MULTILINE)
    assert len(set(words)) == len(words)
    assert list(ENTRIES) == words


def test_the_words_of_a_section_are_in_the_order_of_the_alphabet() -> None:
    assert len(SECTIONS) == 3
    for section in SECTIONS:
        words = re.findall(r"^### (.+)$", section, re.MULTILINE)
        assert words == sorted(words, key=str.lower)


@pytest.mark.parametrize("word", ENTRIES)
def test_a_word_is_explained_in_one_or_two_sentences(word: str) -> None:
    sentences = re.findall(r"[.?!][)\"”]?(?= [A-Z`(]|$)", ENTRIES[word])
    assert 1 <= len(sentences) <= 2, ENTRIES[word]
    assert len(ENTRIES[word].split()) <= 45


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_link_to_the_glossary_leads_to_a_word(path: Path) -> None:
    anchors = {anchor(word) for word in ENTRIES}
    links = re.findall(r"\]\(\.\./GLOSSARY\.md#([^)]*)\)", "\n".join(markdown(path)))
    assert set(links) <= anchors, set(links) - anchors


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_links_the_glossary_at_its_top(path: Path) -> None:
    assert "](../GLOSSARY.md)" in markdown(path)[0]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_links_a_new_word_at_its_first_use(path: Path) -> None:
    text = "\n\n".join(markdown(path)[1:])  # the first cell says what will come
    text = re.sub(r"^#.*$", "", text, flags=re.MULTILINE)
    for word in INTRODUCED[path.stem]:
        first = re.search(rf"\b{word}s?\b[^\n]*", text, re.IGNORECASE)
        assert first is not None, f"{word!r} is not used"
        link = f"](../GLOSSARY.md#{anchor(word)})"
        assert link in first[0].split(". ")[0], f"{word!r} is used first in: {first[0]}"


def test_each_word_of_the_notebooks_is_linked_from_one_of_them() -> None:
    text = "\n".join("\n".join(markdown(path)) for path in NOTEBOOKS)
    elsewhere = {"subprotocol", "drain"}  # words of the READMEs
    linked = {word for word in ENTRIES if f"GLOSSARY.md#{anchor(word)})" in text}
    assert linked == set(ENTRIES) - elsewhere
