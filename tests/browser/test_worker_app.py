"""The page of a node on its own machine: a configuration file is brought, the node signs on, earns, is paused and resumed."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import expect

from pictor.stack import programs
from pictor_agent.app import door
from tests.browser.conftest import PATIENCE_MS, VIEW, same_document
from tests.browser.test_axe import in_the_way
from tests.browser.test_keyboard import tab_to
from tests.stories.creator import Creator, Person, await_that

pytestmark = [pytest.mark.browser, pytest.mark.stories, pytest.mark.blender, pytest.mark.xdist_group("blender")]
END_SECONDS = 60


@dataclass
class WorkerApp:
    """The program in a home folder of its own, and the file that the site gave for it."""

    person: Person
    home: Path
    config: str
    program: subprocess.Popen | None = None

    def start(self) -> None:
        environment = {
            **os.environ,
            **programs.node_environment(self.person.stack),
            "HOME": str(self.home),
            "XDG_STATE_HOME": "",
        }
        command = [sys.executable, "-m", "pictor_agent", "app", "--no-browser", "--plain"]
        self.program = subprocess.Popen(command, env=environment)

    def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.program.send_signal(signal.SIGINT)
        self.program.wait(END_SECONDS)

    @property
    def link(self) -> str:
        return await_that(lambda: door.left(self.home / ".local/state/pictor-agent"), "the page has an address")

    @property
    def row(self) -> tuple:
        return self.person.ask("SELECT id, resting FROM workers_worker WHERE name = 'workshop'")[0]


@pytest.fixture(scope="module")
def worker_app(stack, tmp_path_factory):
    person = Person(stack, "owner")
    made = person.post("/workers/new/", name="workshop")
    config = person.post(f"{made.url.path}config/").text
    app = WorkerApp(person, tmp_path_factory.mktemp("workshop"), config)
    app.start()
    yield app
    app.stop()


@pytest.fixture
def page(chromium, complaints):
    context = chromium.new_context(**VIEW)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    complaints.follow(page)
    yield page
    context.close()


@pytest.fixture
def local_page(page, worker_app):
    """Signed on; with the file, if no test before has brought it."""
    page.goto(worker_app.link)
    if page.get_by_label("The file").is_visible():
        bring(page, worker_app)
    expect(page.locator("#site-link a")).to_be_visible()
    page.evaluate("window.sameDocument = true")
    return page


def bring(page, worker_app) -> None:
    chosen = {"name": "workshop.toml", "mimeType": "text/plain", "buffer": worker_app.config.encode()}
    page.get_by_label("The file").set_input_files(chosen)
    page.get_by_role("button", name="Import and start").click()


def test_before_it_has_a_file_the_page_keeps_nobody_out(page, worker_app):
    assert in_the_way(page, worker_app.link) == []


def test_a_file_is_brought_and_the_node_signs_on(page, worker_app, complaints):
    page.goto(worker_app.link)
    page.get_by_label("or what is in it").fill("token = 1")
    page.get_by_role("button", name="Import and start").click()
    expect(page.get_by_text("server_url is missing")).to_be_visible()
    bring(page, worker_app)
    expect(page.get_by_role("heading", name="workshop")).to_be_visible()
    expect(page.locator("#badge")).to_have_text(re.compile("Idle|Rendering"))
    expect(page.locator("#site-link a")).to_have_attribute("href", re.compile(rf"/workers/{worker_app.row[0]}/$"))
    expect(page.get_by_role("img", name=re.compile("Processor load"))).to_be_visible()
    assert complaints == []


def test_a_pause_shows_here_and_on_the_site_until_it_is_lifted_here(local_page, owners_page, worker_app, complaints):
    local_page.get_by_role("button", name="Pause", exact=True).click()
    expect(local_page.get_by_text("Paused on this machine.")).to_be_visible()
    owners_page.goto(f"/workers/{worker_app.row[0]}/")
    expect(owners_page.locator("#worker-head")).to_contain_text("Online, resting")
    expect(owners_page.locator("#worker-work")).to_contain_text("It was paused on the machine itself")
    local_page.get_by_role("button", name="Resume").click()
    expect(local_page.locator("#badge")).to_have_text(re.compile("Idle|Rendering"))
    await_that(lambda: worker_app.row[1] == "", "the site knows that it goes on")
    assert complaints == []


def test_a_pause_on_the_site_is_named_as_such(local_page, worker_app):
    worker_app.person.post(f"/workers/{worker_app.row[0]}/pause/")
    expect(local_page.locator("#headline")).to_contain_text("This is changed on its page on the site.")
    worker_app.person.post(f"/workers/{worker_app.row[0]}/resume/")
    expect(local_page.locator("#badge")).to_have_text(re.compile("Idle|Rendering"))
    assert same_document(local_page)


def test_what_it_earned_is_seen(local_page, worker_app, drawn):
    """The stack's own node leaves the frames to it."""
    own = worker_app.person.ask("SELECT id FROM workers_worker WHERE name = 'this-machine'")[0][0]
    worker_app.person.post(f"/workers/{own}/pause/")
    creator = Creator(worker_app.person.stack)
    job = int(re.search(r"/jobs/(\d+)/", str(creator.post(f"/rendering/jobs/{drawn}/copy/").url))[1])
    creator.submit(job, frames="1-2")
    creator.finish(job)
    worker_app.person.post(f"/workers/{own}/resume/")
    expect(local_page.locator("#earnings .stat-figure b").first).not_to_have_text(re.compile("–|^0.00$"))
    assert same_document(local_page)


