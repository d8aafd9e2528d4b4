"""JupyterLab as the command opens it; each link of each notebook is clicked."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.support.ports import free_port
from tests.support.processes import ROOT, server_process
from workshop.exercises.catalogue import find

pytestmark = pytest.mark.asyncio(loop_scope="session")

LAB = re.compile(r"(http://127\.0\.0\.1:\d+/lab\S*\?token=\w+)")
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)")
TAB = "#jp-main-dock-panel .lm-TabBar-tab"
CODE = ".jp-CodeCell"
UNFOLD = "document.querySelectorAll('details').forEach(fold => { fold.open = true })"
SHOWN = ".jp-NotebookPanel:not(.lm-mod-hidden)"
RUN = f'{SHOWN} [data-jp-item-name="run"] jp-button'
PATIENCE = 300_000  # milliseconds: JupyterLab loads slowly on a busy machine


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address that the command prints, with its token, in a clone of its own."""
    clone = tmp_path_factory.mktemp("clone")
    ignored = shutil.ignore_patterns(".*", "__pycache__")
    shutil.copytree(ROOT, clone, ignore=ignored, dirs_exist_ok=True)
    config = {"JUPYTER_CONFIG_DIR": str(tmp_path_factory.mktemp("config"))}
    command = ["-m", "workshop", "lab", "--no-browser", "--port", str(free_port())]
    with server_process(command, address=LAB, cwd=clone, **config) as server:
        yield server.url


def links(notebook: Path) -> list[str]:
    """The paths, from the notebook's folder, of all its links to files."""
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    texts = ["".join(c["source"]) for c in cells if c["cell_type"] == "markdown"]
    found = [path for text in texts for path in LINK.findall(text)]
    return sorted({path for path in found if "://" not in path})


def address_of(notebook: Path, lab: str) -> str:
    """Where the lab shows a notebook alone, without the tabs of the test before."""
    before, _, token = lab.partition("?")
    base = before.partition("/lab")[0]
    return f"{base}/lab/tree/notebooks/{notebook.name}?reset&{token}"


async def opened(browser: Browser, url: str) -> Page:
    page = await browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(PATIENCE)
    await page.goto(url)
    return page


async def test_the_lab_opens_on_the_first_notebook_and_shows_no_launcher(
    browser: Browser, lab: str
) -> None:
    page = await opened(browser, lab)
    current = page.locator(f"{TAB}.lm-mod-current")
    await expect(current).to_contain_text("01_asyncio_basics.ipynb", timeout=PATIENCE)
    heading = page.locator(f"{SHOWN} h1").first
    await expect(heading).to_contain_text("asyncio basics", timeout=PATIENCE)
    await expect(page.locator(".jp-Launcher")).to_have_count(0)
    await page.close()


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
async def test_every_link_of_a_notebook_opens_what_it_names(
    browser: Browser, lab: str, notebook: Path
) -> None:
    wanted = links(notebook)
    assert wanted
    page = await opened(browser, address_of(notebook, lab))
    # The last link of the notebook is there: all its cells are.
    for path in wanted:
        await link_to(page, path).wait_for(state="attached")
    await page.evaluate(UNFOLD)
    # A mouse can reach each of them: a trial does all of a click but the click.
    for path in wanted:
        await link_to(page, path).click(trial=True)
    for path in wanted:
        assert (notebook.parent / path).exists(), path
        await click(page, path)
    await page.close()


async def test_an_exercises_cell_checks_the_solution_that_is_typed_into_it(
    browser: Browser, lab: str
) -> None:
    exercise = find("1.1")
    page = await opened(browser, address_of(NOTEBOOKS[0], lab))
    # Before its kernel is there, a notebook forgets what it is told to run.
    ready = page.get_by_text(re.compile(r"\(ipykernel\) \| Idle"))
    await expect(ready).to_be_visible(timeout=PATIENCE)
    for begins in ("sys.path[:0]", "%load_ext workshop.exercises"):
        await run(page, page.locator(CODE, has_text=begins).first)
    cell = page.locator(CODE, has_text=f"%%exercise {exercise.number}")
    await run(page, cell)
    said = cell.locator(".jp-OutputArea-output").first
    await expect(said).to_contain_text("Not begun.", timeout=PATIENCE)

    await cell.locator(".cm-content").click()
    await page.keyboard.press("ControlOrMeta+a")
    typed = f"%%exercise {exercise.number}\n{exercise.solution}"
    await page.keyboard.insert_text(typed)
    await page.locator(RUN).click()

    await expect(said).to_contain_text("Right:", timeout=PATIENCE)
    await expect(cell.locator(".jp-OutputArea-output img")).to_be_visible()
    await page.close()


async def run(page: Page, cell: Locator) -> None:
    """Run a code cell, and wait until it has run."""
    await cell.locator(".cm-content").click()
    await page.locator(RUN).click()
    prompt = cell.locator(".jp-InputArea-prompt")
    await expect(prompt).to_have_text(re.compile(r"\[\d+\]:"), timeout=PATIENCE)


def link_to(page: Page, path: str) -> Locator:
    """The first link to a file in the notebook that was opened first."""
    panel = page.locator(".jp-NotebookPanel").first
    return panel.locator(f'a[href*="{path.lstrip("./")}"]').first


async def click(page: Page, path: str) -> None:
    """Click a link of the notebook, and see the tab that it opens.

    That tab covers the notebook. The click goes to the link all the same: to bring the
    notebook back for each would lay out all of its cells again.
    """
    await link_to(page, path).dispatch_event("click")
    current = page.locator(f"{TAB}.lm-mod-current")
    await expect(current).to_contain_text(Path(path).name, timeout=PATIENCE)
    await expect(page.locator(".jp-Dialog")).to_have_count(0)
