"""axe-core, a checker of accessibility, on a page that is open in Chromium."""

from importlib.resources import files

from playwright.async_api import Page

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
RUN = """async () => {
    const {violations} = await axe.run(document, {resultTypes: ["violations"]});
    return violations.flatMap(({id, help, nodes}) => nodes.map((node) =>
        `${id} (${help}) at ${node.target.join(" ")}: ${node.html.slice(0, 200)}`));
}"""


async def found_by_axe(page: Page) -> list[str]:
    """What axe-core objects to, with all of its rules: one line for each element."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE)
    found: list[str] = await page.evaluate(RUN)
    return found
