"""Somebody who has never been here adds a machine: three clicks and one command, to the first credit that it earns.

The command is run by bash with an empty home; pipx is the one of the tests. Only Blender lies on the machine
already. What each stage took is printed: make test ARGS="tests/browser/test_new_owner.py -s".
"""

import os
import re
import signal
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PATIENCE_MS, VIEW
from tests.stories.creator import Creator, Person, await_that

pytestmark = [pytest.mark.browser, pytest.mark.stories, pytest.mark.blender, pytest.mark.xdist_group("blender")]
INSTALLED_MS = 240_000  # packages come over the network
STOP_SECONDS = 60
KEPT = ("PATH", "LANG", "BLENDER_ENVIRONMENTS", "SSL_CERT_FILE")  # and what names the package index


@dataclass
class Stages:
    """What the visitor did, and how long each stage took."""

    began: float = field(default_factory=time.monotonic)
    clicks: int = 0
    lines: list[str] = field(default_factory=list)

    def click(self, locator) -> None:
        self.clicks += 1
        locator.click()

    def done(self, what: str) -> None:
        self.lines.append(f"{time.monotonic() - self.began:6.1f} s  {what}")


@contextmanager
def typed(command: str, home: Path):
    """A terminal in which the command runs; ended as by Ctrl-C."""
    home.mkdir()
    environment = {name: value for name, value in os.environ.items() if name in KEPT or name.startswith("PIP_")}
    with (home / "terminal.log").open("wb") as log:
        process = subprocess.Popen(
            ["bash", "-c", command],
            cwd=home,
            env=environment | {"HOME": str(home)},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield home / "terminal.log"
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(STOP_SECONDS)


@pytest.fixture
def carla(chromium, stack, stack_google, complaints):
    """A browser in which nobody is signed in; Google knows who sits there."""
    before, stack_google.person = (
        stack_google.person,
        {"sub": "g-new", "email": "nina@example.org", "email_verified": True, "name": "Nina"},
    )
    context = chromium.new_context(base_url=stack.url, permissions=["clipboard-read", "clipboard-write"], **VIEW)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    complaints.follow(page)
    yield page
    context.close()
    stack_google.person = before


@pytest.fixture
def alone(stack):
    """No other node takes the frame."""
    owner = Person(stack, "owner")
    own = owner.ask("SELECT id FROM workers_worker WHERE name = 'this-machine'")[0][0]
    owner.post(f"/workers/{own}/pause/")
    yield
    owner.post(f"/workers/{own}/resume/")


def test_a_new_owner_earns(carla, stack, alone, tiny_scene, tmp_path, complaints):
    page, stages = carla, Stages()
    page.goto("/workers/new/")
    stages.click(page.get_by_role("button", name="Continue with Google"))
    page.wait_for_url("**/workers/new/")
    stages.done("signed in")
    stages.click(page.get_by_role("button", name="Create the node"))
    page.wait_for_url(re.compile(r"/workers/\d+/$"))
    stages.click(page.locator("#worker-setup").get_by_role("button", name="Copy").first)
    command = page.evaluate("navigator.clipboard.readText()")
    stages.done("the command is copied")

    with typed(command, tmp_path / "home") as log:
        expect(page.locator("#setup-join")).to_have_count(0, timeout=INSTALLED_MS)
        await_that(lambda: "Signed on as node-1" in log.read_text(), "the terminal says so")
        stages.done("installed and signed on")
        expect(page.get_by_role("heading", name="How far it is")).to_have_count(0, timeout=INSTALLED_MS)
        stages.done("every step is green")
        creator = Creator(stack)
        job = creator.upload(tiny_scene)
        creator.submit(job, frames="1")
        creator.finish(job)
        earned = page.locator("#worker-stats").get_by_text("Earned today").locator("xpath=..").locator("b")
        expect(earned).not_to_have_text(re.compile(r"^0(\.0+)?$"))
        stages.done("the page shows the first credit")
    print(*["", *stages.lines, f"{stages.clicks} clicks, 1 command: {command}"], sep="\n")
    assert stages.clicks == 3
    assert complaints == []
