"""The creator's pages: who may see them, what they show, how many queries they cost, and their parts alone."""

import zipfile
from io import BytesIO

import numpy as np
import OpenImageIO as oiio
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from PIL import Image

from common import realtime
from common.money import parse_credits
from pictor_agent import protocol
from rendering import exposures, presentation, services
from rendering.consumers import may_join, may_watch
from rendering.models import Attempt, Film, Job, Output, Task, WatchLink
from rendering.presentation import addresses
from rendering.services.watching import share_job
from rendering.states import JobStatus, PauseReason, TaskStatus
from rendering.views.jobs import PARTS
from tests.builders import (
    MICROS,
    NOW,
    accepted_task,
    check,
    deliver,
    feed,
    finish_job,
    give,
    lease_of,
    make_job,
    make_user,
    make_worker,
    picture,
    png_bytes,
)
from workers.live_log import append_log

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice():
    return make_user("alice", credits=10)


@pytest.fixture
def browser(signed_in, alice):
    return signed_in(alice)


@pytest.fixture
def running(alice):
    """A job with its first frame accepted, its second on a node, the third behind it."""
    job = make_job(alice, status=JobStatus.RENDERING, worker=make_worker(name="atelier"))
    task = job.tasks.get(frame=1)
    deliver(task)
    check(task)
    feed()
    job.refresh_from_db()
    return job


def url(name, job, *more):
    return reverse(f"rendering:{name}", args=[job.pk, *more])


def queries(browser, address) -> int:
    browser.get(address)
    with CaptureQueriesContext(connection) as seen:
        assert browser.get(address).status_code == 200
    return len(seen)


class AccessTests:
    PAGES = [
        ("job-detail", ()),
        ("job-settings", ()),
        ("settings-state", ()),
        ("job-quote", ()),
        ("job-thumbnail", ()),
        ("job-zip", ()),
        ("task-image", (1, "thumb")),
        ("task-image", (1, "full")),
        ("frame-detail", (1,)),
        ("attempt-image", (1, 1, "preview")),
        ("attempt-exposure", (1, 1, 0)),
        ("attempt-log", (1, 1)),
        ("job-times", ()),
        *[("job-part", (part,)) for part in PARTS],
    ]
    VERBS = [
        "job-submit",
        "job-pause",
        "job-resume",
        "job-cancel",
        "job-requeue",
        "job-raise-cap",
        "job-film",
        "job-approve",
        "job-share",
    ]

    @pytest.mark.parametrize(("name", "more"), PAGES)
    def test_a_strangers_job_does_not_exist(self, signed_in, mallory, running, name, more):
        assert signed_in(mallory).get(url(name, running, *more)).status_code == 404

    @pytest.mark.parametrize(("name", "more"), PAGES)
    def test_nobody_is_sent_to_sign_in(self, client, running, name, more):
        answer = client.get(url(name, running, *more))
        assert answer.status_code == 302
        assert "sign-in" in answer["Location"]

    @pytest.mark.parametrize("name", VERBS)
    def test_only_its_creator_acts_on_a_job(self, signed_in, mallory, sam, running, name):
        before = Job.objects.filter(pk=running.pk).values().get()
        for other in (mallory, sam):
            assert signed_in(other).post(url(name, running), {"which": "failed", "cap": "1", "fps": "24"}).status_code == 404
        assert Job.objects.filter(pk=running.pk).values().get() == before

    @pytest.mark.parametrize("name", VERBS)
    def test_verbs_are_posted(self, browser, running, name):
        assert browser.get(url(name, running)).status_code == 405

    def test_staff_look_and_find_no_verbs(self, signed_in, sam, running):
        page = signed_in(sam).get(url("job-detail", running)).content.decode()
        assert "Carousel" in page
        assert "verb-pause" not in page
        assert "cancel-job" not in page

    def test_a_forged_post_is_refused(self, alice, running):
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(alice)
        assert strict.post(url("job-cancel", running)).status_code == 403


