"""Rendering again takes a place like submitting; probes between two accounts of one person mint no more than their bound."""

import pytest

from credit import services as credit
from rendering import pricing, probing, quotas, services
from rendering.choices import Tier
from rendering.errors import QuotaExceeded
from rendering.models import ProbeFrame
from rendering.services import probes
from rendering.states import JobStatus, ProbeStatus
from tests.builders import MICROS, NOW, feed, give, make_job, make_user, make_worker
from tests.rendering.test_probes import render
from workers.models import Work

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("ledger_in_order")]


def fill_places(owner) -> None:
    give(owner, 100 * MICROS)
    for _ in range(quotas.JOBS_MAX):
        make_job(owner, status=JobStatus.QUEUED, frames="1")


class AgainTests:
    def test_an_ended_job_takes_a_place_when_it_is_opened_again(self):
        job = make_job(status=JobStatus.COMPLETED, frames="1")
        fill_places(job.owner)
        with pytest.raises(QuotaExceeded, match="at work"):
            services.requeue_tasks(job, [job.tasks.get().pk], now=NOW)
        job.refresh_from_db()
        assert (job.status, job.hold_id) == (JobStatus.COMPLETED, None)

    def test_one_that_is_at_work_has_its_place(self):
        job = make_job(status=JobStatus.QUEUED, frames="1-2")
        job.tasks.filter(frame=2).update(status="failed")
        Work.objects.filter(reference=job.tasks.get(frame=2).pk).delete()
        for _ in range(quotas.JOBS_MAX - 1):
            make_job(job.owner, status=JobStatus.QUEUED, frames="1")
        assert services.requeue_tasks(job, [job.tasks.get(frame=2).pk], now=NOW) == 1


class MintingTests:
    """Two accounts of one person: one asks for probes, the other's node is paid for them by the network."""

    DEAREST_MICROS = int(probing.SECONDS_MAX * pricing.DEFAULT_RATES_MICROS[Tier.STANDARD]) * 6_000 // 10_000

    def test_a_probe_pays_at_most_its_longest_time_whatever_the_node_claims(self):
        node, job = make_worker(make_user("twin")), make_job()
        services.start_probe(job, NOW)
        feed()
        probe = ProbeFrame.objects.get(status=ProbeStatus.RENDERING)
        render(probe, seconds=1e6, wall_seconds=1e6)
        assert 0 < probes.pay_probe(probe.pk) <= self.DEAREST_MICROS
        balance = credit.balance_of(node.owner)
        assert (balance.promotional_micros, balance.withdrawable_micros) == (balance.available_micros, 0)

    def test_the_runs_of_a_day_are_counted_over_all_jobs_also_given_up_ones(self):
        alice = make_user("alice", credits=10)
        for number in range(probes.RUNS_A_DAY):
            job = make_job(alice, width=32 + number)
            services.start_probe(job, NOW)
            services.cancel_job(job, alice, NOW)
        with pytest.raises(QuotaExceeded):
            services.start_probe(make_job(alice), NOW)
        runs = ProbeFrame.objects.values("job", "run").distinct().count()
        assert runs == probes.RUNS_A_DAY
