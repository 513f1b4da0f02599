"""What leaves a job's page: a frame, a zip, a film, the watch link; and an EXR looked at in another light."""

import io
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PATIENCE_MS, same_document, settled

pytestmark = [pytest.mark.browser, pytest.mark.stories, pytest.mark.blender, pytest.mark.xdist_group("blender")]
LIGHT = """async () => {
    const image = document.querySelector(".stage-a");
    await image.decode();
    const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight).getContext("2d");
    canvas.drawImage(image, 0, 0);
    const { data } = canvas.getImageData(0, 0, image.naturalWidth, image.naturalHeight);
    return data.reduce((sum, value) => sum + value, 0) / data.length;
}"""


def downloaded(page, link) -> tuple[str, bytes]:
    with page.expect_download(timeout=PATIENCE_MS) as started:
        link.click()
    return started.value.suggested_filename, Path(started.value.path()).read_bytes()


def test_downloads(stage, look, complaints):
    play = stage("1-3")
    play.accepted(1, 2)
    page = look(play)
    name, content = downloaded(page, page.get_by_role("link", name="Download frame 2 as PNG"))
    assert name.endswith("0002.png")
    assert content.startswith(b"\x89PNG")
    play.accepted(3)
    name, content = downloaded(page, page.get_by_role("link", name="Download 3 frames"))
    assert name.endswith(".zip")
    assert len(zipfile.ZipFile(io.BytesIO(content)).namelist()) == 3
    page.get_by_label("Some frames as .zip").fill("2-3")
    name, content = downloaded(page, page.locator(".job-zip").get_by_role("button", name="Download"))
    assert [Path(each).stem[-4:] for each in zipfile.ZipFile(io.BytesIO(content)).namelist()] == ["0002", "0003"]
    assert complaints == []


def test_a_film(stage, look, complaints):
    play = stage("1-4")
    page = look(play)
    film = page.locator("#job-film")
    expect(film).to_contain_text("Possible as soon as a frame is accepted.")
    play.accepted(1, 2, 3, 4)
    expect(film.get_by_role("button", name="Make a film")).to_be_visible()
    assert same_document(page)
    film.get_by_label("fps").fill("12")
    film.get_by_role("button", name="Make a film").click()
    expect(film).to_contain_text("of 4 frames at 12 a second")
    name, content = downloaded(page, film.get_by_role("link", name="Download MP4"))
    assert name.endswith(".mp4")
    assert content[4:8] == b"ftyp"
    film.get_by_label("Format of the film").select_option("webm")
    film.get_by_role("button", name="Make it again").click()
    name, content = downloaded(page, film.get_by_role("link", name="Download WEBM"))
    assert content.startswith(b"\x1a\x45\xdf\xa3")
    assert complaints == []


def stranger(chromium, play, scripts: bool):
    """A page of somebody who is not signed in."""
    context = chromium.new_context(base_url=play.creator.stack.url, java_script_enabled=scripts)
    context.set_default_timeout(PATIENCE_MS)
    return context.new_page()


def test_a_watch_link_is_given_and_taken_back(stage, look, chromium, complaints):
    """Unlisted, public, private; without JavaScript, and live with it."""
    play = stage("1-3")
    play.accepted(1)
    page = look(play)
    share = page.locator("#job-share")
    expect(share).to_contain_text("Private: only you see this job.")
    share.get_by_label("Who may watch").select_option("public")
    share.get_by_role("button", name="Save").click()
    expect(share).to_contain_text("whoever finds the link sees progress and pictures, no cost and no names")
    address = page.locator("#watch-url").inner_text()
    with_scripts, without = (stranger(chromium, play, scripts) for scripts in (True, False))
    for watching in (with_scripts, without):
        watching.goto(address)
        expect(watching.locator("#watch-progress")).to_contain_text("of 3 frames")
        expect(watching.locator("#watch-newest img")).to_be_visible()
        assert watching.request.get(watching.locator("#watch-newest img").get_attribute("src")).ok
        expect(watching.locator("body")).not_to_contain_text("puppet")
    settled(with_scripts)
    play.accepted(2)
    expect(with_scripts.locator("#watch-newest")).to_contain_text("Frame 2")
    assert same_document(with_scripts)
    assert 'http-equiv="refresh"' in without.content()
    without.reload()
    expect(without.locator("#job-strip [data-status=accepted]")).to_have_count(2)
    without.locator("#job-strip a").first.click()
    expect(without.get_by_role("heading", name="Frame 1")).to_be_visible()
    share.get_by_label("Who may watch").select_option("")
    share.get_by_role("button", name="Save").click()
    expect(share).to_contain_text("Private: only you see this job.")
    assert without.goto(address).status == 404
    for watching in (with_scripts, without):
        watching.context.close()
    assert complaints == []


def test_an_exr_in_another_light(stage, look, complaints):
    play = stage("1", format="OPEN_EXR")
    play.accepted(1)
    page = look(play, "frames/1/")
    before = page.evaluate(LIGHT)
    page.get_by_label("Exposure").select_option("2")
    page.wait_for_function("() => document.querySelector('.stage-a').src.endsWith('/exposure/2/')")
    assert page.evaluate(LIGHT) > before
    page.get_by_label("Exposure").select_option("-3")
    page.wait_for_function("() => document.querySelector('.stage-a').src.endsWith('/exposure/-3/')")
    assert page.evaluate(LIGHT) < before
    assert complaints == []