class JobListTests:
    def test_it_shows_ones_own_jobs_only(self, browser):
        make_job(make_user("bob", credits=1), name="Secret")
        page = browser.get(reverse("rendering:job-list"))
        assert b"Secret" not in page.content
        assert b"Upload a scene" in page.content

    def test_a_job_is_one_line_with_its_reason(self, browser, running):
        page = browser.get(reverse("rendering:job-list")).content.decode()
        assert "1 of 3 frames" in page
        assert "Rendering" in page
        assert url("job-thumbnail", running) in page

    def test_the_number_of_queries_does_not_grow_with_the_jobs(self, browser, alice):
        finish_job(make_job(alice, status=JobStatus.RENDERING, worker=make_worker()))
        make_job(alice, status=JobStatus.QUEUED)
        one = queries(browser, reverse("rendering:job-list"))
        for _ in range(4):
            make_job(alice, status=JobStatus.QUEUED)
        assert queries(browser, reverse("rendering:job-list")) == one
        assert one <= 12

    def test_it_finds_and_filters_and_sorts(self, browser, alice):
        make_job(alice, name="Alps")
        make_job(alice, name="Zoo", status=JobStatus.QUEUED)
        assert names(browser, q="alp") == ["Alps"]
        assert names(browser, q="carousel.blend") == ["Zoo", "Alps"]
        assert names(browser, status="queued") == ["Zoo"]
        assert names(browser, sort="name") == ["Alps", "Zoo"]
        assert names(browser, sort="nonsense", status="nonsense") == ["Zoo", "Alps"]

    def test_it_turns_pages(self, browser, alice):
        scene = make_job(alice).scene
        Job.objects.bulk_create(Job(owner=alice, scene=scene, name=f"Job {n}", status="ready") for n in range(24))
        assert len(names(browser)) == 20
        assert len(names(browser, page="2")) == 5
        assert len(names(browser, page="999")) == 5

    def test_the_rows_come_alone_and_are_304_while_nothing_changes(self, browser, running):
        rows = browser.get(reverse("rendering:job-list") + "?rows=1")
        assert b"<html" not in rows.content
        assert b'id="job-rows"' in rows.content
        assert (
            browser.get(reverse("rendering:job-list") + "?rows=1", headers={"If-None-Match": rows["ETag"]}).status_code == 304
        )


def names(browser, **query):
    page = browser.get(reverse("rendering:job-list"), query)
    return [row.job.name for row in page.context["rows"]]


class JobDetailTests:
    def test_the_whole_page_is_there_without_a_script(self, browser, running):
        page = browser.get(url("job-detail", running))
        assert "rendering/job_detail.html" in [template.name for template in page.templates]
        text = page.content.decode()
        for words in ("1</b><span>of 3 frames", "Frame 1", "atelier", "Film strip", "Download 1 frame", "What happened"):
            assert words in text

    def test_each_part_is_the_element_of_the_page(self, browser, running):
        whole = browser.get(url("job-detail", running)).content.decode()
        for part in PARTS:
            alone = browser.get(url("job-part", running, part)).content.decode().strip()
            assert alone.startswith(("<div", "<section", "<span", "<figure")), part
            assert f'id="job-{part}"' in alone
            assert f'id="job-{part}"' in whole
            assert "csrfmiddlewaretoken" not in alone

    @pytest.mark.parametrize("part", PARTS)
    def test_a_part_is_304_while_nothing_changes(self, browser, running, part):
        first = browser.get(url("job-part", running, part))
        again = browser.get(url("job-part", running, part), headers={"If-None-Match": first["ETag"]})
        assert (again.status_code, again.content) == (304, b"")

    def test_a_part_changes_with_the_job(self, browser, running):
        before = browser.get(url("job-part", running, "strip"))
        accepted_task(running, 2)
        after = browser.get(url("job-part", running, "strip"), headers={"If-None-Match": before["ETag"]})
        assert after.status_code == 200
        assert after.content.count(b'data-status="accepted"') == 2

    def test_an_unknown_part_does_not_exist(self, browser, running):
        assert browser.get(url("job-part", running, "secret")).status_code == 404

    def test_the_number_of_queries_does_not_grow_with_the_frames(self, browser, alice):
        small = make_job(alice, status=JobStatus.COMPLETED, frames="1-2")
        large = make_job(alice, status=JobStatus.COMPLETED, frames="1-6")
        assert queries(browser, url("job-detail", large)) == queries(browser, url("job-detail", small))
        assert queries(browser, url("job-detail", small)) <= 12

    def test_a_job_that_is_not_submitted_has_its_settings_page_instead(self, browser, alice):
        job = make_job(alice)
        assert browser.get(url("job-detail", job))["Location"] == url("job-settings", job)

    @pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.PAUSED, JobStatus.COMPLETED, JobStatus.FAILED])
    def test_every_state_has_a_page(self, browser, alice, status):
        page = browser.get(url("job-detail", make_job(alice, status=status)))
        assert page.status_code == 200
        assert str(status.label) in page.content.decode()

    def test_it_says_why_it_is_waiting(self, browser, alice):
        page = browser.get(url("job-detail", make_job(alice, status=JobStatus.QUEUED)))
        assert "Why it is waiting" in page.content.decode()

    def test_a_pause_at_the_cap_offers_to_raise_it(self, browser, alice):
        job = make_job(alice, status=JobStatus.PAUSED, cap_micros=MICROS)
        Job.objects.filter(pk=job.pk).update(pause_reason=PauseReason.CAP)
        notice = browser.get(url("job-part", job, "notice")).content.decode()
        assert "Paused at your cap" in notice
        assert 'data-dialog-open="raise-cap"' in notice

    def test_a_failed_frame_says_why_and_what_it_cost(self, browser, alice):
        job = make_job(alice, status=JobStatus.FAILED)
        text = browser.get(url("job-detail", job)).content.decode()
        assert "Blender cannot open the file." in text
        assert "not charged" in text

    def test_names_are_text_not_markup(self, browser, alice):
        job = make_job(alice, status=JobStatus.QUEUED, name="<script>alert(1)</script>")
        assert b"<script>alert" not in browser.get(url("job-detail", job)).content


