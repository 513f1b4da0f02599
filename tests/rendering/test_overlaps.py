"""Guards of verbs that overlap, each in the order in which its absence would show."""

from io import BytesIO
from threading import Event, Thread

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from common import resumable
from rendering import services
from rendering.errors import NothingToDo
from rendering.models import Job, MergedFrame, Output, Scene
from rendering.states import JobStatus
from tests.builders import NOW, make_job
from tests.overlap import DEADLINE_SECONDS, overlapped

pytestmark = pytest.mark.django_db(transaction=True)


class DeletedSceneTests:
    def test_a_scene_is_not_deleted_below_a_job_that_is_being_submitted(self):
        job = make_job(status=JobStatus.READY, frames="1")
        refusal = overlapped(lambda: services.submit_job(job, NOW), lambda: services.delete_scene(job.scene, NOW))
        job.refresh_from_db()
        assert isinstance(refusal, NothingToDo)
        assert (job.status, Scene.objects.get().deleted_at) == (JobStatus.QUEUED, None)

    def test_a_job_that_is_copied_while_its_scene_is_deleted_cannot_be_submitted(self):
        first = make_job(status=JobStatus.READY, frames="1")

        def copy_and_submit():
            copy = make_job(first.owner, scene=first.scene, frames="1")
            services.submit_job(copy, NOW)

        refusal = overlapped(lambda: services.delete_scene(first.scene, NOW), copy_and_submit)
        assert isinstance(refusal, NothingToDo)
        assert set(Job.objects.values_list("status", "hold_id")) == {(JobStatus.CANCELLED, None), (JobStatus.READY, None)}


class MergedFrameTests:
    @pytest.mark.parametrize("older_first", [True, False])
    def test_of_two_that_are_kept_at_once_the_newer_stays(self, older_first):
        job = make_job(status=JobStatus.COMPLETED, frames="1-2")
        older, newer = Output.objects.order_by("pk").values_list("pk", flat=True)
        verbs = [
            lambda: services.keep_merged_frame(job, older, stored("older"), NOW),
            lambda: services.keep_merged_frame(job, newer, stored("newer"), NOW),
        ]
        assert overlapped(*(verbs if older_first else reversed(verbs))) is older_first
        [kept] = MergedFrame.objects.all()
        assert kept.newest_output == newer
        assert default_storage.exists(kept.storage_key)
        assert not default_storage.exists("tests/older.png")

    def test_one_that_is_kept_while_the_frames_are_deleted_is_dropped(self):
        job = make_job(status=JobStatus.COMPLETED, frames="1")
        output = Output.objects.get().pk
        kept = overlapped(
            lambda: services.delete_frames(job, NOW),
            lambda: services.keep_merged_frame(job, output, stored("late"), NOW),
        )
        assert kept is False
        assert not MergedFrame.objects.exists()
        assert not default_storage.exists("tests/late.png")


def stored(name: str) -> dict:
    """What is said of a merged frame whose file is there."""
    default_storage.delete(f"tests/{name}.png")
    key = default_storage.save(f"tests/{name}.png", ContentFile(b"png"))
    small = {"preview_key": "", "thumbnail_key": "", "width": 32, "height": 18}
    return {"storage_key": key, "sha256": "a" * 64, "pixels_sha256": "b" * 64, "size_bytes": 3, **small}


class Stalls:
    """A line that brings half a part and then nothing, until it is let go on."""

    def __init__(self) -> None:
        self.stalled, self.go_on = Event(), Event()
        self.blocks = [b"first half ", b"second half"]

    def read(self, size: int) -> bytes:
        if len(self.blocks) == 1:
            self.stalled.set()
            self.go_on.wait(DEADLINE_SECONDS)
        return self.blocks.pop(0) if self.blocks else b""


def test_a_second_sender_is_turned_away_while_the_first_stalls(tmp_path):
    path, line = tmp_path / "part", Stalls()
    first = Thread(target=resumable.append_chunk, args=(path, 0, line), kwargs={"size_bytes": 22, "chunk_max": 100})
    first.start()
    try:
        assert line.stalled.wait(DEADLINE_SECONDS)
        with pytest.raises(resumable.OffsetMismatch):
            resumable.append_chunk(path, 11, BytesIO(b"second half"), size_bytes=22, chunk_max=100)
    finally:
        line.go_on.set()
        first.join()
    assert path.read_bytes() == b"first half second half"
