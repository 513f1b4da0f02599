"""A still in tiles: ordered, checked and paid one by one; put together once all are in, and again when one is rendered anew."""

import io
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import IntegrityError
from django.urls import reverse

from common import clock
from pictor_agent import pixels
from pictor_agent.protocol import REGIONS_SINCE
from rendering import archives, background, services
from rendering.errors import NothingToDo
from rendering.models import Attempt, MergedFrame, Output, Task
from rendering.orphans import drop_unknown
from rendering.services import MERGE_TRIES_MAX
from rendering.services.watching import share_job
from rendering.states import JobStatus, TaskStatus
from rendering.work import render_spec
from tests.agent.conftest import HERE, blender_python
from tests.builders import NOW, feed, make_job, make_scene, make_user, make_worker
from tests.rendering.tiles import HEIGHT, WIDTH, deliver_tile, exr_bytes, finish_tiles, whole_picture
from workers import explain

pytestmark = pytest.mark.django_db
LONG_AFTER = NOW.replace(year=2100)


def make_still(**fields):
    """A submitted job of frame 7 in two times two tiles."""
    row = {
        "frames": "7",
        "tiles": "2x2",
        "width": WIDTH,
        "height": HEIGHT,
        "status": JobStatus.QUEUED,
        "denoise": False,
    } | fields
    return make_job(**row)


@pytest.fixture
def still():
    make_worker(slots=4)
    return make_still()


@pytest.fixture
def finished(still):
    finish_tiles(still)
    still.refresh_from_db()
    return still


class OrderTests:
    def test_an_agent_of_before_tiles_gets_none_and_the_page_says_what_is_missing(self):
        make_worker(slots=4, protocol=REGIONS_SINCE - 1)
        still = make_still()
        assert feed() == 0
        assert explain.what_is_missing("render", still.pk) == "It needs a node with a newer agent; 1 node online, none fits."
        make_worker(slots=4)
        assert feed() == 4

    def test_each_tile_is_a_task_of_the_one_frame(self, still):
        assert list(still.tasks.values_list("frame", "tile")) == [(7, 1), (7, 2), (7, 3), (7, 4)]
        assert still.frame_count == 4

    def test_a_tile_is_there_once(self, still):
        with pytest.raises(IntegrityError):
            Task.objects.create(job=still, frame=7, tile=3)

    def test_nodes_get_regions_with_one_seed_and_raw_passes(self, still):
        feed()
        specs = [render_spec(attempt, []) for attempt in Attempt.objects.select_related("task__job__scene").order_by("task")]
        assert len({spec.seed for spec in specs}) == 1
        assert [(spec.region.left, spec.region.top) for spec in specs] == [(0, 0), (12, 0), (0, 4), (12, 4)]
        assert {(spec.width, spec.height, spec.format, spec.depth_bits) for spec in specs} == {
            (WIDTH, HEIGHT, "OPEN_EXR_MULTILAYER", 32)
        }

    def test_a_whole_frame_has_no_region(self):
        make_worker()
        make_job(status=JobStatus.RENDERING, frames="1")
        spec = render_spec(Attempt.objects.select_related("task__job__scene").get(), [])
        assert (spec.region, spec.format) == (None, "PNG")

    def test_a_still_makes_no_film(self, finished):
        with pytest.raises(NothingToDo):
            services.start_film(finished)


class CheckTests:
    def refused(self, job, content: bytes) -> str:
        feed()
        task = job.tasks.get(tile=1)
        deliver_tile(task, content)
        return Attempt.objects.get(task=task, number=1).outcome

    def test_a_tile_of_another_size_is_refused(self, still):
        assert self.refused(still, exr_bytes(whole_picture()[:9, :9])) == "wrong_size"

    def test_a_picture_that_is_no_tile_is_refused(self, still):
        feed()
        task = still.tasks.get(tile=1)
        deliver_tile(task, exr_bytes(whole_picture()[:20, :28], "RGB"))
        assert Attempt.objects.get(task=task, number=1).outcome == "wrong_channels"

    def test_a_tile_without_guides_is_refused_where_the_whole_is_denoised(self):
        make_worker(slots=4)
        assert self.refused(make_still(denoise=True), exr_bytes(whole_picture()[:20, :28])) == "wrong_channels"


class PayTests:
    def test_the_cost_is_the_sum_of_the_tiles(self, finished):
        tasks = list(finished.tasks.all())
        assert finished.status == JobStatus.COMPLETED
        assert all(task.charged_micros > 0 for task in tasks)
        assert finished.charged_micros == sum(task.charged_micros for task in tasks)

    def test_a_tile_that_is_harder_than_the_others_is_paid_in_full(self):
        """Frames resemble each other, so their peers bound them; tiles do not."""
        workers = [make_worker() for _ in range(4)]
        job = make_still()
        feed()
        for number, task in enumerate(job.tasks.all()):
            deliver_tile(task, seconds=3.0 if number == 3 else 0.5)
        assert len(workers) == Attempt.objects.values("worker").distinct().count()
        assert Attempt.objects.get(task__tile=4).billable_ms == 3_000


