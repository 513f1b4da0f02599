"""The grid of a job of 10,000 frames: a window at a time, by pointer and by keyboard, and live."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import same_document

pytestmark = [pytest.mark.browser, pytest.mark.stories, pytest.mark.blender, pytest.mark.xdist_group("blender")]
WINDOW = 120


def test_ten_thousand_frames(stage, look, complaints):
    play = stage("1-10000")
    page = look(play)
    tiles = page.locator("#job-strip [data-view]")
    expect(page.locator("#job-stats")).to_contain_text("of 10,000 frames")
    expect(tiles).to_have_count(WINDOW)
    play.accepted(1, 2)
    expect(page.locator('#job-strip [data-status="accepted"] img')).to_have_count(2)
    page.get_by_role("link", name="Later").click()
    expect(tiles.first).to_have_attribute("data-view", "121")
    page.locator(".map-windows a").nth(40).click()
    expect(tiles.first).to_have_attribute("data-view", "4801")
    page.fill("#map-frame", "9999")
    page.keyboard.press("Enter")
    expect(page.locator('#job-strip [data-view="9999"]')).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.locator('#job-strip [data-view="10000"]')).to_be_focused()
    page.keyboard.press("PageUp")
    expect(page.locator('#job-strip [data-view="9880"]')).to_be_focused()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    expect(page.locator('#job-strip [data-view="9840"]')).to_be_focused()
    page.keyboard.press("Home")
    expect(page.locator('#job-strip [data-view="9721"]')).to_be_focused()
    assert same_document(page), "the page was loaded again"
    assert complaints == []
