"""Entry points of the background processes: safe to run twice, nothing hangs on a hint."""

import io
import os
from datetime import timedelta
from pathlib import Path

import pytest

from common import clock
from pictor.celery import SWEEPS
from rendering import background, services, uploads
from rendering.models import Scene, Upload
from rendering.states import JobStatus, TaskStatus
from tests.builders import make_job

pytestmark = pytest.mark.django_db
NEW = b"BLENDER17-01v0500" + bytes(500) + b"ENDB"


def uploaded(owner, content: bytes = NEW, name: str = "carousel.blend") -> Upload:
    upload = uploads.start_upload(owner=owner, name=name, size_bytes=len(content))
    uploads.append_to_upload(upload, offset=0, stream=io.BytesIO(content))
    return upload


@pytest.fixture
def program(settings, tmp_path):
    """A stand-in for the agent's program: a module that prints `answer` and ends with `status`."""

    def install(answer: str, status: int = 0) -> Path:
        package = tmp_path / "pictor_agent"
        package.mkdir()
        (package / "__main__.py").write_text(f"import sys\nprint({answer!r})\nsys.exit({status})\n")
        settings.BASE_DIR = tmp_path
        return package

    return install


class InspectJobTests:
    def test_what_the_program_finds_makes_the_job_ready(self, alice, program):
        program('{"width": 64, "height": 36, "samples": 2, "frame_end": 5, "cameras": ["Camera"], "camera": "Camera"}')
        job = services.create_job_from_upload(uploaded(alice))
        background.inspect_job(job.pk)
        job.refresh_from_db()
        assert (job.status, job.frames, job.width) == (JobStatus.READY, "1-5", 64)

    def test_its_refusal_fails_the_job_in_its_words(self, alice, program):
        program('{"error": "scene_unreadable", "detail": "The file is cut short."}')
        job = services.create_job_from_upload(uploaded(alice))
        background.inspect_job(job.pk)
        job.refresh_from_db()
        assert (job.status, job.failure, job.failure_detail) == (JobStatus.FAILED, "scene_unreadable", "The file is cut short.")

    def test_a_broken_program_is_the_platforms_fault(self, alice, program):
        program("", status=3)
        job = services.create_job_from_upload(uploaded(alice))
        background.sweep_inspections()
        job.refresh_from_db()
        assert (job.status, job.failure) == (JobStatus.FAILED, "inspection_failed")

    def test_a_bad_archive_fails_the_job_with_what_is_wrong(self, alice):
        job = services.create_job_from_upload(uploaded(alice, b"PK\x03\x04 no archive at all", "show.zip"))
        background.inspect_job(job.pk)
        job.refresh_from_db()
        assert (job.failure, job.failure_detail) == ("upload_unfit", "The .zip archive is damaged.")

    def test_a_scene_that_ends_whoever_inspects_it_is_the_platforms_failure(self, alice, ended_while_looking):
        job = services.create_job_from_upload(uploaded(alice))
        ended_while_looking("inspect", job.pk)
        background.sweep_inspections()
        job.refresh_from_db()
        assert (job.status, job.failure) == (JobStatus.FAILED, "inspection_failed")

    def test_a_job_that_is_no_longer_inspected_is_left_alone(self):
        job = make_job(status=JobStatus.QUEUED)
        background.inspect_job(job.pk)
        background.inspect_job(10**9)
        job.refresh_from_db()
        assert job.status == JobStatus.QUEUED


class SweepTests:
    def test_a_scene_that_breaks_the_inspection_does_not_keep_others_waiting(self, alice, program, monkeypatch):
        program('{"width": 64, "height": 36, "cameras": ["Camera"]}')
        first, second = (services.create_job_from_upload(uploaded(alice)) for _ in range(2))
        inspect = background.inspection.inspect_scene

        def breaks(scene):
            if scene == first.scene:
                raise MemoryError
            return inspect(scene)

        monkeypatch.setattr(background.inspection, "inspect_scene", breaks)
        background.sweep_inspections()
        second.refresh_from_db()
        assert second.status == JobStatus.READY


class StaleUploadTests:
    def old(self, upload: Upload) -> Upload:
        Upload.objects.filter(pk=upload.pk).update(touched_at=clock.now() - timedelta(days=3))
        return upload

    def test_an_upload_that_nobody_goes_on_with_is_forgotten_with_its_file(self, alice):
        upload = self.old(uploaded(alice))
        partial = uploads.partial_path(upload)
        assert background.sweep_stale_uploads() == 1
        assert not partial.exists()

    def test_a_fresh_one_and_one_that_waits_for_inspection_stay(self, alice):
        fresh = uploaded(alice)
        waiting = services.create_job_from_upload(uploaded(alice))
        self.old(waiting.scene.upload)
        background.sweep_stale_uploads()
        assert set(Upload.objects.all()) == {fresh, Scene.objects.get().upload}
        assert uploads.partial_path(fresh).exists()

    def test_a_partial_file_without_a_row_is_removed(self, alice):
        orphan = uploads.partial_path(Upload(name="x", size_bytes=1))
        orphan.parent.mkdir(parents=True, exist_ok=True)
        orphan.write_bytes(b"x")
        os.utime(orphan.parent, (0, 0))
        background.sweep_stale_uploads()
        assert not orphan.parent.exists()


class ScheduleTests:
    def test_every_sweep_is_scheduled(self):
        scheduled = {function for function, _ in SWEEPS.values()}
        sweeps = {f"rendering.background.{name}" for name in vars(background) if name.startswith("sweep_")}
        assert sweeps <= scheduled


class SweepJobsTests:
    def test_jobs_that_stay_due_keep_no_other_out_for_ever(self):
        """With room for one job a time and an older one that always is open, the younger one is still brought in line."""
        older = make_job(status=JobStatus.QUEUED)
        younger = make_job(older.owner, status=JobStatus.QUEUED)
        younger.tasks.update(status=TaskStatus.ACCEPTED)
        for _ in range(100):
            background.sweep_jobs(limit=1)
        younger.refresh_from_db()
        assert younger.status == JobStatus.COMPLETED

    def test_a_job_is_stopped_once_however_many_of_its_frames_say_so(self, django_assert_max_num_queries):
        job = make_job(status=JobStatus.QUEUED, frames="1-40")
        job.tasks.filter(frame__lte=30).update(status=TaskStatus.FAILED, reason="scene_unreadable")
        with django_assert_max_num_queries(60):
            background.sweep_jobs()
        job.refresh_from_db()
        assert (job.status, job.failure) == (JobStatus.FAILED, "scene_unreadable")
