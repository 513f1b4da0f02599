"""The product's main story in a real browser: sign in, upload, submit, watch frames arrive, download, compare pixels."""

import os
import re
import subprocess
import zipfile
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import expect

from pictor_agent.pixels import pixels_sha256, read_pixels
from tests.stories.creator import await_that

pytestmark = [pytest.mark.browser, pytest.mark.stories, pytest.mark.blender, pytest.mark.xdist_group("blender")]
FRESH_RENDER = Path(__file__).parent.parent / "agent" / "fresh_render.py"
RENDERED_MS = 120_000
FRAMES = 4


def upload(page, scene: Path) -> int:
    """Choose the file; returns the job's id once its settings can be chosen."""
    page.goto("/rendering/new/")
    page.set_input_files("#upload-file", scene)
    page.wait_for_url("**/settings/")
    expect(page.locator("#job-form")).to_be_visible(timeout=60_000)
    return int(re.search(r"/jobs/(\d+)/", page.url)[1])


def submit(page) -> None:
    page.get_by_role("button", name=re.compile("^Submit")).click()
    page.wait_for_url(re.compile(r"/jobs/\d+/$"))


def seeds_of(stack, job: int) -> dict[int, int]:
    query = """SELECT task.frame, attempt.seed FROM rendering_task task
               JOIN rendering_attempt attempt ON attempt.task_id = task.id AND attempt.number = task.attempt
               WHERE task.job_id = %s"""
    with psycopg.connect(stack.databases.owner_url) as connection:
        return dict(connection.execute(query, [job]).fetchall())


def render_fresh(scene: Path, frame: int, seed: int, target: Path) -> str:
    """The pixels' hash of a plain Blender render of this frame."""
    arguments = [str(scene), str(frame), str(seed), "48", "27", "1", str(target)]
    subprocess.run([os.environ["BLENDER_PYTHON"], str(FRESH_RENDER), *arguments], check=True, capture_output=True)
    return hash_of(target)


def hash_of(path: Path) -> str:
    return pixels_sha256(read_pixels(path, pixels_max=10_000))


def test_a_creator_gets_the_very_frames_that_blender_makes(page, stack, tiny_scene, tmp_path, complaints):
    job = upload(page, tiny_scene)
    expect(page.locator("#job-quote")).to_contain_text(f"{FRAMES} frames, 48 × 27, 1 sample")
    submit(page)
    page.evaluate("window.sameDocument = true")

    expect(page.locator('#job-strip [data-status="accepted"]')).to_have_count(FRAMES, timeout=RENDERED_MS)
    expect(page.locator("#job-head")).to_contain_text("Completed")
    expect(page.locator("#job-newest img")).to_be_visible()
    assert page.evaluate("window.sameDocument"), "the page was loaded again"

    with page.expect_download() as started:
        page.get_by_role("link", name=f"Download {FRAMES} frames").click()
    started.value.save_as(tmp_path / "frames.zip")
    zipfile.ZipFile(tmp_path / "frames.zip").extractall(tmp_path)
    found = {int(path.stem[-4:]): hash_of(path) for path in tmp_path.rglob("*.png")}
    wanted = {
        frame: render_fresh(tiny_scene, frame, seed, tmp_path / f"fresh-{frame}.png")
        for frame, seed in seeds_of(stack, job).items()
    }
    assert found == wanted
    assert len(set(wanted.values())) == FRAMES
    stack.manage("check_ledger")
    assert complaints == []


def test_the_settings_page_quotes_what_is_typed(page, tiny_scene, complaints):
    upload(page, tiny_scene)
    page.fill("#id_frames", "1-30")
    expect(page.locator("#job-quote")).to_contain_text("Submit 30 frames")
    page.fill("#id_frames", "30-1")
    expect(page.locator("#job-quote")).to_contain_text("runs backwards")
    page.fill("#id_frames", "2")
    expect(page.locator("#job-quote")).to_contain_text("Submit 1 frame")
    submit(page)
    expect(page.locator('#job-strip [data-status="accepted"]')).to_have_count(1, timeout=RENDERED_MS)
    assert complaints == []


def test_an_upload_goes_on_after_the_page_was_closed(page, tmp_path):
    """Three parts of a file; the line is cut after the first that arrived, and the page reloaded: it is not sent again."""
    large = tmp_path / "large.blend"
    large.write_bytes(b"BLENDER17-01v0500" + os.urandom(20 * 1024**2) + b"ENDB")
    line, sent, held, taken = ["first part"], [], [], []

    def gate(route):
        if route.request.method == "PATCH" and line[0] == "cut":
            return route.abort()
        if route.request.method == "PATCH" and line[0] == "first part" and sent:
            return held.append(route)  # one part that fails stops the others, so these wait for the first
        if route.request.method == "PATCH":
            sent.append(route.request.url)
        return route.continue_()

    page.on("response", lambda answer: taken.append(answer.url) if answer.request.method == "PATCH" else None)
    page.route("**/rendering/uploads/**", gate)
    page.goto("/rendering/new/")
    page.set_input_files("#upload-file", large)
    await_that(lambda: page.wait_for_timeout(50) or (taken and held), "the first part arrived, others on their way")
    line[0] = "cut"
    for route in held:
        route.abort()
    expect(page.locator("#upload-words")).to_contain_text("Trying again", timeout=60_000)
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("/rendering/new/")
    expect(page.locator("#upload-begun")).to_contain_text("large.blend")
    line[0] = "mended"
    page.set_input_files("#upload-file", large)
    page.wait_for_url("**/settings/", timeout=60_000)
    assert sent.count(sent[0]) == 1, "the first part was sent again"


def test_the_same_folder_again_sends_nothing(page, tiny_scene, tmp_path):
    """Textures and linked files come along with their places; the second time only their hashes do."""
    show = tmp_path / "show"
    (show / "tex").mkdir(parents=True)
    (show / "main.blend").write_bytes(tiny_scene.read_bytes())
    (show / "tex" / "wood.png").write_bytes(os.urandom(10_000))
    sent = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "PATCH" else None)
    for parts in (2, 0):
        sent.clear()
        page.goto("/rendering/new/")
        page.set_input_files("#upload-folder", show)
        page.wait_for_url("**/settings/", timeout=60_000)
        assert len(sent) <= parts
    page.goto("/rendering/scenes/")
    expect(page.locator("#main")).to_contain_text("show/main.blend")


def test_a_file_of_another_kind_is_refused_at_once(page, tmp_path):
    (tmp_path / "picture.png").write_bytes(b"x")
    page.goto("/rendering/new/")
    page.set_input_files("#upload-file", tmp_path / "picture.png")
    expect(page.locator("#upload-problem")).to_contain_text(".blend")


def test_a_job_is_cancelled_only_after_a_question(page, tiny_scene):
    upload(page, tiny_scene)
    page.fill("#id_samples", "60000")
    submit(page)
    page.get_by_role("button", name="Cancel…").click()
    page.get_by_role("button", name="Keep as it is").first.click()
    page.get_by_role("button", name="Cancel…").click()
    page.get_by_role("button", name="Cancel the job", exact=True).click()
    expect(page.locator("#job-head")).to_contain_text("Cancelled")
