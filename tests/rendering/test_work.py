"""What a node is told: a complete spec, files by hash, addresses that open."""

import pytest
from django.test import Client

from common import clock
from rendering.models import Asset
from rendering.seeds import frame_seed
from rendering.states import JobStatus, TaskStatus
from rendering.work import RenderWork
from tests.builders import NOW, make_job, make_worker
from workers.kinds import NewLease
from workers.models import Work

pytestmark = pytest.mark.django_db


def lease_for(work: Work, worker, **changes) -> NewLease:
    row = {"attempt": 1, "slot": 0, "place": 0, "score_milli": 1000, "worker_owner_id": worker.owner_id} | changes
    return NewLease(work_id=work.pk, reference=work.reference, worker_id=worker.pk, group=work.group, **row)


@pytest.fixture
def leased():
    """A job, its first task, and what the queue was answered for it."""
    worker, job = make_worker(), make_job(status=JobStatus.QUEUED, frames="5-6", tier="priority", camera="Camera")
    work = Work.objects.order_by("sort").first()
    specs, refused = RenderWork().lease([lease_for(work, worker)], NOW)
    assert refused == []
    return job, job.tasks.get(pk=work.reference), specs[work.pk]


class LeaseTests:
    def test_a_spec_is_complete(self, leased):
        job, task, spec = leased
        assert (spec.frame, spec.seed) == (5, frame_seed(job.secret, 5))
        assert (spec.width, spec.height, spec.samples, spec.format, spec.camera) == (32, 18, 1, "PNG", "Camera")
        assert (spec.engine, spec.blender_version, spec.main_path) == ("cycles", "5.0.1", "carousel.blend")
        assert task.attempts.get().rate_micros == 180

    def test_its_files_carry_hash_size_and_a_signed_address(self, leased):
        asset = Asset.objects.get()
        [file] = leased[2].files
        assert (file.path, file.sha256, file.size_bytes) == ("carousel.blend", asset.sha256, asset.size_bytes)
        assert file.url.startswith("http://testserver/files/")

    def test_work_of_a_task_that_is_gone_is_refused(self):
        worker = make_worker()
        make_job(status=JobStatus.QUEUED, frames="1")
        work = Work.objects.get()
        work.reference = 10**9
        assert RenderWork().lease([lease_for(work, worker)], NOW) == ({}, [work.pk])

    def test_a_task_that_is_rendering_is_not_given_out_again(self, leased):
        task = leased[1]
        work = Work.objects.get(reference=task.pk)
        assert RenderWork().lease([lease_for(work, make_worker(), attempt=2)], NOW) == ({}, [work.pk])
        task.refresh_from_db()
        assert (task.status, task.attempt) == (TaskStatus.RENDERING, 1)


class AddressTests:
    def test_fresh_addresses_come_by_hash_and_open(self, leased):
        [(sha256, url)] = RenderWork().file_urls(leased[1].pk, clock.now()).items()
        assert sha256 == Asset.objects.get().sha256
        response = Client().get(url.removeprefix("http://testserver"))
        assert b"".join(response.streaming_content) == b"BLENDER17-01v0500"

    def test_an_unknown_reference_has_none(self):
        assert RenderWork().file_urls(1, NOW) == {}

    def test_titles_say_job_and_frame(self, leased):
        task = leased[1]
        assert RenderWork().titles([task.pk]) == {task.pk: "Carousel, frame 5"}