def reading_of(job) -> presentation.Reading:
    return presentation.Reading(Job.objects.get(pk=job.pk), NOW)


def strip_of(job, **asked) -> dict:
    return presentation.strip_part(reading_of(job), **asked)


class StripTests:
    def test_a_long_strip_has_windows_and_a_map(self, browser, alice):
        job = make_job(alice, status=JobStatus.QUEUED, frames="1-450")
        strip = strip_of(job)
        assert [window.span for window in strip["windows"]] == ["1–120", "121–240", "241–360", "361–450"]
        assert len(strip["tiles"]) == 120
        assert b'href="?page=2#job-strip"' in browser.get(url("job-detail", job)).content

    def test_a_long_strip_follows_the_work(self, alice):
        job = make_job(alice, status=JobStatus.QUEUED, frames="1-450")
        Task.objects.filter(job=job, frame__lte=230).update(status=TaskStatus.ACCEPTED)
        Task.objects.filter(job=job, frame=7).update(status=TaskStatus.FAILED)
        assert strip_of(job)["window"].number == 2
        assert strip_of(job, page="1")["window"].number == 1

    def test_a_frame_is_found_by_its_number(self, alice):
        job = make_job(alice, status=JobStatus.QUEUED, frames="1-900x2")
        assert 401 in [tile.frame for tile in strip_of(job, frame="401")["tiles"]]
        assert strip_of(job, frame="-99999999999")["window"].number == 1
        assert strip_of(job, frame="999999")["window"].number == 4

    @pytest.mark.parametrize("asked", ["page=0", "page=-1", "page=99", "page=x", "page=", "frame=x", "frame=--1", "page=²"])
    def test_any_words_in_the_address_are_answered(self, browser, alice, asked):
        job = make_job(alice, status=JobStatus.QUEUED, frames="1-450")
        assert browser.get(url("job-part", job, "strip") + f"?{asked}").status_code == 200

    def test_a_requeued_frame_shows_no_old_picture(self, running):
        assert strip_of(running)["tiles"][0].thumb
        Task.objects.filter(job=running, frame=1).update(status=TaskStatus.WAITING)
        assert not strip_of(running)["tiles"][0].thumb

    def test_two_thousand_frames_cost_the_page_no_more_queries_than_ten(self, browser, alice):
        give(alice, 100 * MICROS)
        few, many = (make_job(alice, status=JobStatus.QUEUED, frames=frames) for frames in ("1-10", "1-2000"))
        for job in (few, many):
            Task.objects.filter(job=job, frame__lte=5).update(status=TaskStatus.ACCEPTED)
        assert queries(browser, url("job-detail", many)) == queries(browser, url("job-detail", few)) <= 16
        assert queries(browser, url("job-part", many, "strip")) == queries(browser, url("job-part", few, "strip"))

    def test_a_running_job_costs_at_most_twelve_queries(self, browser, running):
        assert queries(browser, url("job-detail", running)) <= 12


