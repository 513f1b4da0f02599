"""A real Chromium in front of the real stack. Set CHROMIUM to its path where it is not on PATH."""

import os
import shutil

import pytest
from playwright.sync_api import expect, sync_playwright

PATIENCE_MS = 60_000  # a slow machine is no fault
expect.set_options(timeout=PATIENCE_MS)
NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
QUIET = [
    "--no-sandbox",  # tests may run as root; the only pages are our own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


def chromium_path() -> str:
    """Raises LookupError with what to do."""
    named = os.environ.get("CHROMIUM")
    found = named or next(filter(None, map(shutil.which, NAMES)), "")
    if not found:
        raise LookupError("No Chromium. Install it (apt-get install chromium), or set CHROMIUM=/path, or BROWSER=0.")
    return found


@pytest.fixture
def chromium():
    """Started per test: Playwright's loop must not outlive it, or the database tests after it could not run."""
    if os.environ.get("BROWSER") == "0":
        pytest.skip("BROWSER=0")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=QUIET)
        yield browser
        browser.close()


class Complaints(list):
    """What the browser's console and the page's scripts complained of, and what the server failed at."""

    def follow(self, page) -> None:
        page.on("console", lambda message: self.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.append(str(error)))
        page.on("response", lambda answer: self.append(f"{answer.status} {answer.url}") if answer.status >= 500 else None)


@pytest.fixture
def complaints() -> Complaints:
    return Complaints()


@pytest.fixture
def page(chromium, stack, complaints):
    """Signed in as the demo's creator."""
    context = chromium.new_context(
        base_url=stack.url, viewport={"width": 1280, "height": 900}, locale="en-GB", accept_downloads=True
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    complaints.follow(page)
    page.goto("/users/sign-in/")
    page.click("button[name=persona][value=creator]")
    page.wait_for_url("**/rendering/")
    yield page
    context.close()
