"""Paid frames and films on their way out: nothing before it is paid, nothing lost after, lengths known, jumps allowed."""

import io
import json
import zipfile
import zlib
from datetime import UTC, datetime

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse

from pictor.celery import app
from rendering import archives, background, films, services
from rendering.archives import Entry, iter_span, iter_zip, zip_bytes
from rendering.choices import FilmFormat
from rendering.errors import NothingToDo
from rendering.models import Film, Output, Task
from rendering.states import JobStatus, TaskStatus
from rendering.views.downloads import span_of
from tests.builders import NOW, accepted_task, check, deliver, feed, make_job, make_user, make_worker, picture

AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


KEEP_CHECKSUMS = "rendering.background.keep_checksums"


def queued() -> list[str]:
    """The background functions that wait."""
    with app.connection_for_read() as connection:
        waiting = connection.default_channel.client.lrange("background", 0, -1)
    return [json.loads(message)["headers"]["task"] for message in waiting]


def stored(count: int, size_bytes: int = 10) -> list[Entry]:
    """Entries of one and the same small file."""
    content = b"x" * size_bytes
    key = default_storage.save("tests/frame.png", ContentFile(content))
    return [Entry(f"job/job_{number:04d}.png", key, size_bytes, AT, zlib.crc32(content)) for number in range(count)]


class LengthTests:
    @pytest.mark.parametrize("count", [0, 1, 300])
    def test_the_length_is_known_to_the_byte(self, count):
        entries = stored(count)
        archive = b"".join(iter_zip(entries))
        assert zip_bytes(entries) == len(archive)
        assert len(zipfile.ZipFile(io.BytesIO(archive)).namelist()) == count

    @pytest.mark.parametrize("limit", [5, 10, 11, 200, 2_000])
    def test_also_beyond_four_gibibytes(self, monkeypatch, limit):
        """The limit is made small instead of the frames large."""
        monkeypatch.setattr(zipfile, "ZIP64_LIMIT", limit)
        entries = stored(30)
        assert zip_bytes(entries) == len(b"".join(iter_zip(entries)))

    def test_also_with_more_files_than_an_old_zip_has(self, monkeypatch):
        monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 7)
        entries = stored(8)
        assert zip_bytes(entries) == len(b"".join(iter_zip(entries)))


@pytest.fixture
def opened(monkeypatch) -> list[str]:
    """The files that were opened in the store."""
    keys, real = [], default_storage.open
    monkeypatch.setattr(default_storage, "open", lambda key, *more: keys.append(key) or real(key, *more))
    return keys