class FramePageTests:
    def test_it_proves_an_accepted_frame(self, browser, running):
        attempt = running.tasks.get(frame=1).attempts.get()
        text = browser.get(url("frame-detail", running, 1)).content.decode()
        for words in (attempt.pixels_sha256, str(attempt.seed), "atelier", "Test CPU", "bubblewrap", "pictor-agent render"):
            assert words in text
        assert "No checker has rendered a part of it again" in text

    def test_the_shares_add_up_to_the_charge(self, running):
        task = running.tasks.select_related("job__scene").get(frame=1)
        (only,) = presentation.frame_part(task, addresses.of_job(running))["tries"]
        assert sum(parse_credits(amount) for _, amount in only.paid) == only.attempt.charged_micros > 0

    def test_a_refused_attempt_says_whose_fault_it_was_and_that_it_was_free(self, browser, alice):
        job = make_job(alice, status=JobStatus.RENDERING, worker=make_worker(), frames="1")
        task = job.tasks.get()
        deliver(task, pixels_sha256="0" * 64)
        check(task)
        text = browser.get(url("frame-detail", job, 1)).content.decode()
        assert "not the one that the node committed to" in text
        assert "the node&#x27;s" in text
        assert "free" in text

    def test_a_frame_that_waits_has_a_page_as_well(self, browser, alice):
        job = make_job(alice, status=JobStatus.QUEUED)
        text = browser.get(url("frame-detail", job, 2)).content.decode()
        assert "The frame is waiting" in text
        assert "No node has had this frame yet" in text

    def test_frames_beside_it_are_one_step_away(self, browser, alice):
        job = make_job(alice, status=JobStatus.QUEUED, frames="-4,7,9")
        text = browser.get(url("frame-detail", job, 7)).content.decode()
        assert url("frame-detail", job, -4) in text
        assert url("frame-detail", job, 9) in text
        assert browser.get(url("frame-detail", job, 8)).status_code == 404

    @pytest.mark.parametrize("part", ["facts", "stage"])
    def test_its_parts_come_alone_and_are_304_while_nothing_changes(self, browser, running, part):
        address = url("frame-detail", running, 1) + f"?part={part}"
        first = browser.get(address)
        assert b"<html" not in first.content
        assert browser.get(address, headers={"If-None-Match": first["ETag"]}).status_code == 304

    def test_the_number_of_queries_does_not_grow_with_the_attempts(self, browser, alice):
        job = make_job(alice, status=JobStatus.COMPLETED, frames="1")
        one = queries(browser, url("frame-detail", job, 1))
        services.requeue_tasks(job, [job.tasks.get().pk], now=NOW)
        accepted_task(job)
        assert queries(browser, url("frame-detail", job, 1)) == one <= 12

    def test_two_attempts_can_be_compared_and_each_be_looked_at(self, browser, alice):
        job = make_job(alice, status=JobStatus.COMPLETED, frames="1")
        services.requeue_tasks(job, [job.tasks.get().pk], now=NOW)
        accepted_task(job)
        text = browser.get(url("frame-detail", job, 1)).content.decode()
        assert 'data-ab="both"' in text
        assert f"{url('attempt-image', job, 1, 1, 'preview')}" in text
        assert browser.get(url("attempt-image", job, 1, 1, "full")).status_code == 200
        older = browser.get(url("frame-detail", job, 1) + "?attempt=1").content.decode()
        assert "attempt 1 on" in older

    def test_no_picture_is_asked_for_before_it_is_there(self, browser, alice):
        job = make_job(alice, status=JobStatus.COMPLETED, frames="1-3")
        services.requeue_tasks(job, [job.tasks.get(frame=1).pk], now=NOW)
        Output.objects.filter(attempt__task__frame=3).update(preview_key="", thumbnail_key="")
        stage = browser.get(url("frame-detail", job, 1) + "?part=stage").content.decode()
        for size in ("preview", "thumb"):  # of the attempt that is shown while the frame is rendered once more
            assert url("attempt-image", job, 1, 1, size) in stage
            assert browser.get(url("attempt-image", job, 1, 1, size)).status_code == 200
        assert f'data-next-preview="{url("attempt-image", job, 2, 1, "preview")}"' in stage
        assert 'data-next-preview=""' in browser.get(url("frame-detail", job, 2) + "?part=stage").content.decode()

    def test_full_size_is_for_frames_that_were_paid(self, browser, alice):
        job = make_job(alice, status=JobStatus.RENDERING, worker=make_worker(), frames="1")
        deliver(job.tasks.get())
        assert browser.get(url("attempt-image", job, 1, 1, "full")).status_code == 404
        assert browser.get(url("attempt-image", job, 1, 1, "preview")).status_code == 404
        assert browser.get(url("attempt-image", job, 1, 1, "huge")).status_code == 404


class LogTests:
    def test_a_log_is_text_on_the_page_and_as_a_file(self, browser, running):
        Attempt.objects.filter(task__job=running, task__frame=1).update(log_tail="Fra:1 <script>alert(1)</script>")
        page = browser.get(url("frame-detail", running, 1)).content
        assert b"&lt;script&gt;alert(1)" in page
        assert b"<script>alert" not in page
        file = browser.get(url("attempt-log", running, 1, 1) + "?text=1")
        assert file["Content-Type"].startswith("text/plain")
        assert file["Content-Disposition"].startswith("attachment")
        assert file.content == b"Fra:1 <script>alert(1)</script>"

    def test_a_running_frame_shows_what_its_node_streams(self, browser, running):
        lease = lease_of(running.tasks.get(frame=2))
        lines = protocol.LogLines(work_id=lease.work_id, attempt=lease.attempt, offset=0, text="Sample 7/24\n")
        append_log(realtime.connection(), lines)
        answer = browser.get(url("attempt-log", running, 2, lease.attempt))
        assert b"Sample 7/24" in answer.content


