"""Probe frames on their road: through the queue, apart from the job's own frames, free to the creator, paid by the network."""

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse

from common import clock
from common.transitions import StaleMove
from credit import services as credit
from pictor_agent import protocol
from rendering import background, probed, services
from rendering.errors import NothingToDo, QuotaExceeded
from rendering.models import Job, ProbeFrame
from rendering.services import probes
from rendering.states import JobStatus, ProbeStatus
from tests.builders import NOW, feed, make_job, make_user, make_worker, picture, report, result_of
from tests.rendering.test_settings_form import AS_IN_THE_FILE
from workers.models import Lease, Work

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("ledger_in_order")]


@pytest.fixture
def worker():
    return make_worker()


@pytest.fixture
def job():
    return make_job(frames="1-100", samples=64)


def lease_of(probe: ProbeFrame) -> Lease:
    return Lease.objects.get(work__kind="probe", work__reference=probe.pk)


def render(probe: ProbeFrame, seconds: float, wall_seconds: float = 10.0) -> None:
    lease, result = lease_of(probe), result_of(picture(probe.pk), seconds)
    report(lease, protocol.Started, now=NOW)
    report(lease, protocol.Rendered, result=result, now=NOW + timedelta(seconds=wall_seconds))
    report(lease, protocol.Done, result=result, now=NOW + timedelta(seconds=wall_seconds + 1))


def render_all(job: Job, *, fixed: float = 1.0, per_sample: float = 0.1) -> None:
    """A node renders every probe; each takes what the model says."""
    for _ in range(12):
        feed()
        for probe in job.probe_frames.filter(status=ProbeStatus.RENDERING):
            render(probe, fixed + per_sample * probe.samples)


class StartTests:
    def test_cheap_frames_enter_the_queue_one_by_one_and_nothing_is_held(self, job):
        assert services.start_probe(job, NOW) == 8
        assert Work.objects.filter(kind="probe", group=job.pk).count() == 1
        assert credit.balance_of(job.owner).held_micros == 0
        assert not job.tasks.exists()

    def test_the_same_settings_are_not_probed_twice(self, job):
        services.start_probe(job, NOW)
        with pytest.raises(NothingToDo):
            services.start_probe(job, NOW)
        assert job.probe_frames.count() == 8

    def test_other_settings_take_the_former_probe_out_of_the_queue(self, job):
        services.start_probe(job, NOW)
        Job.objects.filter(pk=job.pk).update(samples=128)
        services.start_probe(Job.objects.get(pk=job.pk), NOW)
        assert job.probe_frames.filter(status=ProbeStatus.CANCELLED).count() == 8
        assert Work.objects.filter(kind="probe").count() == 1

    def test_they_are_free_and_therefore_limited(self, job, monkeypatch):
        monkeypatch.setattr(probes, "RUNS_A_DAY", 1)
        services.start_probe(job, clock.now())
        with pytest.raises(QuotaExceeded):
            services.start_probe(make_job(job.owner, scene=job.scene, samples=9), clock.now())

    def test_a_submitted_job_is_past_probing(self):
        with pytest.raises(StaleMove):
            services.start_probe(make_job(status=JobStatus.QUEUED), NOW)


class RenderTests:
    def test_a_node_is_asked_for_few_samples_and_the_mandated_seed(self, worker, job):
        services.start_probe(job, NOW)
        feed()
        probe = job.probe_frames.get(pk=Lease.objects.get(place=0).work.reference)
        assert (probe.frame, probe.samples, probe.status) == (100, 16, ProbeStatus.RENDERING)

    def test_the_price_becomes_a_narrow_range_around_what_it_will_be(self, worker, job):
        wide = services.quote(job, NOW)
        services.start_probe(job, NOW)
        render_all(job)
        narrow = services.quote(job, NOW)
        truth = 100 * (1.0 + 0.1 * 64) * 100  # frames, seconds, micros
        assert narrow.low_micros < truth < narrow.high_micros
        assert narrow.high_micros / narrow.low_micros < wide.high_micros / wide.low_micros
        assert narrow.high_micros <= 1.25 * (narrow.low_micros + narrow.high_micros) / 2
        assert "probe" in narrow.basis

    def test_it_says_nothing_of_other_settings(self, worker, job):
        services.start_probe(job, NOW)
        render_all(job)
        job.samples = 4096
        assert probed.newest_run(job) == []

    def test_a_node_cannot_have_taken_longer_than_the_server_saw(self, worker, job):
        services.start_probe(job, NOW)
        feed()
        probe = job.probe_frames.filter(status=ProbeStatus.RENDERING).first()
        render(probe, seconds=5_000, wall_seconds=3)
        probe.refresh_from_db()
        assert probe.reference_ms == 3_000

    def test_a_report_of_an_older_attempt_changes_nothing(self, worker, job):
        services.start_probe(job, NOW)
        feed()
        probe = job.probe_frames.filter(status=ProbeStatus.RENDERING).first()
        old = lease_of(probe)
        report(old, protocol.Failed, reason="shutting_down")
        feed()
        assert report(old, protocol.Done, result=result_of(picture(1))).stale
        probe.refresh_from_db()
        assert probe.attempt == 2

    def test_its_file_is_small_and_does_not_stay(self, worker, job):
        services.start_probe(job, NOW)
        feed()
        probe = job.probe_frames.filter(status=ProbeStatus.RENDERING).first()
        held = lease_of(probe)
        refused = report(held, protocol.Rendered, result=result_of(picture(1), size_bytes=10**9), now=NOW)
        assert isinstance(refused, protocol.Cancel)
        feed(NOW + timedelta(hours=1))
        probe = job.probe_frames.filter(status=ProbeStatus.RENDERING).first()
        key = default_storage.save(probes.storage_key(job.pk, probe.pk, probe.attempt), ContentFile(b"x"))
        render(probe, 1.0)
        background.pay_probe(probe.pk)
        assert not default_storage.exists(key)

    def test_two_failures_are_enough_and_cost_nothing(self, worker, job):
        services.start_probe(job, NOW)
        probe = job.probe_frames.first()
        for _ in range(2):
            feed()
            report(lease_of(probe), protocol.Failed, reason="renderer_crashed")
        probe.refresh_from_db()
        assert probe.status == ProbeStatus.FAILED
        assert probed.progress_of(probed.newest_run(job)).failed == 1
        assert services.start_probe(job, NOW) == 8

    def test_the_next_one_enters_the_queue_when_one_is_done_and_also_when_one_has_failed(self, worker, job):
        services.start_probe(job, NOW)
        first, second, third = job.probe_frames.all()[:3]
        feed()
        render(first, seconds=2)
        feed()
        for _ in range(2):
            report(lease_of(second), protocol.Failed, reason="renderer_crashed")
            feed()
        assert list(Work.objects.filter(kind="probe").values_list("reference", flat=True)) == [third.pk]

    def test_they_count_in_no_progress_and_no_bill(self, worker, job):
        services.start_probe(job, NOW)
        render_all(job)
        services.submit_job(job, NOW)
        job.refresh_from_db()
        assert (job.frame_count, job.charged_micros, job.tasks.count()) == (100, 0, 100)
        assert job.estimate_basis.startswith("from 8 probe frames")


