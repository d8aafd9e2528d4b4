"""The exercise fails its check until it is solved; the solution passes it."""

import asyncio
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import your_turn_crawler as exercise

from tests.support.fake_clock import run, story

FOLDER = Path(exercise.__file__).parent


def solution() -> ModuleType:
    file = FOLDER / "solutions" / "crawler_solution.py"
    spec = importlib.util.spec_from_file_location("crawler_solution", file)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_unsolved_exercise_fails_its_check() -> None:
    """It says what is missing."""
    assert run(exercise.check(exercise.crawl)).startswith("Too slow: never more than 1")
    assert story(exercise.try_crawl()).lines[0].startswith("Too slow")


def test_the_solution_passes_the_check() -> None:
    """It takes less than half of the time, too."""
    solved = solution()
    assert run(exercise.check(solved.crawl)) == ""
    told = story(solved.try_solution())
    assert told.lines == ["Right: all 10 pages, 3 at a time."]
    assert told.seconds < story(exercise.try_crawl()).seconds / 2


def test_a_crawler_that_asks_for_all_at_once_fails_the_check() -> None:
    """Politeness is counted, not measured."""

    async def impolite(site: exercise.Site, pages: Sequence[str]) -> list[str]:
        return await asyncio.gather(*(site.download(page) for page in pages))

    assert run(exercise.check(impolite)).startswith("Impolite: 10 at once")


def test_a_crawler_that_waits_for_a_whole_batch_fails_the_check() -> None:
    """A seat that is free has to be taken at once."""

    async def in_batches(site: exercise.Site, pages: Sequence[str]) -> list[str]:
        texts: list[str] = []
        for first in range(0, len(pages), exercise.AT_ONCE):
            batch = pages[first : first + exercise.AT_ONCE]
            texts += await asyncio.gather(*(site.download(page) for page in batch))
        return texts

    assert "stayed free" in run(exercise.check(in_batches))


def test_a_crawler_that_loses_pages_fails_the_check() -> None:
    """All ten have to come back, in their order."""

    async def hasty(site: exercise.Site, pages: Sequence[str]) -> list[str]:
        await site.download(pages[0])
        return []

    assert run(exercise.check(hasty)).startswith("Expected the texts of all 10 pages")


def test_the_exercise_and_its_solution_differ_only_between_the_marks() -> None:
    """A learner who pastes the solution's crawl has solved the exercise."""
    text = Path(exercise.__file__).read_text(encoding="utf-8")
    assert text.count("↓ Your turn begins here.") == 1
    assert text.count("↑ Your turn ends here.") == 1
    assert solution().crawl.__doc__ == exercise.crawl.__doc__