class ExposureTests:
    @pytest.fixture
    def exr(self, alice, tmp_path):
        """A completed job whose one frame is an EXR of 50 % grey in linear light, 64 x 36."""
        job = make_job(alice, status=JobStatus.COMPLETED, frames="1")
        path = tmp_path / "frame.exr"
        image = oiio.ImageOutput.create(str(path))
        image.open(str(path), oiio.ImageSpec(64, 36, 3, "half"))
        image.write_image(np.full((36, 64, 3), 0.5, np.float32))
        image.close()
        key = default_storage.save(f"frames/{job.pk}/grey.exr", ContentFile(path.read_bytes()))
        Output.objects.filter(attempt__task__job=job).update(storage_key=key)
        Job.objects.filter(pk=job.pk).update(format="OPEN_EXR")
        return job

    def test_a_stop_is_twice_the_light(self, browser, exr):
        def grey(stops):
            answer = browser.get(url("attempt-exposure", exr, 1, 1, stops))
            return Image.open(BytesIO(b"".join(answer.streaming_content))).getpixel((20, 20))[0]

        assert abs(grey(0) - 188) <= 2
        assert grey(-2) < grey(-1) < grey(0) < grey(1)
        assert grey(3) == 255

    def test_it_is_made_once(self, browser, exr):
        browser.get(url("attempt-exposure", exr, 1, 1, 2))
        Output.objects.get(attempt__task__job=exr)
        assert default_storage.exists(f"frames/{exr.pk}/grey.exposure+2.webp")

    @pytest.mark.parametrize("stops", [7, -7, 100])
    def test_only_a_few_stops_exist(self, browser, exr, stops):
        assert browser.get(url("attempt-exposure", exr, 1, 1, stops)).status_code == 404

    def test_it_is_for_exr_alone(self, browser, running):
        assert browser.get(url("attempt-exposure", running, 1, 1, 1)).status_code == 404

    def test_without_a_script_the_exposure_is_in_the_address(self, browser, exr):
        text = browser.get(url("frame-detail", exr, 1) + "?stops=-2").content.decode()
        assert url("attempt-exposure", exr, 1, 1, -2) in text

    def test_a_large_frame_is_read_in_bands(self, tmp_path):
        path = tmp_path / "wide.exr"
        image = oiio.ImageOutput.create(str(path))
        image.open(str(path), oiio.ImageSpec(3000, 70, 4, "half"))
        image.write_image(np.full((70, 3000, 4), 0.25, np.float32))
        image.close()
        small = exposures.read_small(path)
        assert small.shape == (24, 1000, 3)
        assert np.allclose(small, 0.25)


class AgainTests:
    def test_the_price_is_said_before_it_is_confirmed(self, browser, alice):
        job = make_job(alice, status=JobStatus.COMPLETED)
        price = browser.get(url("job-again", job), {"price": "1", "which": "frames", "frames": "1-2"}).content.decode()
        assert "2 accepted frames: charged again, about" in price
        assert "<html" not in price

    def test_a_frame_that_failed_by_a_node_is_free_so_far(self, browser, alice):
        job = make_job(alice, status=JobStatus.COMPLETED)
        job.tasks.filter(frame=3).update(status=TaskStatus.FAILED, reason="renderer_crashed")
        price = browser.get(url("job-again", job), {"price": "1", "which": "failed"}).content.decode()
        assert "1 failed frame: free so far, the fault was not yours" in price

    def test_frames_that_have_not_ended_are_named_as_such(self, browser, alice):
        job = make_job(alice, status=JobStatus.QUEUED)
        page = browser.get(url("job-again", job), {"which": "frames", "frames": "1-3"}).content.decode()
        assert "None of the chosen frames has ended" in page

    def test_the_reason_stands_in_the_timeline(self, browser, alice):
        job = make_job(alice, status=JobStatus.COMPLETED)
        chosen = {"which": "frames", "frames": "2", "why": "flawed", "words": "Fireflies on the <ring>"}
        browser.post(url("job-requeue", job), chosen)
        text = browser.get(url("job-part", job, "events")).content.decode()
        assert "Frame 2 back in the queue by Alice" in text
        assert "Noise, fireflies or artefacts. Fireflies on the &lt;ring&gt;" in text


class TimelineTests:
    def test_a_thousand_ordinary_events_are_a_line(self, alice):
        job = make_job(alice, status=JobStatus.COMPLETED, frames="1-40")
        moments = presentation.events_part(reading_of(job))["moments"]
        assert "Frames 2–40 accepted" in [moment.words for moment in moments]
        assert not [moment.words for moment in moments if "arrived" in moment.words]
        assert len(moments) < 12

    def test_older_events_are_a_page_away(self, browser, alice):
        job = make_job(alice, status=JobStatus.COMPLETED, frames="1-80")
        first = presentation.events_part(reading_of(job))
        assert first["older"]
        second = presentation.events_part(reading_of(job), before=str(first["older"]))
        assert second["older"] is None
        assert "Job submitted" in second["moments"][-3].words + second["moments"][-2].words + second["moments"][-1].words
        assert browser.get(url("job-detail", job) + f"?before={first['older']}").status_code == 200
        assert browser.get(url("job-detail", job) + "?before=x").status_code == 200