class PayTests:
    def test_the_network_pays_the_owner_once(self, worker, job):
        services.start_probe(job, NOW)
        render_all(job)
        before = credit.balance_of(worker.owner).available_micros
        assert background.sweep_probes() == 8
        assert background.sweep_probes() == 0
        paid = sum(job.probe_frames.values_list("paid_micros", flat=True))
        assert credit.balance_of(worker.owner).available_micros == before + paid > before
        assert credit.balance_of(worker.owner).withdrawable_micros == 0
        assert credit.balance_of(job.owner).available_micros == 10_000_000

    def test_ones_own_node_is_not_paid_for_ones_own_probes(self, job):
        make_worker(job.owner)
        services.start_probe(job, NOW)
        render_all(job)
        assert background.sweep_probes() == 0
        assert credit.balance_of(job.owner).available_micros == 10_000_000

    def test_paying_twice_by_hand_moves_nothing(self, worker, job):
        services.start_probe(job, NOW)
        render_all(job)
        probe = job.probe_frames.first()
        assert probes.pay_probe(probe.pk) > 0
        ProbeFrame.objects.filter(pk=probe.pk).update(paid_micros=0)
        before = credit.balance_of(worker.owner).available_micros
        probes.pay_probe(probe.pk)
        assert credit.balance_of(worker.owner).available_micros == before


class EndTests:
    def test_submit_takes_them_out_of_the_queue(self, job, django_capture_on_commit_callbacks):
        services.start_probe(job, NOW)
        with django_capture_on_commit_callbacks(execute=True):
            services.submit_job(job, NOW)
        assert not Work.objects.filter(kind="probe").exists()

    @pytest.mark.parametrize("verb", ["cancel", "late"])
    def test_the_sweep_ends_what_nobody_waits_for(self, job, verb):
        services.start_probe(job, NOW)
        if verb == "cancel":
            services.cancel_job(job, job.owner, NOW)
        else:
            ProbeFrame.objects.update(created_at=clock.now() - timedelta(hours=2))
        assert background.sweep_probes() == 1
        assert not Work.objects.filter(kind="probe").exists()
        assert set(job.probe_frames.values_list("status", flat=True)) == {ProbeStatus.CANCELLED}


class PageTests:
    @pytest.fixture
    def browser(self, signed_in, job):
        return signed_in(job.owner)

    def test_a_probe_is_begun_from_the_page_and_keeps_the_settings(self, browser, job):
        sent = browser.post(reverse("rendering:job-probe", args=[job.pk]), AS_IN_THE_FILE | {"samples": "32", "frames": "1-19"})
        assert sent["Location"] == reverse("rendering:job-settings", args=[job.pk])
        job.refresh_from_db()
        assert (job.samples, job.probe_frames.count()) == (32, 8)
        assert "8 small pictures are on their way" in browser.get(sent["Location"]).content.decode()

    def test_the_page_says_that_it_may_be_left_out(self, browser, job):
        page = browser.get(reverse("rendering:job-settings", args=[job.pk])).content.decode()
        assert "Probe first, free" in page
        assert "without a probe" in page

    def test_wrong_settings_are_not_probed(self, browser, job):
        sent = browser.post(reverse("rendering:job-probe", args=[job.pk]), AS_IN_THE_FILE | {"width": "-1"})
        assert sent.status_code == 422
        assert not ProbeFrame.objects.exists()

    def test_a_stranger_cannot_probe(self, signed_in, job):
        mallory = signed_in(make_user("mallory"))
        assert mallory.post(reverse("rendering:job-probe", args=[job.pk]), AS_IN_THE_FILE).status_code == 404
