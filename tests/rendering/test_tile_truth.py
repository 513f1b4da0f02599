"""Tiles: what bounds their pay, what keeps their scene, and how large a frame they may make."""

from dataclasses import replace

import pytest

from rendering import services
from rendering.errors import NothingToDo
from rendering.job_settings import problems
from rendering.models import Attempt, Output, Task
from rendering.services import MERGE_TRIES_MAX
from rendering.services.billing import Peer, Peers
from tests.builders import NOW, feed, make_job, make_worker
from tests.rendering.test_tiles import make_still, stored
from tests.rendering.tiles import HEIGHT, WIDTH, deliver_tile, finish_tiles

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("ledger_in_order")]


@pytest.fixture
def finished():
    """All its tiles are in."""
    make_worker(slots=4)
    still = make_still()
    finish_tiles(still)
    still.refresh_from_db()
    return still


class PayTests:
    def test_one_that_claims_a_hundred_times_the_others_is_bounded_by_the_pixel(self):
        [make_worker() for _ in range(4)]
        job = make_still()
        feed()
        for number, task in enumerate(job.tasks.all()):
            deliver_tile(task, seconds=2.9 if number == 3 else 0.02)
        assert Attempt.objects.get(task__tile=4).billable_ms == 200  # ten times the median; all tiles have as many pixels

    def test_a_larger_tile_may_take_longer(self):
        peers = Peers(make_still(tiles="1x2"))
        small, large = Task(job=peers.job, frame=7, tile=1), Task(job=peers.job, frame=7, tile=2)
        peers.newest = [Peer(number, 100_000 + number, 100, 320) for number in (1, 2, 3)]
        pixels = peers.job.grid.ordered(2, WIDTH, HEIGHT)
        assert peers.of_others(Attempt(task=large, worker=make_worker())) == [100 * pixels.width * pixels.height // 320] * 3
        assert peers.of_others(Attempt(task=small, worker=make_worker()))[0] >= 100


class SceneTests:
    def test_a_scene_stays_until_its_tiles_are_put_together(self, finished):
        with pytest.raises(NothingToDo, match="put together"):
            services.delete_scene(finished.scene, NOW)
        assert finished.scene.files.exists()
        services.keep_merged_frame(finished, Output.objects.order_by("-pk").first().pk, stored("frame"), NOW)
        services.delete_scene(finished.scene, NOW)
        assert not finished.scene.files.exists()

    def test_a_scene_whose_tiles_cannot_be_put_together_may_go(self, finished):
        for _ in range(MERGE_TRIES_MAX):
            services.note_failed_merge(finished, Output.objects.order_by("-pk").first().pk, "It broke.", NOW)
        services.delete_scene(finished.scene, NOW)
        assert not finished.scene.files.exists()

    def test_what_no_machine_can_put_together_is_refused_before_submit(self):
        settings = services.settings_of(make_job(frames="7"))
        large = {"width": 16_384, "height": 8_192, "frames": "7"}
        assert "put together in the memory" in problems(replace(settings, tiles="8x8", **large))["tiles"]
        assert "tiles" not in problems(replace(settings, tiles="", **large))
