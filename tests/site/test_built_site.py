"""The site as it is built: its pages from the disk, and the edition in a browser.

``python3 -m workshop site`` builds it. Without a fresh one these tests are skipped.
"""

import json
import os
import re
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
import pytest_asyncio
from playwright.async_api import Page, Route

from tests.site.walking import CODE_CELLS, READY, RUN_CELL, Walk, run_code, walk
from tests.support.browsers import browser_page, running_browser
from tests.support.firefox import firefox_page
from workshop.command.places import ROOT
from workshop.exercises.catalogue import exercises
from workshop.site import command, runs
from workshop.site.compare import Difference, difference, text_of
from workshop.site.serving import served

# A walk takes a minute a notebook. WALK=all walks every one, in both browsers, and
# checks all wrong solutions of the exercises; a usual run checks the first one of each.
LESSON = "03_asgi_raw"  # the exercises are done after it, in its tab
WALKED = ["01_asyncio_basics"]
WRONG = 1
EVERYTHING = os.environ.get("WALK") == "all"
NOTEBOOKS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
if EVERYTHING:
    WALKED = [name for name in NOTEBOOKS if name != LESSON]
    WRONG = 1000
ANSWERED = 300_000  # ms for a page, or one cell; only a failure takes it

# Run in the page, of each exercise: the start, nothing, the solution, the wrong ones.
CHECK_ALL = f"""
import json
from pathlib import Path
from workshop.exercises import catalogue, in_page, magics
told = {{}}
for exercise in catalogue.exercises():
    if exercise.number.startswith("4"):
        continue
    wrong = [part for part, sentence in exercise.wrong[:{WRONG}]]
    path = Path("/tmp") / exercise.path.name
    told[exercise.number] = []
    for part in [exercise.start_parts.part, "", exercise.solution, *wrong]:
        path.write_text(exercise.start_parts.with_part(part))
        verdict = in_page.check(exercise, path, 10)
        told[exercise.number].append([verdict.state.value, verdict.text()])
print(json.dumps(told))
"""
CHECK_ENDLESS = """
exercise = catalogue.find("1.1")
path = Path("/tmp") / exercise.path.name
part = "async def load_page():\\n    while True:\\n        pass"
path.write_text(exercise.start_parts.with_part(part))
print(in_page.check(exercise, path, 0.5).text())
"""
# As a learner does it, with the magic commands.
HINT = "%hint 1.1"
SOLVE = """\
%%exercise 1.1
async def load_page() -> list[str]:
    return list(await asyncio.gather(weather(), news()))
"""
# Who works, and who waits, of a task and of the thread that it asks.
IN_A_THREAD = """
from workshop.notebook import record

async def asks():
    await asyncio.sleep(0.01)
    await asyncio.to_thread(time.sleep, 0.5)

timeline = await record(asks())
for track in timeline.tracks:
    running = sum(step.end - step.start for step in track.steps)
    print(track.name, "works" if running > 0.4 else "waits")
timeline
"""
# As in a browser from before JSPI.
NO_JSPI = "delete WebAssembly.Suspending; delete WebAssembly.promising;"
LINKS = """() => [...document.querySelectorAll('a[href^="#site/GLOSSARY"]')]
  .map((link) => {
    link.dispatchEvent(new PointerEvent("pointerover", {bubbles: true}));
    return link.href;
  })"""


@pytest.fixture(scope="module")
def site() -> Path:
    stamp = command.SITE / command.STAMP
    state = stamp.read_text("utf-8") if stamp.exists() else "none"
    if state != runs.state_of_the_repository():
        words = "no fresh site is built: python3 -m workshop site does it"
        if os.environ.get("CI") == "true":
            pytest.fail(words)
        pytest.skip(words)
    return command.SITE


def watch(page: Page, allowed: str) -> list[str]:
    """The list of requests that go elsewhere; it grows while the page is used."""
    elsewhere: list[str] = []

    def note(url: str) -> None:
        if not url.startswith((allowed, "data:", "blob:", "about:")):
            elsewhere.append(url)

    page.on("request", lambda request: note(request.url))
    page.on("websocket", lambda websocket: note(websocket.url))
    return elsewhere