class WatchTests:
    @pytest.fixture
    def link(self, running):
        return share_job(running, "unlisted")

    def test_a_job_is_private_until_it_is_shared(self, browser, client, running):
        assert not WatchLink.objects.exists()
        browser.post(url("job-share", running), {"visibility": "unlisted"})
        link = WatchLink.objects.get(job=running)
        assert client.get(link.get_absolute_url()).status_code == 200
        assert link.token in browser.get(url("job-detail", running)).content.decode()
        browser.post(url("job-share", running), {"visibility": ""})
        assert client.get(link.get_absolute_url()).status_code == 404

    def test_a_new_link_makes_the_old_one_lead_nowhere(self, browser, client, running, link):
        browser.post(url("job-share", running), {"visibility": "public", "anew": "on"})
        assert client.get(link.get_absolute_url()).status_code == 404
        new = WatchLink.objects.get(job=running)
        assert new.visibility == "public"
        assert client.get(new.get_absolute_url()).status_code == 200

    def test_watchers_see_pictures_and_progress_and_nothing_else(self, client, running, link):
        page = client.get(link.get_absolute_url())
        text = page.content.decode()
        assert "of 3 frames" in text
        assert "Carousel" in text
        for secret in ("atelier", "credit", "0.0002", "Pause", "Alice", "csrfmiddlewaretoken", "carousel.blend"):
            assert secret not in text.replace("Content-Security", ""), secret
        assert page["X-Robots-Tag"] == "noindex, nofollow"
        assert 'name="robots" content="noindex' in text
        assert page["Referrer-Policy"] == "no-referrer"

    def test_without_a_script_it_loads_itself_again_until_the_job_is_over(self, client, alice, link):
        assert b'http-equiv="refresh"' in client.get(link.get_absolute_url()).content
        over = share_job(make_job(alice, status=JobStatus.COMPLETED), "unlisted")
        assert b'http-equiv="refresh"' not in client.get(over.get_absolute_url()).content

    @pytest.mark.parametrize("part", ["progress", "newest", "strip"])
    def test_its_parts_are_304_while_nothing_changes(self, client, link, part):
        address = reverse("rendering:watch-part", args=[link.token, part])
        first = client.get(address)
        assert client.get(address, headers={"If-None-Match": first["ETag"]}).status_code == 304

    def test_pictures_are_small_ones(self, client, link):
        def status(size, frame=1):
            return client.get(reverse("rendering:watch-image", args=[link.token, frame, size])).status_code

        assert [status("thumb"), status("preview"), status("full"), status("thumb", 2)] == [200, 200, 404, 404]
        assert client.get(reverse("rendering:watch-frame", args=[link.token, 1])).status_code == 200

    def test_only_its_creator_shares_a_job(self, signed_in, mallory, sam, running):
        for other in (mallory, sam):
            assert signed_in(other).post(url("job-share", running), {"visibility": "public"}).status_code == 404
        assert not WatchLink.objects.exists()

    def test_taking_it_back_makes_open_sockets_ask_again(self, running, link, django_capture_on_commit_callbacks):
        with realtime.connection().pubsub() as heard:
            heard.subscribe(f"{realtime.PREFIX}job:{running.pk}")
            assert heard.get_message(timeout=60)["type"] == "subscribe"
            with django_capture_on_commit_callbacks(execute=True):
                share_job(running, "")
            assert realtime.ACCESS in heard.get_message(timeout=60)["data"].decode()

    def test_the_token_is_the_right_to_follow_it_live(self, running, alice, link):
        other = make_job(alice, status=JobStatus.QUEUED)
        assert may_watch(str(running.pk), link.token)
        assert not may_watch(str(other.pk), link.token)
        assert not may_watch(str(running.pk), "v_other")
        assert not may_watch("x", link.token)


class VerbTests:
    def test_pause_resume_cancel(self, browser, running):
        for verb, status in [("job-pause", "paused"), ("job-resume", "rendering"), ("job-cancel", "cancelled")]:
            assert browser.post(url(verb, running))["Location"] == running.get_absolute_url()
            running.refresh_from_db()
            assert running.status == status

    def test_a_preview_that_waits_is_approved_or_changed(self, browser, alice):
        job = make_job(alice, status=JobStatus.PAUSED)
        Job.objects.filter(pk=job.pk).update(pause_reason=PauseReason.GATE)
        page = browser.get(url("job-detail", job)).content.decode()
        assert "Approve and render the rest" in page
        assert "Ask for changes" in page
        browser.post(url("job-approve", job))
        job.refresh_from_db()
        assert job.status == JobStatus.QUEUED

    def test_a_verb_that_comes_too_late_says_so(self, browser, alice):
        job = make_job(alice, status=JobStatus.COMPLETED)
        for verb in ("job-pause", "job-resume", "job-cancel"):
            page = browser.post(url(verb, job), follow=True)
            assert "already moved on" in page.content.decode()

    def test_frames_are_requeued_by_number(self, browser, alice):
        job = make_job(alice, status=JobStatus.COMPLETED)
        browser.post(url("job-requeue", job), {"which": "frames", "frames": "2-9"})
        assert list(job.tasks.filter(status=TaskStatus.WAITING).values_list("frame", flat=True)) == [2, 3]

    def test_requeue_of_nothing_says_so(self, browser, alice):
        job = make_job(alice, status=JobStatus.COMPLETED)
        page = browser.post(url("job-requeue", job), {"which": "failed"}, follow=True)
        assert "No frame of this job has failed" in page.content.decode()
        page = browser.post(url("job-requeue", job), {"which": "frames", "frames": "99"}, follow=True)
        assert "None of these frames" in page.content.decode()

    def test_the_cap_is_changed_and_taken_away(self, browser, running):
        for text, micros in [("2.5", 2_500_000), ("", None)]:
            browser.post(url("job-raise-cap", running), {"cap": text})
            running.refresh_from_db()
            assert running.cap_micros == micros

    def test_a_cap_below_what_is_charged_is_refused_in_words(self, browser, running):
        page = browser.post(url("job-raise-cap", running), {"cap": "0.0001"}, follow=True)
        assert "cannot be lower" in page.content.decode()


