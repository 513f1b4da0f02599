"""The operators see how good the ranges before submit were."""

from datetime import timedelta

import pytest
from django.urls import reverse

from common import clock
from rendering.estimate_errors import accuracies
from rendering.models import Job
from tests.builders import make_job, make_user

pytestmark = pytest.mark.django_db


def completed(charged_micros: int, *, basis: str = "from 8 probe frames of this scene", low=80, high=120) -> None:
    job = make_job(make_user("alice"))
    Job.objects.filter(pk=job.pk).update(
        status="completed",
        finished_at=clock.now(),
        charged_micros=charged_micros,
        estimate_low_micros=low,
        estimate_high_micros=high,
        estimate_basis=basis,
    )


def test_the_share_inside_and_the_width_by_what_the_range_rested_on():
    for charged in (80, 100, 120, 121):
        completed(charged)
    completed(5_000, basis="from scenes of this size", low=10, high=90)
    probe, size = accuracies(clock.now() - timedelta(days=1))
    assert (probe.basis, probe.jobs, probe.inside_percent, probe.width_percent) == ("probe frames", 4, 75, 20)
    assert (size.jobs, size.inside_percent, size.width_percent) == (1, 0, 80)


def test_jobs_without_a_range_or_an_end_do_not_count():
    make_job(status="queued")
    assert accuracies(clock.now() - timedelta(days=1)) == []


def test_the_console_shows_it(signed_in, sam):
    completed(100)
    page = signed_in(sam).get(reverse("admin:rendering_job_changelist")).content.decode()
    assert "Final price inside the range" in page
    assert "100 %" in page