async def test_every_page_opens_from_the_disk_without_a_request_or_an_error(
    site: Path,
) -> None:
    pages = [
        path
        for path in sorted(site.rglob("*.html"))
        if "run" not in path.relative_to(site).parts
    ]
    assert len(pages) > 50
    async with running_browser() as browser:
        page = await browser.new_page()
        elsewhere = watch(page, "file:")
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(f"{page.url}: {error}"))
        for path in pages:
            await page.goto(path.as_uri())
            assert await page.title(), path
    assert elsewhere == []
    assert errors == []


async def test_the_front_page_leads_to_each_notebook_its_slides_and_the_edition(
    site: Path,
) -> None:
    with served(site) as address:
        async with browser_page() as page:
            await page.goto(address)
            cards = page.locator(".cards li")
            names = sorted(p.stem for p in (ROOT / "notebooks").glob("*.ipynb"))
            assert await cards.count() == len(names)
            links = await cards.locator("a").evaluate_all("all => all.map(a => a.href)")
            assert len(links) == 3 * len(names)
            for link in links:
                answer = await page.request.get(link)
                assert answer.ok, link


async def test_from_the_disk_a_page_says_what_the_edition_needs(site: Path) -> None:
    async with browser_page() as page:
        await page.goto((site / "index.html").as_uri())
        assert await page.locator("a.run").count() == 0
        said = await page.locator(".needs-server").first.inner_text()
        assert "python3 -m workshop site --serve" in said


def test_the_standard_library_of_a_page_is_compiled_and_has_its_sources(
    site: Path,
) -> None:
    with zipfile.ZipFile(site / "run/static/pyodide/python_stdlib.zip") as library:
        names = library.namelist()
        modules = [name for name in names if name.endswith(".py")]
        assert "asyncio/base_events.py" in modules
        assert set(names) >= {f"{module}c" for module in modules}
        flags = library.read("asyncio/base_events.pyc")[4:8]
    # PEP 552: a hash of the source in place of its time (1), which nobody checks (2).
    assert int.from_bytes(flags, "little") == 0b01


def test_the_packages_of_a_page_come_without_files_that_no_lesson_opens(
    site: Path,
) -> None:
    [django] = (site / "run/static/pyodide").glob("django-*.whl")
    with zipfile.ZipFile(django) as wheel:
        names = wheel.namelist()
    assert "django/core/handlers/asgi.py" in names
    assert "django/conf/locale/en/formats.py" in names
    assert "django/conf/locale/de/formats.py" not in names
    assert "django/contrib/admin/locale/de/LC_MESSAGES/django.mo" not in names


@asynccontextmanager
async def chromium_tab(site: Path) -> AsyncIterator[tuple[Page, str]]:
    """A page of Chromium, and the address of the edition; it asks nobody else."""
    with served(site) as address:
        async with browser_page(viewport={"width": 1280, "height": 900}) as page:
            page.set_default_timeout(ANSWERED)
            elsewhere = watch(page, address)
            yield page, f"{address}/run"
    assert elsewhere == []


async def in_chromium(name: str, site: Path) -> Walk:
    """A walk in a tab of its own."""
    async with chromium_tab(site) as (page, address):
        return await walk(page, address, name)


def machines_run(name: str) -> dict[str, nbformat.NotebookNode]:
    """The cells of the run that the site shows, by their ids."""
    kept = next((command.BUILD / "runs").glob(f"{name}-????????????????.ipynb"))
    return {cell.id: cell for cell in nbformat.read(kept, as_version=4).cells}


def lies_of(name: str, found: Walk) -> dict[str, Difference]:
    """What a walk says that a machine does not say, by the cells' ids."""
    machine = machines_run(name)
    assert found.errors == {}
    lies = {}
    for identity, outputs in found.outputs.items():
        cell = machine[identity]
        tags = cell.metadata.get("tags", [])
        lie = difference(identity, outputs, cell.outputs, tags)
        if lie is not None:
            lies[identity] = lie
    return lies


