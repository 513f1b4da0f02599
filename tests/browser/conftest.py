"""A real Chromium in front of the real stack. Set CHROMIUM to its path where it is not on PATH."""

import os
import re
import shutil
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.browser.puppet import Play, Puppet
from tests.browser.wallets import newcomer, wallets_script
from tests.chaos.farm import enrol
from tests.stories.creator import ENDED, Creator, Person, await_that

__all__ = ["newcomer", "wallets_script"]  # fixtures
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


@pytest.fixture(scope="module")
def chromium():
    """Started per module: Playwright's loop must not outlive it, or the database tests after it could not run."""
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


VIEW = {"viewport": {"width": 1280, "height": 900}, "locale": "en-GB", "accept_downloads": True}


def cookies_of(chromium, stack, persona: str, landing: str) -> dict:
    """Signs in as somebody of the demo."""
    context = chromium.new_context(base_url=stack.url, **VIEW)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto("/users/sign-in/")
    page.click(f"button[name=persona][value={persona}]")
    page.wait_for_url(landing)
    cookies = context.storage_state()
    context.close()
    return cookies


@pytest.fixture(scope="module")
def signed_in_as_creator(chromium, stack) -> dict:
    """The cookies of the demo's creator."""
    return cookies_of(chromium, stack, "creator", "**/rendering/")


@pytest.fixture(scope="module")
def signed_in_as_owner(chromium, stack) -> dict:
    """The cookies of the demo's owner of nodes."""
    return cookies_of(chromium, stack, "owner", "**/workers/")


@contextmanager
def opened(chromium, stack, cookies: dict, complaints, **view):
    context = chromium.new_context(base_url=stack.url, storage_state=cookies, **(VIEW | view))
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    complaints.follow(page)
    yield page
    context.close()


@pytest.fixture
def page(chromium, stack, signed_in_as_creator, complaints):
    """Signed in as the demo's creator."""
    with opened(chromium, stack, signed_in_as_creator, complaints) as page:
        yield page


@pytest.fixture
def owners_page(chromium, stack, signed_in_as_owner, complaints):
    """Signed in as the demo's owner of nodes."""
    with opened(chromium, stack, signed_in_as_owner, complaints) as page:
        yield page


# A stage: the puppet has every frame, the stack's own node rests ---------------------------------------------------------


@pytest.fixture(scope="session")
def drawn(stack, tiny_scene) -> int:
    """A job that is read and not submitted: every story's job is a copy of it."""
    creator = Creator(stack)
    job = creator.upload(tiny_scene)
    await_that(lambda: creator.status(job) == "ready", "the scene is read")
    return job


@pytest.fixture(scope="session")
def enrolled(stack, tmp_path_factory):
    return enrol(Person(stack, "owner"), "puppet", tmp_path_factory.mktemp("puppet") / "node")


@pytest.fixture(scope="module")
def puppet(stack, enrolled):
    owner = Person(stack, "owner")
    own = owner.ask("SELECT id FROM workers_worker WHERE name = 'this-machine'")[0][0]
    owner.post(f"/workers/{own}/pause/")
    with Puppet(*enrolled) as node:
        yield node
    owner.post(f"/workers/{own}/resume/")


@pytest.fixture
def stage(stack, drawn, puppet):
    """`stage(frames="1-6")`: a submitted job on the puppet; cancelled when the story is over."""
    creator, begun = Creator(stack), []

    def begin(frames: str, **settings) -> Play:
        page = creator.post(f"/rendering/jobs/{drawn}/copy/").url
        play = Play(creator, puppet, int(re.search(r"/jobs/(\d+)/", str(page))[1]))
        creator.submit(play.job, **({"frames": frames, "name": "Cube"} | settings))
        begun.append(play)
        return play

    yield begin
    for play in begun:
        if creator.status(play.job) not in ENDED:
            play.post("cancel")


@pytest.fixture
def look(page):
    """`look(play)`: its page, joined and quiet; from here on it must not be loaded again (`same_document`)."""

    def go(play: Play, path: str = ""):
        page.goto(play.path + path)
        settled(page)
        return page

    return go


def settled(page) -> None:
    """The sockets are joined and what was fetched for it has come."""
    expect(page.locator("html")).to_have_attribute("data-live-state", "on")
    page.evaluate("window.sameDocument = true")
    page.wait_for_function(FETCHED_ONCE)


def same_document(page) -> bool:
    return bool(page.evaluate("window.sameDocument"))


# Once joined every live element fetches itself once; here all of it has come.
FETCHED_ONCE = """() => {
    const fetched = new Set(performance.getEntriesByType("resource").map(({ name }) => name));
    const live = [...document.querySelectorAll("[data-live][hx-get]")];
    const hasCome = (element) => fetched.has(new URL(element.getAttribute("hx-get"), location.href).href);
    return live.every(hasCome) && !document.querySelector(".htmx-request");
}"""