class MergeTests:
    def test_nothing_is_merged_before_every_tile_is_in(self, still):
        feed()
        deliver_tile(still.tasks.get(tile=1))
        assert background.merge_tiles(still.pk) is False
        assert not MergedFrame.objects.exists()

    def test_what_cannot_be_finished_is_tried_again_and_then_left_with_its_tiles(self, finished, signed_in):
        """The scene of the builders is no real .blend: the true program in the true sandbox refuses it."""
        for tries in range(1, MERGE_TRIES_MAX + 1):
            assert background.sweep_unmerged_jobs() == 1
            assert MergedFrame.objects.get().tries == tries
        assert background.sweep_unmerged_jobs() == 0
        assert MergedFrame.objects.get().failure
        names = [entry.name for entry in archives.entries_of(finished)]
        assert names == [f"carousel/carousel_0007_tile_0{number}.exr" for number in range(1, 5)]
        page = signed_in(finished.owner).get(finished.get_absolute_url()).content.decode()
        assert "could not be put together" in page

    def test_tiles_that_end_whoever_puts_them_together_are_left_as_they_are(self, finished, ended_while_looking):
        ended_while_looking("merge", max(Output.objects.values_list("pk", flat=True)))
        for _ in range(services.MERGE_TRIES_MAX):
            assert background.sweep_unmerged_jobs() == 1
        assert background.sweep_unmerged_jobs() == 0
        assert "ended by it" in MergedFrame.objects.get().failure

    def test_a_newer_frame_is_not_replaced_by_an_older_one(self, finished):
        newest = Output.objects.order_by("-pk").first().pk
        assert services.keep_merged_frame(finished, newest, stored("new"), NOW)
        assert not services.keep_merged_frame(finished, newest - 1, stored("old"), NOW)
        assert MergedFrame.objects.get().storage_key.endswith("new.png")
        assert not services.note_failed_merge(finished, newest - 1, "late", NOW)
        assert MergedFrame.objects.get().failure == ""

    def test_a_tile_rendered_anew_makes_the_frame_due_again(self, finished):
        newest = Output.objects.order_by("-pk").first().pk
        services.keep_merged_frame(finished, newest, stored("first"), clock.now())
        assert not services.wants_merge(finished, newest)
        assert background.sweep_unmerged_jobs() == 0
        services.requeue_tasks(finished, [finished.tasks.get(tile=2).pk], now=NOW)
        finish_tiles(finished)
        assert services.wants_merge(finished, Output.objects.order_by("-pk").first().pk)

    def test_the_merged_frame_goes_with_the_frames(self, finished):
        newest = Output.objects.order_by("-pk").first().pk
        services.keep_merged_frame(finished, newest, stored(f"frames/{finished.pk}/0-{newest}"), NOW)
        assert drop_unknown("frames", str(finished.pk), before=LONG_AFTER) == 0
        services.delete_frames(finished, NOW)
        assert not MergedFrame.objects.exists()
        assert not services.keep_merged_frame(finished, newest, stored("late"), NOW)
        drop_unknown("frames", str(finished.pk), before=LONG_AFTER)
        assert not default_storage.exists(f"frames/{finished.pk}/0-{newest}.png")


def stored(name: str) -> dict:
    """What is said of a merged frame whose file is there."""
    key = default_storage.save(f"{name}.png" if "/" in name else f"tests/{name}.png", ContentFile(b"png"))
    small = {"preview_key": "", "thumbnail_key": "", "width": WIDTH, "height": HEIGHT}
    return {"storage_key": key, "sha256": "a" * 64, "pixels_sha256": "b" * 64, "size_bytes": 3, **small}