async def assert_true(
    name: str, found: Walk, walk_again: Callable[[], Awaitable[Walk]]
) -> None:
    """Each output of a walk is that of the machine's run."""
    lies = lies_of(name, found)
    if lies and all(lie.only_of_times for lie in lies.values()):
        # A busy machine makes times longer, now here, now there. A lie is told again.
        again = lies_of(name, await walk_again())
        lies = {cell: lie for cell, lie in lies.items() if cell in again}
    assert not lies, "\n".join(map(str, lies.values()))
    if EVERYTHING:
        code = [c for c in machines_run(name).values() if c.cell_type == "code"]
        ran = len(found.outputs)
        print(
            f"{name}: {len(code)} code cells, {ran} ran, {ran} the same, "
            f"{len(code) - ran} marked; first output after {found.first_output:.0f} s"
        )


@dataclass
class Lesson:
    """A notebook walked in a tab, and what the checks of exercises said there then."""

    walked: Walk
    asked: list[str]  # the addresses of all files that the page wanted
    links: list[str]  # addresses of the words that the glossary explains
    hint: list[Any]  # the outputs of cells: of a magic command
    solved: list[Any]  # of an exercise's cell
    in_a_thread: list[Any]  # of a recording with a worker thread
    told: dict[str, list[tuple[str, str]]]  # by an exercise's number: state, text
    endless: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lesson(site: Path) -> Lesson:
    """One tab for two tests: to start Python in a page takes most of their time."""
    asked: list[str] = []
    async with chromium_tab(site) as (page, address):
        page.on("request", lambda request: asked.append(request.url))
        walked = await walk(page, address, LESSON)
        links = await page.evaluate(LINKS)
        outputs = [await run_code(page, code) for code in (HINT, SOLVE, IN_A_THREAD)]
        [told] = await run_code(page, CHECK_ALL)
        [endless] = await run_code(page, CHECK_ENDLESS)
    verdicts = json.loads("".join(told["text"]))
    said = "".join(endless["text"])
    return Lesson(walked, asked, links, *outputs, verdicts, said)


async def test_the_lesson_says_in_a_browser_what_it_says_on_a_machine(
    lesson: Lesson, site: Path
) -> None:
    await assert_true(LESSON, lesson.walked, lambda: in_chromium(LESSON, site))


async def test_a_browser_that_is_too_old_is_told_so_by_the_first_cell_each_time(
    site: Path,
) -> None:
    async with chromium_tab(site) as (page, address):

        async def without_jspi(route: Route) -> None:
            answer = await route.fetch()
            await route.fulfill(
                response=answer, body=f"{NO_JSPI}\n{await answer.text()}"
            )

        await page.route("**/pyodide.mjs", without_jspi)
        await page.goto(f"{address}/notebooks/index.html?path=notebooks/{LESSON}.ipynb")
        await page.wait_for_function(READY)
        [first, *_] = await page.evaluate(CODE_CELLS)
        for _ in range(2):
            cell = await page.evaluate(RUN_CELL, first)
            assert "This browser is too old" in text_of(cell["outputs"])


async def test_a_page_starts_without_a_search_for_packages_and_files(
    lesson: Lesson,
) -> None:
    asked = " ".join(lesson.asked)
    assert "/static/pyodide/pyodide-lock.json" in asked
    assert "/static/pyodide/piplite" in asked
    assert "/static/pypi/all.json" not in asked  # the list that piplite searches
    assert "/api/drive" not in asked


async def test_a_hint_and_the_cell_of_an_exercise_answer_without_an_error(
    lesson: Lesson,
) -> None:
    assert "Hint 1 of 3" in text_of(lesson.hint)
    said = text_of(lesson.solved)
    assert "Right: both were asked at once" in said
    assert "%solution 1.1" in said  # what comes last
    outputs = [*lesson.hint, *lesson.solved]
    assert [one for one in outputs if one["output_type"] == "error"] == []