class PartTests:
    @pytest.mark.parametrize("span", [(0, 1), (0, 60), (59, 61), (150, 460), (399, 10_000)])
    def test_a_part_is_those_bytes(self, span):
        entries = stored(4, size_bytes=50)
        assert b"".join(iter_span(entries, *span)) == b"".join(iter_zip(entries))[slice(*span)]

    @pytest.mark.parametrize("limit", [5, 200, 2_000, zipfile.ZIP64_LIMIT])
    def test_the_rest_is_the_same_to_the_byte_wherever_it_begins(self, monkeypatch, limit):
        """Whether the checksums of what lies before are known or read; also beyond four gibibytes."""
        monkeypatch.setattr(zipfile, "ZIP64_LIMIT", limit)
        entries = stored(5, size_bytes=100)
        mixed = [entry._replace(crc32=None) if number % 2 else entry for number, entry in enumerate(entries)]
        mixed[2] = mixed[2]._replace(name="job/größe.png")
        whole = b"".join(iter_zip(mixed))
        for start in range(len(whole)):
            assert b"".join(iter_span(mixed, start, len(whole))) == whole[start:]

    def test_the_last_byte_costs_no_reading_of_all(self, opened):
        entries = stored(50, size_bytes=1_000)
        size = zip_bytes(entries)
        assert len(b"".join(iter_span(entries, size - 1, size))) == 1
        assert opened == []

    def test_a_cut_archive_goes_on_with_the_frame_that_was_cut_and_opens(self, opened):
        entries = stored(50, size_bytes=1_000)
        size = zip_bytes(entries)
        first = b"".join(iter_span(entries, 0, size * 9 // 10))
        opened.clear()
        whole = first + b"".join(iter_span(entries, len(first), size))
        assert len(opened) <= 6
        archive = zipfile.ZipFile(io.BytesIO(whole))
        assert archive.testzip() is None
        assert len(archive.namelist()) == 50

    def test_nothing_behind_the_part_is_read(self):
        entries = stored(2)
        gone = entries[1]._replace(storage_key="tests/nowhere.png")
        assert len(b"".join(iter_span([entries[0], gone], 0, 20))) == 20


class SpanTests:
    @pytest.mark.parametrize(
        ("text", "span"),
        [
            ("", (0, 100)),
            ("bytes=0-9", (0, 10)),
            ("bytes=90-", (90, 100)),
            ("bytes=-10", (90, 100)),
            ("bytes=-900", (0, 100)),
            ("bytes=90-900", (90, 100)),
            ("bytes=-", (0, 100)),
            ("bytes=0-1,5-6", (0, 100)),
            ("lines=1-2", (0, 100)),
        ],
    )
    def test_a_range_is_read(self, text, span):
        assert span_of(text, 100) == span


@pytest.mark.django_db
class PaidFrameTests:
    @pytest.fixture
    def job(self):
        return make_job(make_user("alice", credits=10), status=JobStatus.COMPLETED, frames="1-2")

    @pytest.fixture
    def browser(self, signed_in, job):
        return signed_in(job.owner)

    def full(self, browser, job, frame=1):
        return browser.get(reverse("rendering:task-image", args=[job.pk, frame, "full"]))

    def names(self, job) -> list[str]:
        return [entry.name for entry in archives.entries_of(job)]

    def test_a_frame_that_is_rendered_again_keeps_its_paid_picture(self, job, browser):
        paid = b"".join(self.full(browser, job).streaming_content)
        task = job.tasks.get(frame=1)
        services.requeue_tasks(job, [task.pk], now=NOW)
        assert b"".join(self.full(browser, job).streaming_content) == paid
        assert len(self.names(job)) == 2
        feed()
        again = picture(1)
        again[0, 0] ^= 255  # the same picture to the eye
        deliver(task, again)  # on the server, not accepted
        assert b"".join(self.full(browser, job).streaming_content) == paid
        check(task)
        assert b"".join(self.full(browser, job).streaming_content) != paid
        assert len(self.names(job)) == 2

    def test_also_when_rendering_it_again_fails(self, job, browser):
        task = job.tasks.get(frame=1)
        services.requeue_tasks(job, [task.pk], now=NOW)
        Task.objects.filter(pk=task.pk).update(status=TaskStatus.FAILED)
        assert self.full(browser, job).status_code == 200
        assert len(self.names(job)) == 2

    def test_nothing_in_full_before_it_is_paid(self, signed_in):
        """Every address that gives files, asked while the frame is checked."""
        make_worker()
        job = make_job(make_user("alice", credits=10), status=JobStatus.QUEUED, frames="1")
        feed()
        deliver(job.tasks.get())
        browser = signed_in(job.owner)
        assert self.full(browser, job).status_code == 404
        assert browser.get(reverse("rendering:job-zip", args=[job.pk])).status_code == 404
        browser.post(reverse("rendering:job-film", args=[job.pk]), {"fps": "24"})
        assert not Film.objects.exists()
        assert archives.entries_of(job) == []

    def test_the_archive_says_how_long_it_is(self, job, browser):
        answer = browser.get(reverse("rendering:job-zip", args=[job.pk]))
        assert int(answer["Content-Length"]) == len(b"".join(answer.streaming_content))

    def test_a_cut_archive_goes_on_at_any_byte(self, job, browser):
        url = reverse("rendering:job-zip", args=[job.pk])
        whole = browser.get(url)
        content = b"".join(whole.streaming_content)
        for start in range(0, len(content), 97):
            rest = browser.get(url, headers={"Range": f"bytes={start}-", "If-Range": whole["ETag"]})
            assert b"".join(rest.streaming_content) == content[start:]
            assert rest.status_code == (206 if start else 200)

    def test_the_end_of_the_archive_is_sent_without_reading_a_frame(self, job, browser, opened):
        """Each checksum is kept when the frame is checked."""
        answer = browser.get(reverse("rendering:job-zip", args=[job.pk]), headers={"Range": "bytes=-1"})
        assert len(b"".join(answer.streaming_content)) == 1
        assert opened == []

    def test_checksums_from_before_they_were_kept_are_learned_once_a_part_is_asked_for(self, job, browser, opened):
        url = reverse("rendering:job-zip", args=[job.pk])
        before = list(Output.objects.order_by("pk").values_list("crc32", flat=True))
        Output.objects.update(crc32=None)
        cut = browser.get(url)["ETag"]
        assert KEEP_CHECKSUMS not in queued()
        browser.get(url, headers={"Range": "bytes=-1"})
        assert KEEP_CHECKSUMS in queued()
        assert background.keep_checksums(job.pk) == 2
        assert background.keep_checksums(job.pk) == 0
        assert list(Output.objects.order_by("pk").values_list("crc32", flat=True)) == before
        opened.clear()
        answer = browser.get(url, headers={"Range": "bytes=-1", "If-Range": cut})
        assert (answer.status_code, len(b"".join(answer.streaming_content)), opened) == (206, 1, [])

    def test_it_is_sent_anew_once_a_frame_of_it_is_another(self, job, browser):
        url = reverse("rendering:job-zip", args=[job.pk])
        cut = browser.get(url)["ETag"]
        task = job.tasks.get(frame=1)
        services.requeue_tasks(job, [task.pk], now=NOW)
        feed()
        deliver(task)
        check(task)
        answer = browser.get(url, headers={"Range": "bytes=10-", "If-Range": cut})
        assert answer.status_code == 200
        assert answer["ETag"] != cut
        assert len(b"".join(answer.streaming_content)) == int(answer["Content-Length"])

    def test_some_frames_can_be_chosen(self, job, browser):
        answer = browser.get(reverse("rendering:job-zip", args=[job.pk]), {"frames": "2-9"})
        archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
        assert archive.namelist() == ["carousel/carousel_0002.png"]

    def test_a_choice_that_is_none_is_said(self, job, browser):
        answer = browser.get(reverse("rendering:job-zip", args=[job.pk]), {"frames": "all"})
        assert answer["Location"] == job.get_absolute_url()

    def test_a_frame_that_is_gone_breaks_the_archive_off(self, job):
        entries = archives.entries_of(job)
        default_storage.delete(entries[1].storage_key)
        with pytest.raises(FileNotFoundError):
            b"".join(iter_zip(entries))


@pytest.mark.django_db
class FilmTests:
    @pytest.fixture
    def job(self):
        return make_job(make_user("alice", credits=10), status=JobStatus.COMPLETED, frames="1-3")

    def made(self, job, **arguments) -> Film:
        film = services.start_film(job, **arguments)
        background.make_film(film.pk)
        return Film.objects.get(pk=film.pk)

    def test_a_webm_is_made_too(self, job):
        film = self.made(job, film_format=FilmFormat.WEBM)
        content = default_storage.open(film.storage_key).read()
        assert (film.failure, film.size_bytes) == ("", len(content))
        assert content.startswith(b"\x1a\x45\xdf\xa3")

    def test_a_new_film_takes_the_place_of_the_old_one(self, job):
        old = self.made(job)
        new = self.made(job, fps=12)
        assert list(Film.objects.all()) == [new]
        assert not default_storage.exists(old.storage_key)

    def test_a_film_is_out_of_date_once_a_frame_is_accepted_again(self, job):
        film = self.made(job)
        assert not Output.objects.newer_than(film).exists()
        task = job.tasks.get(frame=1)
        services.requeue_tasks(job, [task.pk], now=NOW)
        assert not Output.objects.newer_than(film).exists()
        feed()
        deliver(task)
        check(task)
        assert Output.objects.newer_than(film).exists()

    def test_a_cancelled_film_is_not_made(self, job, signed_in):
        film = services.start_film(job)
        signed_in(job.owner).post(reverse("rendering:film-cancel", args=[job.pk, film.pk]))
        background.make_film(film.pk)
        film.refresh_from_db()
        assert (film.failure, film.storage_key) == ("Cancelled.", "")

    def test_whoever_makes_it_notices_the_cancel_and_leaves_nothing(self, job, monkeypatch):
        """Cancelled when its last frame is in: the film is dropped, not stored."""
        film = services.start_film(job)
        services.cancel_film(film, NOW)
        film.finished_at = None  # as read before the cancel
        films.make_film(film, NOW)
        assert Film.objects.get().failure == "Cancelled."
        assert not default_storage.exists(f"films/{job.pk}/{film.pk}.mp4")

    @pytest.mark.parametrize(("fps", "film_format"), [(0, "mp4"), (121, "mp4"), (24, "gif"), (24, "-i /etc/passwd")])
    def test_a_film_that_cannot_be_is_refused(self, job, fps, film_format):
        with pytest.raises(NothingToDo, match="1 to 120"):
            services.start_film(job, fps, film_format)

    def test_it_is_sent_in_ranges(self, job, signed_in):
        film = Film.objects.create(job=job, frame_count=1, storage_key=f"films/{job.pk}/range.mp4", finished_at=NOW)
        default_storage.save(film.storage_key, ContentFile(bytes(range(100))))
        url = reverse("rendering:film-download", args=[job.pk, film.pk])
        browser = signed_in(job.owner)
        part = browser.get(url, headers={"Range": "bytes=10-19"})
        assert (part.status_code, part["Content-Range"]) == (206, "bytes 10-19/100")
        assert b"".join(part.streaming_content) == bytes(range(10, 20))
        assert browser.get(url, headers={"Range": "bytes=100-"}).status_code == 416
        assert b"".join(browser.get(url).streaming_content) == bytes(range(100))


@pytest.mark.django_db
def test_an_accepted_frame_alone_is_in_the_archive():
    make_worker()
    job = make_job(make_user("alice", credits=10), status=JobStatus.QUEUED, frames="1-3")
    accepted_task(job, 2)
    assert [entry.name for entry in archives.entries_of(job)] == ["carousel/carousel_0002.png"]
