"""What a creator can do with a job, from its page: a row of the product's list per story; and why a job waits.

What somebody else does (the owner of the node, the same creator on another machine) is seen without a reload.
"""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import same_document, settled
from tests.stories.creator import Person, await_that

pytestmark = [pytest.mark.browser, pytest.mark.stories, pytest.mark.blender, pytest.mark.xdist_group("blender")]


@pytest.fixture(autouse=True)
def nothing_is_wrong(complaints):
    yield
    assert complaints == []


def badge(page):
    return page.locator("#job-head .badge")


def test_why_it_is_waiting(stage, look, stack):
    owner = Person(stack, "owner")
    node = owner.ask("SELECT id FROM workers_worker WHERE name = 'puppet'")[0][0]
    owner.post(f"/workers/{node}/pause/")
    try:
        play = stage("1-6")
        page = look(play)
        expect(page.locator("#job-notice")).to_contain_text(re.compile("Why it is waiting:.*No node is online", re.S))
    finally:
        owner.post(f"/workers/{node}/resume/")
    play.start(1)
    expect(page.locator("#job-notice .notice")).to_have_count(0)
    assert same_document(page)


def test_pause_and_resume(stage, look):
    play = stage("1-6")
    play.start(1)
    page = look(play)
    play.post("pause")
    expect(badge(page)).to_contain_text("Paused")
    expect(page.locator("#job-notice")).to_contain_text("Paused by you. Frames that were on a node already")
    assert same_document(page)
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("status").filter(has_text="Resumed.")).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Pause").click()
    expect(badge(page)).to_contain_text("Paused")
    settled(page)
    play.post("resume")
    expect(badge(page)).to_contain_text("Rendering")
    assert same_document(page)


def test_cancel_asks_first(stage, look):
    play = stage("1-6")
    play.accepted(1)
    play.start(2)
    page = look(play)
    page.get_by_role("button", name="Cancel…").click()
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("Accepted frames stay yours")
    question.get_by_role("button", name="Keep as it is").click()
    expect(question).to_be_hidden()
    assert play.creator.status(play.job) == "rendering"
    page.get_by_role("button", name="Cancel…").click()
    question.get_by_role("button", name="Cancel the job").click()
    expect(badge(page)).to_contain_text("Cancelled")
    expect(page.get_by_role("link", name="Download 1 frame")).to_be_visible()
    await_that(lambda: not play.node.items, "the node was told to stop")


def test_a_failed_frame_is_put_back(stage, look):
    """Three times on the only node is the limit of the frame; it is told without a reload, and one press puts it back."""
    play = stage("1-2")
    page = look(play)
    for _ in range(3):
        play.fail(1, "time_limit")  # a crash would be held against the node
    play.accepted(2)
    expect(page.locator("#job-notice")).to_contain_text("1 frame could not be rendered.")
    expect(page.locator('#job-strip [data-view="1"]')).to_have_attribute("data-status", "failed")
    assert same_document(page)
    page.get_by_role("button", name="Requeue failed").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("#again-price")).to_contain_text("1 failed frame")
    dialog.get_by_role("button", name="Render again").click()
    play.accepted(1)
    expect(badge(page)).to_contain_text("Completed")


def test_a_rerender_with_a_reason(stage, look):
    play = stage("1-3")
    play.accepted(1, 2, 3)
    page = look(play)
    page.get_by_role("button", name="Render again…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Frames", exact=True).fill("2-3")
    expect(dialog.locator("#again-price")).to_contain_text("2 accepted frames")
    dialog.get_by_label("Why").select_option("check")
    dialog.get_by_label(re.compile("In your words")).fill("The sky flickers")
    dialog.get_by_role("button", name="Render again").click()
    expect(page.locator("#job-events")).to_contain_text("To see whether it comes out the same")
    expect(page.locator("#job-events")).to_contain_text("The sky flickers")
    settled(page)
    play.accepted(2, 3)
    expect(badge(page)).to_contain_text("Completed")
    expect(page.locator("#job-strip [data-status=accepted]")).to_have_count(3)
    assert same_document(page)


def test_the_cap_is_raised(stage, look):
    play = stage("1-6", cap="0.000001")  # less than what is set aside for one frame, however cheap others were
    page = look(play)
    expect(page.locator("#job-notice")).to_contain_text("Paused at your cap.")
    page.get_by_role("button", name="Raise the cap").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Spend cap").fill("2")
    dialog.get_by_role("button", name="Change the cap").click()
    expect(page.locator("#job-stats")).to_contain_text("Cap 2.00, the job pauses before it is passed")
    settled(page)
    play.accepted(1)
    expect(badge(page)).to_contain_text("Rendering")
    expect(page.locator("#job-notice .notice")).to_have_count(0)
    assert same_document(page)


def test_a_preview_is_approved(stage, look):
    play = stage("1-4", gate_step="2")
    page = look(play)
    play.accepted(1, 3)
    expect(page.locator("#job-notice")).to_contain_text("Preview ready.")
    assert same_document(page)
    page.get_by_role("button", name="Approve and render the rest").click()
    expect(page.get_by_role("status").filter(has_text="Approved.")).to_be_visible()
    settled(page)
    play.accepted(2, 4)
    expect(badge(page)).to_contain_text("Completed")
    assert same_document(page)


def test_a_preview_is_sent_back(stage, look):
    play = stage("1-4", gate_step="2")
    page = look(play)
    play.accepted(1, 3)
    page.get_by_role("button", name="Ask for changes…").click()
    page.get_by_role("button", name="Change the settings").click()
    page.wait_for_url(re.compile(r"/settings/$"))
    expect(page.locator("#id_gate_step")).to_have_value("2")
    assert play.creator.status(play.job) in {"cancelled", "completed"}
