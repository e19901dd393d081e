"""A headless Chromium for tests and benchmarks: the machine's, else Playwright's own.

The shell comes first. It is the same engine without a browser around it, and costs little more
than half as much: the whole browser draws every frame for a window that nobody sees.
"""

import contextlib
import shutil
from collections.abc import Iterator

from playwright.sync_api import Browser, sync_playwright

FOUND_AS = ("chromium-headless-shell", "chromium", "google-chrome")
# A closed network refuses the browser's own calls home, many at a time.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start a browser and close it in the end."""
    found = next(filter(None, map(shutil.which, FOUND_AS)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=QUIET)
        try:
            yield browser
        finally:
            browser.close()