class SettingsPageTests:
    def test_the_list_follows_the_jobs_that_are_not_over(self, browser, alice, running):
        over = make_job(alice, status=JobStatus.CANCELLED, finished_at=running.created_at)
        page = browser.get(reverse("rendering:job-list")).content.decode()
        assert f'data-live="user:{alice.pk} job:{running.pk}"' in page
        assert f"job:{over.pk}" not in page

    def test_a_job_being_read_says_so_and_is_live(self, browser, alice):
        job = make_job(alice, status=JobStatus.INSPECTING)
        page = browser.get(url("job-settings", job)).content.decode()
        assert "Reading your scene" in page
        assert f'data-live="job:{job.pk}"' in page

    def test_its_live_element_reloads_once_there_is_more_to_show(self, browser, alice):
        job = make_job(alice, status=JobStatus.INSPECTING)
        waiting = browser.get(url("settings-state", job))
        assert b"Reading your scene" in waiting.content
        Job.objects.filter(pk=job.pk).update(status=JobStatus.READY)
        assert browser.get(url("settings-state", job))["HX-Refresh"] == "true"

    def test_a_file_that_cannot_be_read_says_what_to_do(self, browser, alice):
        job = make_job(alice)
        Job.objects.filter(pk=job.pk).update(status=JobStatus.FAILED, failure="scene_unreadable", failure_detail="Truncated.")
        page = browser.get(url("job-settings", job)).content.decode()
        assert "Blender cannot open the file." in page
        assert "Truncated." in page
        assert "Nothing was charged" in page

    def test_engines_that_are_to_come_are_shown_and_cannot_be_chosen(self, browser, alice):
        job = make_job(alice)
        page = browser.get(url("job-settings", job)).content.decode()
        assert "Redshift" in page
        assert 'value="redshift' not in page

    def test_missing_files_are_named(self, browser, alice):
        job = make_job(alice)
        job.scene.inspection |= {"missing_files": ["//textures/oak.png"]}
        job.scene.save()
        assert b"//textures/oak.png" in browser.get(url("job-settings", job)).content

    def test_submit_sends_the_job_and_keeps_the_settings(self, browser, alice):
        job = make_job(alice)
        sent = browser.post(url("job-submit", job), filled(frames="5-6", cap="3"))
        job.refresh_from_db()
        assert sent["Location"] == job.get_absolute_url()
        assert (job.status, job.frame_count, job.cap_micros) == (JobStatus.QUEUED, 2, 3 * MICROS)
        assert browser.post(url("job-submit", job), filled())["Location"] == job.get_absolute_url()

    def test_wrong_settings_are_shown_again_with_what_is_wrong(self, browser, alice):
        job = make_job(alice)
        sent = browser.post(url("job-submit", job), filled(frames="10-1"))
        assert sent.status_code == 422
        assert b"runs backwards" in sent.content
        job.refresh_from_db()
        assert job.status == JobStatus.READY

    def test_without_credit_nothing_is_lost(self, signed_in, mallory):
        job = make_job(mallory)
        sent = signed_in(mallory).post(url("job-submit", job), filled(frames="7"))
        assert sent.status_code == 422
        assert b"Top up" in sent.content
        job.refresh_from_db()
        assert (job.status, job.frames) == (JobStatus.READY, "7")

    def test_settings_are_kept_for_later(self, browser, alice):
        job = make_job(alice)
        browser.post(url("job-settings", job), filled(name="Later"))
        job.refresh_from_db()
        assert (job.name, job.status) == ("Later", JobStatus.READY)

    def test_a_draft_is_discarded(self, browser, alice):
        job = make_job(alice)
        page = browser.post(url("job-cancel", job), follow=True)
        assert b"Discarded" in page.content


def filled(**changes) -> dict:
    return {
        "name": "Carousel", "frames": "1-3", "width": "32", "height": "18", "percentage": "100", "samples": "1",
        "format": "PNG", "denoise": "", "camera": "", "software": "cycles:5.0.1", "tier": "standard", "cap": "",
    } | changes  # fmt: skip


class QuoteTests:
    def test_the_price_follows_the_form_and_changes_nothing(self, browser, alice):
        job = make_job(alice)
        few = browser.get(url("job-quote", job), filled(frames="1-10"))
        many = browser.get(url("job-quote", job), filled(frames="1-1000", tier="priority"))
        assert b"Submit 10 frames" in few.content
        assert b"Submit 1000 frames" in many.content
        assert few["ETag"] != many["ETag"]
        job.refresh_from_db()
        assert (job.frames, job.tier) == ("1-3", "standard")

    def test_what_is_wrong_is_said_beside_the_price(self, browser, alice):
        answer = browser.get(url("job-quote", make_job(alice)), filled(frames="x", samples="-3"))
        assert b"2 settings to mend" in answer.content
        assert b"is not a frame or a range" in answer.content

    def test_it_is_a_fragment_with_a_tag(self, browser, alice):
        job = make_job(alice)
        first = browser.get(url("job-quote", job), filled())
        assert b"<html" not in first.content
        assert browser.get(url("job-quote", job), filled(), headers={"If-None-Match": first["ETag"]}).status_code == 304


