"""Films, archives and previews of a real job."""

import io
import subprocess
import zipfile

import numpy as np
import pytest
from django.core.files.storage import default_storage

from pictor_agent.pixels import read_pixels
from rendering import archives, background, films, services
from rendering.errors import NothingToDo
from rendering.models import Film
from rendering.states import JobStatus
from tests.builders import accepted_task, make_job, make_worker, picture

pytestmark = pytest.mark.django_db


def probe(path) -> str:
    """What ffmpeg says of a file."""
    return subprocess.run([films.ffmpeg_path(), "-hide_banner", "-i", str(path)], capture_output=True, text=True).stderr


class FilmTests:
    def test_accepted_frames_become_an_mp4_that_plays_everywhere(self, tmp_path):
        job = make_job(status=JobStatus.COMPLETED, frames="1-6")
        film = services.start_film(job, fps=12)
        background.make_film(film.pk)
        film.refresh_from_db()
        assert (film.failure, film.progress_percent, film.frame_count) == ("", 100, 6)
        said = probe(default_storage.path(film.storage_key))
        assert "h264" in said
        assert "yuv420p" in said
        assert "32x18" in said
        assert "12 fps" in said

    def test_odd_sides_are_cut_to_even_ones(self, tmp_path):
        assert films._even_size((33, 19)) == (32, 18)

    def test_asking_twice_makes_one_film(self):
        job = make_job(status=JobStatus.COMPLETED, frames="1")
        assert services.start_film(job) == services.start_film(job)

    def test_without_a_frame_there_is_no_film(self):
        with pytest.raises(NothingToDo):
            services.start_film(make_job(status=JobStatus.QUEUED))

    def test_a_frame_that_is_gone_fails_the_film_in_words(self):
        job = make_job(status=JobStatus.COMPLETED, frames="1")
        film = services.start_film(job)
        output = job.tasks.get().attempts.get().output
        default_storage.delete(output.storage_key)
        background.make_film(film.pk)
        film.refresh_from_db()
        assert film.failure
        assert film.finished_at

    def test_a_lost_hint_is_found_by_the_sweep(self):
        services.start_film(make_job(status=JobStatus.COMPLETED, frames="1"))
        assert background.sweep_films() == 1
        assert not Film.objects.filter(finished_at=None).exists()


class ArchiveTests:
    def test_it_holds_every_accepted_frame_as_it_was_rendered(self, tmp_path):
        make_worker()
        job = make_job(status=JobStatus.QUEUED, frames="1-3", name="My Show!")
        accepted_task(job, 1)
        accepted_task(job, 2)
        with zipfile.ZipFile(io.BytesIO(b"".join(archives.iter_zip(archives.entries_of(job))))) as archive:
            assert archive.namelist() == ["my-show/my-show_0001.png", "my-show/my-show_0002.png"]
            assert archive.testzip() is None
            frame = tmp_path / "frame.png"
            frame.write_bytes(archive.read("my-show/my-show_0001.png"))

        assert np.array_equal(read_pixels(frame, pixels_max=10_000), picture(1))

    def test_it_comes_in_small_blocks(self):
        job = make_job(status=JobStatus.COMPLETED, frames="1-3")
        blocks = list(archives.iter_zip(archives.entries_of(job)))
        assert len(blocks) > 3
        assert max(map(len, blocks)) < archives.BLOCK_BYTES + 10_000

    def test_a_job_without_frames_gives_an_empty_archive(self):
        job = make_job(status=JobStatus.READY)
        assert zipfile.ZipFile(io.BytesIO(b"".join(archives.iter_zip(archives.entries_of(job))))).namelist() == []


class PreviewTests:
    def test_a_checked_frame_has_its_small_pictures(self):
        make_worker()
        output = accepted_task(make_job(status=JobStatus.QUEUED)).attempts.get().output
        assert default_storage.exists(output.thumbnail_key)
        assert default_storage.exists(output.preview_key)
        assert (output.width, output.height) == (32, 18)