async def test_a_task_waits_in_a_page_too_while_its_thread_works(
    lesson: Lesson,
) -> None:
    printed = text_of(lesson.in_a_thread[:1]).splitlines()
    assert printed == ["asks waits", "thread: sleep works"]
    picture = str(lesson.in_a_thread[1])
    assert "asks" in picture
    assert "tasks.py" not in picture  # a line of asyncio is not the learner's


async def test_a_word_of_a_notebook_leads_to_the_glossary_of_the_site(
    lesson: Lesson,
) -> None:
    assert len(lesson.links) > 5
    places = [link.partition("/run/")[0].rpartition(":")[2] for link in lesson.links]
    assert all(re.fullmatch(r"\d+/GLOSSARY\.html(#[\w-]+)?", one) for one in places)


def test_every_link_of_the_edition_leads_to_a_page_of_the_site(site: Path) -> None:
    pages = set()
    for path in (site / "run/files/notebooks").glob("*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        words = "".join(one.source for one in cells if one.cell_type == "markdown")
        assert not re.search(r"\]\((\.\./|\w+\.ipynb)", words), path
        pages |= set(re.findall(r"\]\(#site/([^)?#]+)", words))
    assert len(pages) > 30
    assert [page for page in pages if not (site / page).is_file()] == []


async def test_only_a_time_that_two_walks_say_is_a_lie(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def said(text: str) -> list[Any]:
        return [nbformat.v4.new_output("stream", text=text)]

    cell = nbformat.v4.new_code_cell("", outputs=said("in threads: 0.2 s"))
    monkeypatch.setattr(f"{__name__}.machines_run", lambda name: {"01-85": cell})
    slow = Walk({"01-85": said("in threads: 0.8 s")})
    true = Walk({"01-85": cell.outputs})
    other = Walk({"01-85": said("in tasks: 0.2 s")})

    async def after(first: Walk, second: Walk) -> None:
        async def walk_again() -> Walk:
            return second

        await assert_true("01", first, walk_again)

    await after(true, slow)
    await after(slow, true)
    for first, second in ((slow, slow), (slow, other), (other, true)):
        with pytest.raises(AssertionError, match="cell 01-85"):
            await after(first, second)


@pytest.mark.parametrize("name", WALKED)
async def test_a_notebook_says_in_a_browser_what_it_says_on_a_machine(
    name: str, site: Path
) -> None:
    found = await in_chromium(name, site)
    await assert_true(name, found, lambda: in_chromium(name, site))


@pytest.mark.skipif(not EVERYTHING, reason="WALK=all walks notebooks in Firefox")
@pytest.mark.parametrize("name", NOTEBOOKS)
async def test_a_notebook_says_in_firefox_what_it_says_on_a_machine(
    name: str, site: Path, tmp_path: Path
) -> None:
    async def in_firefox(profile: Path) -> Walk:
        profile.mkdir()
        with served(site / "run") as address:
            async with firefox_page(profile) as page:
                return await walk(page, address, name)

    found = await in_firefox(tmp_path / "first")
    await assert_true(name, found, lambda: in_firefox(tmp_path / "again"))


async def test_an_exercise_is_checked_in_the_page_as_on_a_machine(
    lesson: Lesson,
) -> None:
    told = lesson.told
    checked = [one for one in exercises() if one.number in told]
    assert {one.number[0] for one in exercises()} - {"4"} == {n[0] for n in told}
    for exercise in checked:
        untouched, emptied, solved, *caught = told[exercise.number]
        assert untouched[0] == "not begun", untouched
        assert f"{exercise.name} is gone" in emptied[1]
        assert solved[0] == "right", f"{exercise.number}: {solved[1]}"
        for (part, sentence), verdict in zip(
            exercise.wrong[:WRONG], caught, strict=True
        ):
            if "threading" in part:
                sentence = "can't start new thread"  # there are none in a page
            assert verdict[0] == "not yet", f"{exercise.number} passes:\n{part}"
            assert sentence in verdict[1], f"{exercise.number}\n{part}\n{verdict[1]}"
    assert "still running after 0.5 s, at line " in lesson.endless
    assert "`while True:`" in lesson.endless or "`pass`" in lesson.endless