def test_it_is_used_with_the_keyboard_and_keeps_the_focus(local_page):
    local_page.locator("#main").focus()
    tab_to(local_page, local_page.locator("#ask-stop"))
    local_page.keyboard.press("Enter")
    tab_to(local_page, local_page.locator("#verb-stop"))
    expect(local_page.get_by_text("and the agent ends")).to_be_visible()


def test_without_scripts_every_verb_is_a_form(chromium, worker_app):
    context = chromium.new_context(**VIEW, java_script_enabled=False)
    page = context.new_page()
    page.goto(worker_app.link)
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.get_by_text("Paused on this machine.")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    context.close()


def test_the_doctor_is_asked_from_the_page(local_page):
    local_page.get_by_role("button", name="Look this machine over").click()
    expect(local_page.locator("#doctor")).to_contain_text("Isolation by bubblewrap")


def test_the_page_keeps_nobody_out_and_fits_a_phone(page, worker_app):
    assert in_the_way(page, worker_app.link) == []
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(worker_app.link)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_stranger_s_page_cannot_pause_it(page, worker_app):
    """A form of another origin in the same browser, which even knows the address."""
    page.route("http://evil.example/", lambda route: route.fulfill(body="<form method=post></form>", content_type="text/html"))
    page.goto("http://evil.example/")
    page.evaluate("link => { document.forms[0].action = link + 'pause'; document.forms[0].submit(); }", worker_app.link)
    expect(page.get_by_text("This did not come from the page.")).to_be_visible()
    assert worker_app.row[1] == ""


def test_nor_show_it_in_a_frame(page, worker_app):
    page.route(
        "http://evil.example/",
        lambda route: route.fulfill(body=f"<iframe src='{worker_app.link}'></iframe>", content_type="text/html"),
    )
    page.goto("http://evil.example/")
    assert "workshop" not in page.frames[1].content()


def test_stopped_it_says_so_and_ends(local_page, worker_app):
    local_page.get_by_text("Stop…").click()
    local_page.get_by_role("button", name="Finish and stop").click()
    expect(local_page.get_by_role("heading", name="This node stops")).to_be_visible()
    assert worker_app.program.wait(END_SECONDS) == 0
    expect(local_page.get_by_text("The agent does not answer.")).to_be_visible()
