"""A real Chromium or Chrome, for a test or for a session of tests."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from workshop.command.doctor import find_browser

MILLISECONDS = 120_000  # for whatever a page is to show; only a failure takes so long
# Playwright's own limits: 30 s for a page's actions, 5 s for what is expected of it.
expect.set_options(timeout=MILLISECONDS)

QUIET = (
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@asynccontextmanager
async def running_browser() -> AsyncIterator[Browser]:
    """A browser with no window; the test is skipped where there is none."""
    path = find_browser()
    if path is None:
        words = "no Chromium or Chrome found; `python3 -m workshop doctor` says more"
        if os.environ.get("CI") == "true":
            pytest.fail(words)
        pytest.skip(words)
    arguments = list(QUIET)
    if hasattr(os, "getuid") and os.getuid() == 0:
        # The browser's sandbox refuses root.
        arguments.append("--no-sandbox")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=arguments)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def browser_page(**options: Any) -> AsyncIterator[Page]:
    """One page in a browser of its own; options as of Playwright's ``new_page``."""
    async with running_browser() as browser:
        yield await browser.new_page(**options)
