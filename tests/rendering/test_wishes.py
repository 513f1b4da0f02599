"""What a job asks of nodes bounds how fast it is expected; what a node says of itself is kept as it may be."""

import pytest
from django.urls import reverse

from rendering import estimates, services
from rendering.models import Attempt
from tests.builders import NOW, accepted_task, check, deliver, feed, make_job, make_user, make_worker
from workers.models import Gpu

pytestmark = pytest.mark.django_db


def gpu_node(owner=None, *, model: str = "NVIDIA RTX 4090", **fields):
    node = make_worker(owner, device="OPTIX", **fields)
    Gpu.objects.create(worker=node, index=0, model=model, vram_bytes=24 * 1024**3)
    return node


def speed(**wishes) -> int:
    return sum(estimates._speed_online(make_job(**wishes)))


class QuoteTests:
    def test_only_nodes_that_fit_are_counted(self):
        make_worker(score_milli=1_000), gpu_node(score_milli=30_000, slots=2)
        assert (speed(), speed(device="gpu"), speed(gpu_vendor="amd")) == (61_000, 60_000, 0)

    def test_own_nodes_are_told_apart(self):
        alice = make_user("alice", credits=10)
        make_worker(alice, score_milli=2_000), make_worker(score_milli=5_000)
        assert (speed(owner=alice, nodes="own"), speed(owner=alice)) == (2_000, 7_000)

    def test_one_class_of_devices_means_the_most_common(self):
        make_worker(score_milli=1_000), make_worker(score_milli=1_000), gpu_node(score_milli=30_000)
        assert speed(one_device_class=True) == 2_000

    def test_fewer_nodes_take_longer_and_cost_the_same(self):
        [make_worker() for _ in range(8)]
        own = make_worker(make_user("alice", credits=10))
        of_all = services.quote(make_job(frames="1-100"), NOW)
        alone = services.quote(make_job(own.owner, frames="1-100", nodes="own"), NOW)
        assert alone.high_seconds > 2 * of_all.high_seconds
        assert alone.high_micros == of_all.high_micros


class DeviceTests:
    def rendered_on(self, device: str) -> Attempt:
        make_worker()
        task = make_job(status="queued", frames="1").tasks.get()
        feed()
        deliver(task, device=device)
        check(task)
        return task.attempts.get()

    def test_what_an_attempt_was_rendered_on_is_kept_and_shown(self, client):
        attempt = self.rendered_on("OPTIX")
        assert attempt.device == "OPTIX"
        client.force_login(attempt.task.job.owner)
        page = client.get(reverse("rendering:frame-detail", args=[attempt.task.job_id, 1])).text
        assert "Rendered on, as the node says" in page
        assert "OPTIX" in page

    @pytest.mark.parametrize("device", ["a toaster", "CPU\x00", "x" * 200])
    def test_words_that_are_no_device_are_not_kept(self, device):
        attempt = self.rendered_on(device)
        assert (attempt.outcome, attempt.device) == ("accepted", "")

    def test_all_frames_of_a_job_of_one_class_come_from_it(self):
        make_worker(), make_worker(), gpu_node(score_milli=30_000)
        job = make_job(status="queued", frames="1-2", one_device_class=True)
        assert job.device_class == "cpu"
        assert not accepted_task(job).attempts.get().worker.gpus.exists()