class DownloadTests:
    @pytest.mark.parametrize(("size", "kind"), [("thumb", "image/webp"), ("preview", "image/webp"), ("full", "image/png")])
    def test_a_frame_in_every_size(self, browser, running, size, kind):
        answer = browser.get(url("task-image", running, 1, size) + "?v=1")
        assert answer["Content-Type"] == kind
        assert "immutable" in answer["Cache-Control"]
        assert answer["Cache-Control"].startswith("private")

    def test_the_full_frame_is_the_very_file_and_has_a_name(self, browser, running):
        answer = browser.get(url("task-image", running, 1, "full"))
        assert b"".join(answer.streaming_content) == png_bytes(picture(1))
        assert answer["Content-Disposition"] == 'attachment; filename="carousel_0001.png"'
        assert "no-cache" in answer["Cache-Control"]

    @pytest.mark.parametrize(("frame", "size"), [(2, "thumb"), (99, "thumb"), (-1, "thumb"), (1, "huge")])
    def test_what_is_not_there_does_not_exist(self, browser, running, frame, size):
        assert browser.get(url("task-image", running, frame, size)).status_code == 404

    def test_a_frame_is_released_in_full_once_it_is_accepted(self, browser, alice):
        job = make_job(alice, status=JobStatus.RENDERING, worker=make_worker())
        task = job.tasks.get(frame=1)
        deliver(task)
        Output.objects.filter(attempt__task=task).update(preview_key=F("storage_key"))
        assert browser.get(url("task-image", job, 1, "preview")).status_code == 200
        assert browser.get(url("task-image", job, 1, "full")).status_code == 404
        assert browser.get(url("job-zip", job)).status_code == 404
        check(task)
        assert browser.get(url("task-image", job, 1, "full")).status_code == 200

    def test_frames_may_be_negative(self, browser, alice):
        job = make_job(alice, status=JobStatus.COMPLETED, frames="-3")
        assert browser.get(url("task-image", job, -3, "thumb")).status_code == 200
        full = browser.get(url("task-image", job, -3, "full"))
        assert full["Content-Disposition"] == 'attachment; filename="carousel_-0003.png"'

    def test_the_zip_holds_the_accepted_frames(self, browser, running):
        answer = browser.get(url("job-zip", running))
        assert answer["Content-Disposition"] == 'attachment; filename="carousel_frames.zip"'
        archive = zipfile.ZipFile(BytesIO(b"".join(answer.streaming_content)))
        assert len(archive.namelist()) == 1
        assert archive.read(archive.namelist()[0]) == png_bytes(picture(1))

    def test_an_empty_zip_does_not_exist(self, browser, alice):
        assert browser.get(url("job-zip", make_job(alice, status=JobStatus.QUEUED))).status_code == 404


class FilmTests:
    def test_a_film_is_started_shown_and_fetched(self, browser, running):
        browser.post(url("job-film", running), {"fps": "12"})
        film = Film.objects.get(job=running)
        assert film.fps == 12
        assert b"Assembling" in browser.get(url("job-part", running, "film")).content
        key = default_storage.save(f"films/{running.pk}.mp4", ContentFile(b"mp4"))
        Film.objects.filter(pk=film.pk).update(storage_key=key, finished_at=running.submitted_at)
        assert b"Download MP4" in browser.get(url("job-part", running, "film")).content
        answer = browser.get(url("film-download", running, film.pk))
        assert b"".join(answer.streaming_content) == b"mp4"
        assert "carousel.mp4" in answer["Content-Disposition"]

    @pytest.mark.parametrize("fps", ["0", "121", "", "fast"])
    def test_a_rate_that_no_film_has_is_refused(self, browser, running, fps):
        browser.post(url("job-film", running), {"fps": fps})
        assert not Film.objects.exists()

    def test_a_strangers_film_does_not_exist(self, signed_in, mallory, running):
        film = Film.objects.create(job=running, frame_count=1, storage_key="films/x.mp4")
        assert signed_in(mallory).get(url("film-download", running, film.pk)).status_code == 404

    def test_a_film_belongs_to_its_job(self, browser, running, alice):
        other = make_job(alice, status=JobStatus.QUEUED)
        film = Film.objects.create(job=running, frame_count=1, storage_key="films/x.mp4")
        assert browser.get(url("film-download", other, film.pk)).status_code == 404


class LiveTests:
    @pytest.mark.parametrize("pk", ["", "x", "-1", "1; drop", "9" * 30, "²"])
    def test_a_topic_that_names_no_job_is_nobodys(self, alice, pk):
        assert not may_join(alice, pk)

    def test_who_may_see_a_job_may_follow_it(self, alice, mallory, sam, running):
        assert [may_join(user, str(running.pk)) for user in (alice, sam, mallory)] == [True, True, False]
