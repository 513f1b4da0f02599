"""The settings page: presets, an earlier job's settings, nodes that fit, two tabs, mistakes beside their fields."""

from datetime import timedelta

import pytest
from django.urls import reverse

from common import clock
from rendering import services
from rendering.models import Job
from rendering.states import JobStatus
from tests.builders import make_job, make_scene, make_user, make_worker
from tests.rendering.test_settings_form import AS_IN_THE_FILE
from workers.models import Work

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice():
    return make_user("alice", credits=10)


@pytest.fixture
def browser(signed_in, alice):
    return signed_in(alice)


def url(name, job):
    return reverse(f"rendering:{name}", args=[job.pk])


def filled(**changes) -> dict:
    return AS_IN_THE_FILE | changes


class ChoosingTests:
    def test_every_setting_is_kept(self, browser, alice):
        job = make_job(alice)
        needed_by = (clock.now() + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
        sent = browser.post(
            url("job-settings", job),
            filled(
                render_order="bisect", device="gpu", gpu_vendor="nvidia", location="europe", nodes="trusted", needed_by=needed_by,
                reliability_min_percent="90", one_device_class="on", gate_step="5", cap="3", pause_percent="80", depth_bits="16",
            ),
        )  # fmt: skip
        assert sent.status_code == 302
        job.refresh_from_db()
        assert (job.render_order, job.device, job.gpu_vendor, job.location) == ("bisect", "gpu", "nvidia", "europe")
        assert (job.nodes, job.reliability_min_percent, job.one_device_class) == ("trusted", 90, True)
        assert (job.gate_step, job.pause_percent, job.depth_bits) == (5, 80, 16)
        assert job.needed_by_at.strftime("%Y-%m-%dT%H:%M") == needed_by

    def test_mistakes_stand_beside_their_fields_and_the_input_stays(self, browser, alice):
        sent = browser.post(url("job-submit", make_job(alice)), filled(width="-640", frames="1-999999", gpu_model="4090"))
        page = sent.content.decode()
        assert sent.status_code == 422
        assert 'id="id_width_error"' in page
        assert 'id="id_frames_error"' in page
        assert 'value="-640"' in page
        assert 'value="4090"' in page

    def test_a_scene_without_a_camera_says_so_beside_the_camera(self, browser, alice):
        job = make_job(alice, scene=make_scene(alice, cameras=[], camera=""))
        page = browser.post(url("job-submit", job), filled()).content.decode()
        assert "Add one in Blender" in page
        assert 'id="id_camera_error"' in page

    def test_a_preset_fills_fields_in_and_keeps_nothing(self, browser, alice):
        job = make_job(
            alice, scene=make_scene(alice, width=1920, height=1080, samples=400), width=1920, height=1080, samples=400
        )
        page = browser.post(url("job-settings", job), filled(name="Mine", preset="preview")).content.decode()
        assert 'name="percentage" value="25"' in page
        assert 'value="Mine"' in page
        job.refresh_from_db()
        assert (job.name, job.samples) == ("Carousel", 400)


class EarlierJobTests:
    def test_its_settings_are_filled_in(self, browser, alice):
        make_job(alice, status=JobStatus.QUEUED, samples=77, tier="priority", cap_micros=2_000_000)
        job = make_job(alice)
        page = browser.get(url("job-settings", job), {"like": str(Job.objects.exclude(pk=job.pk).get().pk)}).content.decode()
        assert 'name="samples" value="77"' in page
        assert 'value="priority" checked' in page
        job.refresh_from_db()
        assert job.samples == 1

    @pytest.mark.parametrize("asked", ["", "x", "999999", "9" * 40, "-1"])
    def test_nonsense_is_ignored(self, browser, alice, asked):
        assert browser.get(url("job-settings", make_job(alice)), {"like": asked}).status_code == 200

    def test_a_strangers_job_says_nothing(self, browser, alice):
        secret = make_job(make_user("bob", credits=5), status=JobStatus.QUEUED, samples=77, name="Secret")
        page = browser.get(url("job-settings", make_job(alice)), {"like": str(secret.pk)}).content.decode()
        assert "Secret" not in page
        assert 'value="77"' not in page

    def test_a_camera_that_the_new_scene_lacks_is_not_taken_over(self, browser, alice):
        old = make_job(alice, status=JobStatus.QUEUED, camera="Camera")
        job = make_job(alice, scene=make_scene(alice, content=b"BLENDER17-01v0500 other", cameras=["Eye"], camera="Eye"))
        assert browser.get(url("job-settings", job), {"like": str(old.pk)}).status_code == 200

    def test_a_new_job_like_this_one(self, browser, alice):
        old = make_job(alice, status=JobStatus.COMPLETED, frames="1-2", gate_step=0, worker=make_worker())
        sent = browser.post(url("job-copy", old))
        made = Job.objects.exclude(pk=old.pk).get()
        assert sent["Location"] == url("job-settings", made)
        assert (made.status, made.frames, made.scene_id, made.charged_micros) == (JobStatus.READY, "1-2", old.scene_id, 0)

    def test_without_its_files_there_is_none(self, browser, alice):
        old = make_job(alice, status=JobStatus.CANCELLED)
        old.scene.files.all().delete()
        assert "deleted" in browser.post(url("job-copy", old), follow=True).content.decode()
        assert Job.objects.count() == 1


class FitTests:
    def test_it_says_how_many_nodes_fit(self, browser, alice):
        make_worker()
        make_worker(make_user("walter"))
        job = make_job(alice)
        assert b"2 of 2 nodes online fit." in browser.get(url("job-fit", job), filled()).content

    def test_it_says_why_none_does(self, browser, alice):
        make_worker()
        page = browser.get(url("job-fit", make_job(alice)), filled(device="gpu")).content.decode()
        assert "None fits now." in page
        assert "a GPU" in page

    def test_of_nodes_that_are_too_new_to_be_as_reliable_it_says_how_many_and_how_far_they_are(self, browser, alice):
        make_worker(reliability_bp=6_000)
        make_worker(make_user("walter"), reliability_bp=6_420)
        make_worker(make_user("wilma"), reliability_bp=7_000, blender_versions=["4.2.23"])
        page = browser.get(url("job-fit", make_job(alice)), filled(reliability_min_percent="95")).content.decode()
        assert "a reliability of 95 % or more" in page
        assert "With less of it 2 nodes would fit, of 64 % at best." in page

    def test_ones_own_nodes_alone(self, browser, alice):
        make_worker()
        job = make_job(alice)
        assert b"None fits now." in browser.get(url("job-fit", job), filled(nodes="own")).content
        make_worker(alice)
        assert b"1 of 2 nodes online fits." in browser.get(url("job-fit", job), filled(nodes="own")).content

    def test_nothing_is_said_of_settings_that_cannot_be_read(self, browser, alice):
        assert browser.get(url("job-fit", make_job(alice)), filled(width="x")).status_code == 200

    def test_what_was_asked_for_goes_into_the_queue(self, browser, alice):
        make_worker(alice)
        job = make_job(alice)
        browser.post(
            url("job-submit", job), filled(nodes="own", location="", reliability_min_percent="50", one_device_class="on")
        )
        needs = Work.objects.filter(group=job.pk).first().requirements
        assert (needs["owner_only"], needs["reliability_bp_min"]) == (alice.pk, 5000)
        assert needs["device_class"].startswith("cpu")

    def test_no_kind_of_device_can_be_fixed_while_no_node_fits(self, browser, alice):
        job = make_job(alice)
        sent = browser.post(url("job-submit", job), filled(one_device_class="on"))
        assert sent.status_code == 422
        assert b"no kind of device can be fixed" in sent.content


class DeadlineTests:
    @pytest.mark.parametrize(("hours", "words"), [(24 * 365, "in time"), (0.02, "late")])
    def test_a_time_is_held_against_the_forecast(self, browser, alice, hours, words):
        make_worker()
        needed_by = (clock.now() + timedelta(hours=hours, minutes=1)).strftime("%Y-%m-%dT%H:%M")
        many = filled(frames="1-2000", width="1920", height="1080", samples="128", needed_by=needed_by)
        assert words in browser.get(url("job-quote", make_job(alice)), many).content.decode()


class TwoTabsTests:
    def test_the_second_submit_says_so_and_sends_nothing(self, browser, alice):
        job = make_job(alice)
        browser.post(url("job-submit", job), filled(frames="1-2"))
        second = browser.post(url("job-submit", job), filled(frames="1-9"), follow=True)
        assert "submitted already" in second.content.decode()
        assert second.redirect_chain[-1][0] == job.get_absolute_url()
        assert job.tasks.count() == 2

    def test_keeping_settings_of_a_submitted_job_says_so_too(self, browser, alice):
        job = make_job(alice, status=JobStatus.QUEUED)
        page = browser.post(url("job-settings", job), filled(frames="1-9"), follow=True)
        assert "submitted already" in page.content.decode()


def test_the_estimate_that_was_shown_is_kept_with_the_job(browser, alice):
    make_worker()
    job = make_job(alice)
    shown = services.quote(job, clock.now())
    browser.post(url("job-submit", job), filled())
    job.refresh_from_db()
    assert (job.estimate_low_micros, job.estimate_high_micros) == (shown.low_micros, shown.high_micros)
    assert job.estimate_basis == shown.basis
