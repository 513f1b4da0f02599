"""What changes on a job's page by itself: a row of the product's list per story, each without a reload.

Frames are a puppet's: a node that does what the test says (puppet.py). docs/realtime.md has the table of rows and stories.
"""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import same_document, settled

pytestmark = [pytest.mark.browser, pytest.mark.stories, pytest.mark.blender, pytest.mark.xdist_group("blender")]


@pytest.fixture(autouse=True)
def nothing_is_wrong(page, complaints):
    """No story loads the page again, none leaves a complaint in the console."""
    yield
    assert same_document(page), "the page was loaded again"
    assert complaints == []


def statuses(page) -> list[str]:
    return page.locator("#job-strip [data-status]").evaluate_all("tiles => tiles.map((tile) => tile.dataset.status)")


def test_progress(stage, look):
    play = stage("1-8")
    play.accepted(1)
    page = look(play)
    bar = page.get_by_role("progressbar", name="Frames accepted, and on their way")
    expect(bar).to_have_attribute("aria-valuenow", "12.5")
    play.accepted(2, 3)
    expect(page.locator("#job-stats .stat").first).to_contain_text(re.compile("3.*of 8 frames", re.S))
    expect(bar).to_have_attribute("aria-valuenow", "37.5")


def test_the_strip_shows_the_gaps(stage, look):
    play = stage("1-7", render_order="nth", order_step="3")
    page = look(play)
    expect(page.locator("#job-strip [data-status]")).to_have_count(7)
    play.accepted(1, 4, 7)
    expect(page.locator('#job-strip [data-status="accepted"] img')).to_have_count(3)
    play.start(2)
    play.progress(2, 0.5, "sample 1 of 2")
    expect(page.locator('#job-strip [data-view="2"] progress')).to_have_attribute("value", "50")
    assert [statuses(page)[place] for place in (0, 1, 3, 4, 5, 6)] == [
        "accepted", "rendering", "accepted", "waiting", "waiting", "accepted",
    ]  # fmt: skip


def test_the_latest_frame(stage, look):
    play = stage("1-4")
    page = look(play)
    newest = page.locator("#job-newest")
    expect(newest).to_contain_text("The first frame appears here")
    for frame in (1, 2):
        play.accepted(frame)
        expect(newest.get_by_role("heading")).to_have_text(f"Frame {frame}")
        expect(newest).to_contain_text("newest, accepted, 2.0 s on puppet")
        page.wait_for_function("() => document.querySelector('#job-newest img').naturalWidth === 48")


def test_the_chart_of_seconds_per_frame(stage, look):
    play = stage("1-5")
    page = look(play)
    chart = page.locator("#job-chart")
    expect(chart).to_contain_text("Drawn from the first accepted frame on")
    play.accepted(1, 2, 3)
    expect(chart.locator(".chart-hit")).to_have_count(3)
    play.accepted(4, seconds=9.0)
    expect(chart).to_contain_text("slowest 9 s, frame 4")
    chart.locator(".chart-hit").nth(3).hover()
    expect(chart.locator(".spread-words")).to_contain_text("frame 4: 9.00 s")
    chart.get_by_role("link", name="As a table").click()
    expect(page.get_by_role("row")).to_have_count(5)
    expect(page.get_by_role("row").last).to_contain_text("9.00 s")
    page.go_back()
    settled(page)


def test_nodes_at_work(stage, look):
    play = stage("1-3")
    play.start(1)
    page = look(play)
    nodes = page.locator("#job-nodes")
    play.progress(1, 0.4, note := "sample 410 of 1024, 00:09 left, 240M")
    expect(nodes).to_contain_text("40 %")
    expect(nodes.locator(".job-note")).to_have_text(note)
    assert nodes.locator(".job-note").evaluate("words => words.scrollWidth <= words.clientWidth"), "the note is cut"
    expect(nodes.locator("li").nth(1)).to_contain_text(re.compile("frame 2.*next", re.S))
    play.accepted(1)
    play.start(2)
    play.progress(2, 0.7, "sample 7 of 10")
    expect(nodes.locator("li").first).to_contain_text(re.compile("frame 2.*70 %", re.S))
    play.accepted(2, 3)
    expect(nodes.get_by_role("heading")).to_have_text("Rendered by")
    expect(nodes).to_contain_text("3 frames")


def test_the_log_of_a_frame_is_streamed(stage, look):
    play = stage("1-2")
    play.start(1)
    page = look(play, "frames/1/")
    log = page.locator("#frame-log-text")
    play.say(1, first := "Fra:1 Mem:24M | Sample 1/8\n")
    expect(log).to_contain_text("Sample 1/8")
    play.say(1, "Fra:1 Mem:24M | Sample 2/8\n", offset=len(first))
    expect(log).to_contain_text("Sample 2/8")
    expect(log).to_contain_text("Sample 1/8")
    play.accepted(1)
    expect(log).to_contain_text("Saved")
    expect(page.locator("#proof")).to_contain_text("SHA-256 of the pixels")


def test_the_cost_meter(stage, look):
    play = stage("1-4", cap="5")
    page = look(play)
    cost = page.locator("#job-stats .stat").nth(2)
    expect(cost.locator("b")).to_have_text("0")
    expect(cost).to_contain_text("Cap 5.00, the job pauses before it is passed")
    play.accepted(1)
    expect(cost.locator("b")).not_to_have_text("0")
    play.accepted(2, 3, 4)
    expect(cost).to_contain_text("Nothing more will be charged")
    charged = play.creator.ask("SELECT charged_micros FROM rendering_job WHERE id = %s", play.job)[0][0]
    expect(cost.locator("b")).to_have_text(f"{charged / 1e6:.6f}".rstrip("0"))


def test_the_range_of_the_end(stage, look):
    play = stage("1-6")
    play.start(1)
    page = look(play)
    finish = page.locator("#job-stats .stat").nth(1)
    expect(finish).to_contain_text("1 node at work; known after the first frame")
    play.accepted(1, seconds=200.0)
    play.start(2)
    expect(finish).to_contain_text("200.0 s a frame")
    expect(finish.locator("time")).to_have_count(2)
    low, high = finish.locator("time").evaluate_all("times => times.map((time) => time.dateTime)")
    assert low < high
    play.accepted(2, 3, 4, 5, 6)
    expect(finish).to_contain_text("Finished")


def test_the_timeline(stage, look):
    play = stage("1-3")
    page = look(play)
    events = page.locator("#job-events")
    expect(events).to_contain_text("Job submitted")
    play.accepted(1)
    expect(events).to_contain_text(re.compile("Frame 1 .*accepted"))
    play.fail(2, "renderer_crashed", "Segmentation fault")
    expect(events).to_contain_text("Segmentation fault")
    play.post("pause")
    expect(events).to_contain_text("Job paused by Carla Creator")
