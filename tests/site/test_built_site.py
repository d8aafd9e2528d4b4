"""The site as it is built: its pages from the disk, and the edition in a browser.

``python3 -m workshop site`` builds it. Without a fresh one these tests are skipped.
"""

import os
from pathlib import Path

import nbformat
import pytest
from playwright.async_api import Page

from tests.site.walking import walk
from tests.support.browsers import browser_page, running_browser
from workshop.command.environment import ROOT
from workshop.site import command, runs
from workshop.site.compare import difference
from workshop.site.serving import served

# A walk takes a minute a notebook; WALK=all walks every one.
WALKED = ["01_asyncio_basics", "03_asgi_raw"]
if os.environ.get("WALK") == "all":
    WALKED = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))


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


@pytest.mark.parametrize("name", WALKED)
async def test_a_notebook_says_in_a_browser_what_it_says_on_a_machine(
    name: str, site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = next((command.BUILD / "runs").glob(f"{name}-*.ipynb"))
    machine = {cell.id: cell for cell in nbformat.read(kept, as_version=4).cells}
    with served(site / "run") as address:
        async with browser_page(viewport={"width": 1280, "height": 900}) as page:
            elsewhere = watch(page, address)
            found = await walk(page, address, name)
    with capsys.disabled():
        print(f"\n{name}: first output after {found.first_output:.0f} s")
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
    assert elsewhere == []