class PageTests:
    def test_the_page_counts_tiles_and_shows_them_in_place(self, still, signed_in):
        feed()
        deliver_tile(still.tasks.get(tile=4))
        page = signed_in(still.owner).get(still.get_absolute_url()).content.decode()
        assert "1 of 4 tiles" in page
        assert "of 4 tiles" in page
        assert 'viewBox="8 8 20 12"' in page
        assert page.count('class="mosaic-tile"') == 3

    def test_the_frames_page_says_which_node_rendered_which_tile(self, still, signed_in):
        feed()
        deliver_tile(still.tasks.get(tile=2))
        node = Attempt.objects.get(task__tile=2).worker.name
        client = signed_in(still.owner)
        page = client.get(reverse("rendering:frame-detail", args=[still.pk, 7])).content.decode()
        assert 'id="tile-2"' in page
        assert node in page
        part = client.get(reverse("rendering:frame-detail", args=[still.pk, 7]), {"part": "tiles"})
        assert part.status_code == 200
        assert client.get(reverse("rendering:frame-detail", args=[still.pk, 8])).status_code == 404

    def test_tiles_have_pictures_files_and_logs_of_their_own(self, still, signed_in):
        feed()
        deliver_tile(still.tasks.get(tile=2))
        client, image = signed_in(still.owner), reverse("rendering:task-image", args=[still.pk, 7, "thumb"])
        assert client.get(image, {"tile": 2})["Content-Type"] == "image/webp"
        assert client.get(image).status_code == 200  # the newest tile stands for the frame
        assert client.get(image, {"tile": 1}).status_code == 404
        full = client.get(reverse("rendering:task-image", args=[still.pk, 7, "full"]), {"tile": 2})
        assert "carousel_0007_tile_02.exr" in full["Content-Disposition"]
        assert client.get(reverse("rendering:task-image", args=[still.pk, 7, "full"])).status_code == 404
        log = reverse("rendering:attempt-log", args=[still.pk, 7, 1])
        assert client.get(log, {"tile": 2, "text": 1}).status_code == 200

    def test_who_watches_sees_it_grow(self, still, client):
        feed()
        deliver_tile(still.tasks.get(tile=1))
        link = share_job(still, "unlisted")
        page = client.get(link.get_absolute_url())
        assert "1 of 4 tiles" in page.content.decode()
        image = reverse("rendering:watch-image", args=[link.token, 7, "preview"])
        assert client.get(image, {"tile": 1}).status_code == 200
        assert client.get(image).status_code == 404
        assert client.get(reverse("rendering:watch-frame", args=[link.token, 7])).status_code == 200

    def test_every_part_of_the_page_can_be_read(self, finished, signed_in):
        client = signed_in(finished.owner)
        for part in ("strip", "head", "download", "notice", "stats", "newest", "chart", "nodes", "film", "events"):
            assert client.get(reverse("rendering:job-part", args=[finished.pk, part])).status_code == 200
        events = client.get(reverse("rendering:job-part", args=[finished.pk, "events"])).content.decode()
        assert "Tile" in events
        assert "Frame 7" not in events

    def test_a_failed_tile_can_be_rendered_again_by_its_number(self, still, signed_in):
        Task.objects.filter(job=still, tile=3).update(status=TaskStatus.FAILED)
        url = reverse("rendering:job-requeue", args=[still.pk])
        signed_in(still.owner).post(url, {"which": "frames", "frames": "3"})
        assert still.tasks.get(tile=3).status == TaskStatus.WAITING


# The whole of it, with a real Blender ---------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def real_scene(tmp_path_factory) -> bytes:
    """A .blend of this Blender."""
    folder = tmp_path_factory.mktemp("real")
    subprocess.run(
        [blender_python(), "-I", HERE / "make_scenes.py", folder, folder], check=True, capture_output=True, timeout=240
    )
    return (folder / "plain.blend").read_bytes()


@pytest.mark.blender
@pytest.mark.xdist_group("blender")
@pytest.mark.timeout(600)
def test_the_frame_is_put_together_to_the_bit_and_delivered_as_one(real_scene, signed_in, tmp_path):
    make_worker(slots=4)
    owner = make_user("alice", credits=10)
    job = make_still(owner=owner, scene=make_scene(owner, content=real_scene), format="OPEN_EXR", depth_bits=32)
    finish_tiles(job)
    assert background.sweep_unmerged_jobs() == 1
    merged = MergedFrame.objects.get()
    assert merged.failure == ""
    client = signed_in(owner)
    archive = zipfile.ZipFile(io.BytesIO(client.get(reverse("rendering:job-zip", args=[job.pk])).getvalue()))
    assert archive.namelist() == ["carousel/carousel_0007.exr"]
    (tmp_path / "frame.exr").write_bytes(archive.read("carousel/carousel_0007.exr"))
    decoded = pixels.decode(Path(tmp_path / "frame.exr"), pixels_max=WIDTH * HEIGHT, image_format="OPEN_EXR")
    channels = decoded.pixels.shape[2]
    assert np.array_equal(decoded.pixels, whole_picture()[:, :, :channels])
    assert decoded.sha256 == merged.pixels_sha256
    page = client.get(job.get_absolute_url()).content.decode()
    assert "Download the frame" in page
    assert "put together from 4 tiles" in page
    full = client.get(reverse("rendering:task-image", args=[job.pk, 7, "full"]))
    assert "carousel_0007.exr" in full["Content-Disposition"]
    assert client.get(reverse("rendering:job-thumbnail", args=[job.pk])).status_code == 200
