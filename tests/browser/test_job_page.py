"""Frames that Blender has rendered: looked into, proved, compared, watched by others. One job for all of these stories.

The table of the rows of a job's page and their stories is in docs/realtime.md.
"""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import settled
from tests.stories.creator import Creator

pytestmark = [pytest.mark.browser, pytest.mark.stories, pytest.mark.blender, pytest.mark.xdist_group("blender")]
FRAMES = 4
RENDERED_MS = 180_000


@pytest.fixture(scope="module")
def job(stack, tiny_scene) -> int:
    """A completed job of four frames, made over plain HTTP."""
    creator = Creator(stack)
    number = creator.upload(tiny_scene)
    creator.submit(number, name="Cube")
    creator.finish(number)
    return number


@pytest.fixture
def opened(page, job):
    page.goto(f"/rendering/jobs/{job}/")
    expect(page.locator('#job-strip [data-status="accepted"]')).to_have_count(FRAMES, timeout=RENDERED_MS)
    settled(page)  # a strip that is drawn anew takes the focus along
    return page


def test_a_frame_is_looked_into_with_the_keyboard(opened, complaints):
    opened.locator('#job-strip a[data-view="1"]').focus()
    opened.keyboard.press("Enter")
    viewer = opened.locator("#viewer")
    title = viewer.locator("h2")
    expect(title).to_have_text("Frame 1")
    scale = viewer.locator(".stage-scale")
    expect(scale).to_have_text("200 %")  # a small frame is made larger, but no further than this
    opened.keyboard.press("+")
    expect(scale).to_have_text("300 %")
    opened.keyboard.press("0")
    expect(scale).to_have_text("200 %")
    opened.keyboard.press("1")
    expect(scale).to_have_text("100 %")
    opened.keyboard.press("0")
    opened.keyboard.press("ArrowRight")
    expect(title).to_have_text("Frame 2")
    opened.keyboard.press("ArrowLeft")
    expect(title).to_have_text("Frame 1")
    opened.keyboard.press("Escape")
    expect(viewer).not_to_be_visible()
    expect(opened.locator('#job-strip a[data-view="1"]')).to_be_focused()
    assert complaints == []


def test_every_frame_has_its_proof_and_its_log(opened, job, complaints):
    opened.locator("#job-newest").get_by_role("link", name="Proof").click()
    opened.wait_for_url(re.compile(rf"/jobs/{job}/frames/\d/#proof"))
    expect(opened.locator("#proof")).to_contain_text("SHA-256 of the pixels")
    expect(opened.locator("#frame-facts")).to_contain_text("Its pixels hash to what the node committed to")
    expect(opened.locator("#frame-log-text")).to_contain_text("Saved")
    with opened.expect_download() as started:
        opened.get_by_role("link", name="Text", exact=True).click()
    assert started.value.suggested_filename.endswith(".log.txt")
    assert complaints == []


def test_chosen_frames_are_rendered_again_and_both_attempts_compared(opened, job, complaints):
    opened.get_by_role("button", name="Choose frames").click()
    for frame in (2, 3):
        opened.locator(f'#job-strip [data-view="{frame}"]').click()
    expect(opened.locator("#grid-choice-words")).to_contain_text("2 frames chosen: 2-3")
    opened.locator('#job-strip [data-view="3"]').focus()
    opened.keyboard.press("Space")
    expect(opened.locator("#grid-choice-words")).to_contain_text("1 frame chosen: 2")
    opened.locator('[data-choice="again"]').click()
    expect(opened.locator("#again-price")).to_contain_text("1 accepted frame: charged again")
    opened.select_option("#requeue-why", "check")
    opened.locator("#requeue").get_by_role("button", name="Render again").click()
    expect(opened.locator("#job-events")).to_contain_text("To see whether it comes out the same")
    expect(opened.locator('#job-strip [data-status="accepted"]')).to_have_count(FRAMES, timeout=RENDERED_MS)
    opened.goto(f"/rendering/jobs/{job}/frames/2/")
    opened.get_by_role("button", name="Compare").click()
    expect(opened.locator(".stage-b")).to_be_visible()
    opened.locator("[data-ab-slider]").fill("20")
    assert "20%" in opened.locator(".stage-b").evaluate("image => image.style.clipPath")
    first, second = (opened.locator(side).evaluate("image => image.src") for side in (".stage-a", ".stage-b"))
    assert first != second
    assert complaints == []


def test_a_watch_link_works_for_anybody_and_without_scripts(opened, chromium, stack, job, complaints):
    opened.select_option("#share-visibility", "unlisted")
    opened.locator("#job-share").get_by_role("button", name="Save").click()
    address = opened.locator("#watch-url").inner_text()
    for scripts in (True, False):
        stranger = chromium.new_context(java_script_enabled=scripts)
        watching = stranger.new_page()
        watching.goto(address)
        expect(watching.locator("#watch-progress")).to_contain_text(f"of {FRAMES} frames")
        expect(watching.locator("#watch-newest img")).to_be_visible()
        expect(watching.locator("#job-strip a")).to_have_count(FRAMES)
        if scripts:
            expect(watching.locator("html")).to_have_attribute("data-live-state", "on", timeout=RENDERED_MS)
        watching.locator("#job-strip a").first.click()
        expect(watching.get_by_role("heading", name="Frame 1")).to_be_visible()
        stranger.close()
    opened.locator("#job-share").get_by_role("button", name="New link").click()
    expect(opened.locator("#watch-url")).not_to_have_text(address)
    gone = chromium.new_context().new_page()
    assert gone.goto(address).status == 404
    gone.context.close()
    assert complaints == []
