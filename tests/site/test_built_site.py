"""The site as it is built: its pages from the disk, and the edition in a browser.

``python3 -m workshop site`` builds it. Without a fresh one these tests are skipped.
"""

import json
import os
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
import pytest_asyncio
from playwright.async_api import Page

from tests.site.walking import Walk, run_code, walk
from tests.support.browsers import browser_page, running_browser
from tests.support.firefox import firefox_page
from workshop.command.places import ROOT
from workshop.exercises.catalogue import exercises
from workshop.site import command, runs
from workshop.site.compare import difference
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
    with served(site / "run") as address:
        async with browser_page(viewport={"width": 1280, "height": 900}) as page:
            page.set_default_timeout(ANSWERED)
            elsewhere = watch(page, address)
            yield page, address
    assert elsewhere == []


def assert_true(name: str, found: Walk) -> None:
    """Each output of a walk is that of the machine's run."""
    kept = next((command.BUILD / "runs").glob(f"{name}-????????????????.ipynb"))
    machine = {cell.id: cell for cell in nbformat.read(kept, as_version=4).cells}
    assert found.errors == {}
    differences = []
    for identity, outputs in found.outputs.items():
        if identity == "boot":
            continue
        cell = machine[identity]
        tags = cell.metadata.get("tags", [])
        lie = difference(identity, outputs, cell.outputs, tags)
        if lie is not None:
            differences.append(str(lie))
    assert differences == [], "\n".join(differences)
    if EVERYTHING:
        code = [cell for cell in machine.values() if cell.cell_type == "code"]
        ran = len(found.outputs) - 1  # without the one that prepares the page
        print(
            f"{name}: {len(code)} code cells, {ran} ran, {ran} the same, "
            f"{len(code) - ran} marked; first output after {found.first_output:.0f} s"
        )


@dataclass
class Lesson:
    """A notebook walked in a tab, and what the checks of exercises said there then."""

    walked: Walk
    asked: list[str]  # the addresses of all files that the page wanted
    told: dict[str, list[tuple[str, str]]]  # by an exercise's number: state, text
    endless: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lesson(site: Path) -> Lesson:
    """One tab for two tests: to start Python in a page takes most of their time."""
    asked: list[str] = []
    async with chromium_tab(site) as (page, address):
        page.on("request", lambda request: asked.append(request.url))
        walked = await walk(page, address, LESSON)
        [told] = await run_code(page, CHECK_ALL)
        [endless] = await run_code(page, CHECK_ENDLESS)
    verdicts = json.loads("".join(told["text"]))
    return Lesson(walked, asked, verdicts, "".join(endless["text"]))


async def test_the_lesson_says_in_a_browser_what_it_says_on_a_machine(
    lesson: Lesson,
) -> None:
    assert_true(LESSON, lesson.walked)


async def test_a_page_starts_without_a_search_for_packages_and_files(
    lesson: Lesson,
) -> None:
    asked = " ".join(lesson.asked)
    assert "/static/pyodide/pyodide-lock.json" in asked
    assert "/static/pyodide/piplite" in asked
    assert "/static/pypi/all.json" not in asked  # the list that piplite searches
    assert "/api/drive" not in asked


@pytest.mark.parametrize("name", WALKED)
async def test_a_notebook_says_in_a_browser_what_it_says_on_a_machine(
    name: str, site: Path
) -> None:
    async with chromium_tab(site) as (page, address):
        assert_true(name, await walk(page, address, name))


@pytest.mark.skipif(not EVERYTHING, reason="WALK=all walks notebooks in Firefox")
@pytest.mark.parametrize("name", NOTEBOOKS)
async def test_a_notebook_says_in_firefox_what_it_says_on_a_machine(
    name: str, site: Path, tmp_path: Path
) -> None:
    with served(site / "run") as address:
        async with firefox_page(tmp_path) as page:
            assert_true(name, await walk(page, address, name))


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
